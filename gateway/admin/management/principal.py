"""Who acts: an operator, by an admin key or at the command line, or a member who logged in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from gateway.storage.admin_keys import AdminKey
from gateway.storage.audit import Actor, ActorKind
from gateway.storage.members import Member, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Whoever runs the gateway. `account_id` limits them to one account. `address` is where they come from."""

    actor: Actor
    account_id: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A member, as the member is at this request. `session` is the digest of the session."""

    member: Member
    session: bytes
    address: str | None = None

    def __repr__(self) -> str:
        return f"Person({self.member.id!r})"

    @property
    def actor(self) -> Actor:
        """How the audit names them."""
        return Actor(kind=ActorKind.MEMBER, id=self.member.id, name=self.member.name)


Principal: TypeAlias = Operator | Person


def operator_of(key: AdminKey, address: str | None) -> Operator:
    """Who holds this admin key."""
    return Operator(
        actor=Actor(kind=ActorKind.ADMIN_KEY, id=key.id, name=key.name),
        account_id=key.account_id,
        address=address,
    )


def may_manage_integrations(role: Role, permission: bool | None) -> bool:
    """What a member's role and permission come to: the permission overrides the role's default, either way."""
    return role is Role.ADMIN if permission is None else permission
