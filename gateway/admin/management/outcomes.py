"""What a change or a list comes to: the thing, and the revision at which every node knows it."""

from __future__ import annotations

from pydantic import Field

from gateway.admin.management.values import Value
from gateway.admin.management.views import (
    AccountView,
    AdminKeyView,
    AuditView,
    IntegrationView,
    MemberView,
    NewToken,
    NodeView,
)


class Changed(Value):
    """A change. A node that has applied `revision` serves nothing older."""

    revision: int


class AccountChanged(Changed):
    """An account that was made or changed."""

    account: AccountView


class MemberChanged(Changed):
    """A member who was added, changed or removed."""

    member: MemberView


class IntegrationChanged(Changed):
    """An integration that was changed."""

    integration: IntegrationView


class IntegrationIssued(IntegrationChanged):
    """An integration with the token that was just made for it, where one was."""

    token: NewToken | None


class AdminKeyChanged(Changed):
    """An admin key that was revoked."""

    admin_key: AdminKeyView


class AdminKeyCreated(AdminKeyChanged):
    """An admin key that was just made. `secret` is in this one answer and nowhere else."""

    secret: str = Field(repr=False)


class Listed(Value):
    """A page of a list. `next_cursor` asks for the next one; null: this is the last."""

    next_cursor: str | None


class AccountList(Listed):
    """Accounts, newest first."""

    items: tuple[AccountView, ...]


class MemberList(Listed):
    """Members, newest first."""

    items: tuple[MemberView, ...]


class IntegrationList(Listed):
    """Integrations, newest first."""

    items: tuple[IntegrationView, ...]


class AdminKeyList(Listed):
    """Admin keys, revoked ones as well, newest first."""

    items: tuple[AdminKeyView, ...]


class AuditList(Listed):
    """Rows of the audit, newest first."""

    items: tuple[AuditView, ...]


class NodeList(Listed):
    """The nodes, by their identifiers."""

    items: tuple[NodeView, ...]
