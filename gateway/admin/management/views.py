"""What is shown of accounts, members, integrations, tokens, keys and nodes. The JSON of the API is these, member by member."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from gateway.admin.management.values import Value
from gateway.core.model import AccountKind
from gateway.storage.integration_state import IntegrationState
from gateway.storage.members import Role


class Labs(Value):
    """Features that an account switches on for itself."""

    private_integrations: bool


class AccountView(Value):
    """An account. Days that are null are the configured default."""

    id: str
    name: str
    kind: AccountKind
    parent_id: str | None
    labs: Labs
    inactivity_expire_after_days: int | None
    rotation_remind_after_days: int | None
    created_at: datetime


class Permissions(Value):
    """What overrides a member's role; null: nothing does."""

    private_integrations: bool | None


class MemberView(Value):
    """A person in an account. `may_manage_integrations` is what role and permissions come to."""

    id: str
    account_id: str
    email: str
    name: str
    role: Role
    permissions: Permissions
    may_manage_integrations: bool
    created_at: datetime


class ActorView(Value):
    """Who did something: a member, an admin key, an operator at the command line, or the gateway itself."""

    kind: str
    id: str
    name: str


class TokenRole(StrEnum):
    """Which of an integration's tokens: the only one, or the old or the new one of a rotation."""

    CURRENT = "current"
    OLD = "old"
    NEW = "new"


class TokenView(Value):
    """A live token; its secret is nowhere. `expires_at` is the deadline of a rotation."""

    id: str
    hint: str
    role: TokenRole
    created_at: datetime
    expires_at: datetime | None
    first_used_at: datetime | None
    last_used_at: datetime | None


class RotationView(Value):
    """A rotation under way: until `ends_at` both tokens work."""

    started_at: datetime
    ends_at: datetime


class IntegrationView(Value):
    """A private integration. `rotation_due_at` is when its newest token should be rotated."""

    id: str
    account_id: str
    name: str
    description: str
    scopes: tuple[str, ...]
    state: IntegrationState
    tokens: tuple[TokenView, ...]
    rotation: RotationView | None
    rotation_due_at: datetime | None
    created_at: datetime
    created_by: ActorView
    # Told in the ETag; an edit may demand it.
    version: int = Field(exclude=True)


class NewToken(Value):
    """A token that was just made. `secret` is in this one answer and nowhere else."""

    id: str
    secret: str = Field(repr=False)
    hint: str
    created_at: datetime


class AdminKeyView(Value):
    """An operator's key; `account_id` null: for all accounts."""

    id: str
    name: str
    hint: str
    account_id: str | None
    created_at: datetime
    created_by: ActorView
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class NodeView(Value):
    """A node of the gateway. A change is complete when every node that is `alive` has applied its revision.

    `version` is that of the program it runs; null: one that does not say.
    Nodes with the same `map_version` serve the same route map.
    """

    id: str
    started_at: datetime
    heartbeat_at: datetime
    applied_revision: int
    version: str | None
    map_version: str
    alive: bool


class SubjectView(Value):
    """What was acted on."""

    kind: str
    id: str


class AuditView(Value):
    """One row of the audit: who changed what, from where. `hash` covers the row and, through `prev`, all before it."""

    number: int
    revision: int
    at: datetime
    account_id: str | None
    actor: ActorView
    action: str
    subject: SubjectView
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    address: str | None
    prev: str
    hash: str


class ScopeView(Value):
    """A scope that the live route map has. `account` is the kind of account that can hold it: or `any`."""

    name: str
    description: str
    routes: tuple[str, ...]
    account: str


class SessionView(Value):
    """Who is logged in. `csrf_token` goes into the X-CSRF-Token header of every call that changes something."""

    member: MemberView
    account: AccountView
    csrf_token: str = Field(repr=False)
    began_at: datetime
    expires_at: datetime
