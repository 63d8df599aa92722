"""What can be asked for: one type for each thing that is made or changed. The API takes them as bodies, pages from forms."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from gateway.admin.management.values import (
    Days,
    Description,
    Edit,
    Email,
    GivenPassword,
    Identifier,
    Lifetime,
    Name,
    Password,
    Scopes,
    Span,
    Value,
    Window,
    unsent,
)
from gateway.core.model import AccountKind
from gateway.storage.members import Role


class NewAccount(Value):
    """An account to be made."""

    name: Name
    kind: AccountKind
    parent_id: Identifier | None = None
    """The agency it belongs to; only for a sub-account."""


class LabsEdit(Value):
    """The features that an account switches on for itself."""

    private_integrations: bool


class AccountEdit(Edit):
    """What is to be changed of an account; null in days means the configured default."""

    name: Name = unsent("")
    labs: LabsEdit = unsent(None)
    inactivity_expire_after_days: Days | None = unsent(None)
    rotation_remind_after_days: Days | None = unsent(None)


class PermissionsEdit(Value):
    """What overrides a member's role; null: nothing does."""

    private_integrations: bool | None


class NewMember(Value):
    """A member to be added. Without a password the member cannot log in until one is set."""

    email: Email
    name: Name
    role: Role
    permissions: PermissionsEdit = PermissionsEdit(private_integrations=None)
    password: Password | None = Field(default=None, repr=False)


class MemberEdit(Edit):
    """What is to be changed of a member. A new password ends the member's sessions."""

    name: Name = unsent("")
    role: Role = unsent(Role.USER)
    permissions: PermissionsEdit = unsent(None)
    password: Password = unsent("", repr=False)


class NewIntegration(Value):
    """A private integration to be made."""

    name: Annotated[Name, Field(examples=["Order sync"])]
    description: Description = ""
    scopes: Scopes
    issue_token: bool = True


class IntegrationEdit(Edit):
    """What is to be changed of an integration; no token is."""

    name: Name = unsent("")
    description: Description = unsent("")
    scopes: Scopes = unsent(())
    suspended: bool = unsent(False)


class OldToken(StrEnum):
    """What becomes of the token that is replaced."""

    EXPIRE_LATER = "expire_later"
    EXPIRE_NOW = "expire_now"


class Rotation(Value):
    """How to rotate. `window` is how long the old token still works; without it, what is configured."""

    old_token: OldToken
    window: Window | None = None


class NewAdminKey(Value):
    """An admin key to be made: for one account, or for all."""

    name: Name
    account_id: Identifier | None = None
    expires_in: Lifetime | None = None


class Credentials(Value):
    """A login."""

    email: Annotated[str, StringConstraints(max_length=1024)]
    password: GivenPassword = Field(repr=False)


class PasswordChange(Value):
    """A member's own new password."""

    current_password: GivenPassword = Field(repr=False)
    new_password: Password = Field(repr=False)


class MapToCompare(Value):
    """A route map that is compared with the one in force."""

    map: str
    """The text of the file, YAML."""
    traffic: Span | None = None
    """What it would do to the requests recorded in this time; null: only the maps are compared."""
