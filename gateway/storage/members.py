"""Members: the people of an account. An e-mail address, in any case, is one member over all accounts."""

# ruff: noqa: S608 (the SQL is put together from constants; values are parameters)

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypedDict, Unpack

import asyncpg

from gateway.storage import paging
from gateway.storage.audit import Action, Subject, SubjectKind, difference
from gateway.storage.database import Reader
from gateway.storage.errors import Conflict, ConflictReason, NotFound
from gateway.storage.identifiers import Prefix, fresh
from gateway.storage.mutation import Mutation
from gateway.storage.paging import Page

_COLUMNS: Final = "id, account_id, email, name, role, private_integrations, created_at"


class Role(StrEnum):
    """What a member may do where nothing else is said."""

    ADMIN = "admin"
    USER = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person in an account. `private_integrations` None: what the role allows."""

    id: str
    account_id: str
    email: str
    name: str
    role: Role
    private_integrations: bool | None
    created_at: datetime

    def settings(self) -> MemberEdit:
        """What of it can be edited."""
        return {"name": self.name, "role": self.role, "private_integrations": self.private_integrations}


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What a login is checked against; never sent anywhere."""

    member: Member
    password_hash: str | None

    def __repr__(self) -> str:
        return f"Login({self.member.id!r})"


class MemberEdit(TypedDict, total=False):
    """What is to be changed; what is not named stays."""

    name: str
    role: Role
    private_integrations: bool | None


def _read(row: asyncpg.Record) -> Member:
    fields: dict[str, Any] = {name: row[name] for name in _COLUMNS.split(", ")}
    return Member(**{**fields, "role": Role(fields["role"])})


def _subject(member: Member) -> Subject:
    return Subject(kind=SubjectKind.MEMBER, id=member.id, account_id=member.account_id)


async def create(
    change: Mutation,
    *,
    account_id: str,
    email: str,
    name: str,
    role: Role,
    password_hash: str | None = None,
    private_integrations: bool | None = None,
) -> Member:
    """A new member. Raises NotFound without the account, Conflict when the address is taken."""
    try:
        (row,) = await change.fetch(
            "INSERT INTO members (id, account_id, email, name, role, password_hash, private_integrations)"
            f" VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING {_COLUMNS}",
            fresh(Prefix.MEMBER),
            account_id,
            email,
            name,
            role.value,
            password_hash,
            private_integrations,
        )
    except asyncpg.UniqueViolationError as error:
        raise Conflict(ConflictReason.EMAIL_TAKEN, "this e-mail address is a member already") from error
    except asyncpg.ForeignKeyViolationError as error:
        raise NotFound("account", account_id) from error
    member = _read(row)
    change.audit(Action.MEMBER_CREATE, _subject(member), after={"email": member.email, **member.settings()})
    return member


async def get(reader: Reader, *, account_id: str, member_id: str) -> Member:
    """One member of this account. Raises NotFound."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM members WHERE id = $1 AND account_id = $2", member_id, account_id
    )
    if not rows:
        raise NotFound("member", member_id)
    return _read(rows[0])


async def find_login(reader: Reader, email: str) -> Login | None:
    """The member with this address, in any case, and the hash of the password."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS}, password_hash FROM members WHERE lower(email) = lower($1)", email
    )
    return Login(member=_read(rows[0]), password_hash=rows[0]["password_hash"]) if rows else None


async def list_page(
    reader: Reader, *, account_id: str, limit: int, cursor: str | None = None
) -> Page[Member]:
    """The members of an account, newest first."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM members WHERE account_id = $1"
        " AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $4",
        account_id,
        *paging.decode(cursor),
        limit + 1,
    )
    return paging.page([_read(row) for row in rows], limit)


async def _lock(change: Mutation, account_id: str, member_id: str) -> Member:
    rows = await change.fetch(
        f"SELECT {_COLUMNS} FROM members WHERE id = $1 AND account_id = $2 FOR UPDATE", member_id, account_id
    )
    if not rows:
        raise NotFound("member", member_id)
    return _read(rows[0])


async def edit(change: Mutation, *, account_id: str, member_id: str, **fields: Unpack[MemberEdit]) -> Member:
    """Changes what is named; an edit that changes nothing leaves no trace. Raises NotFound."""
    before = await _lock(change, account_id, member_id)
    after = replace(before, **fields)
    changed = difference(before.settings(), after.settings())
    if changed is None:
        return before
    await change.execute(
        "UPDATE members SET name = $2, role = $3, private_integrations = $4 WHERE id = $1",
        member_id,
        after.name,
        after.role.value,
        after.private_integrations,
    )
    change.audit(Action.MEMBER_EDIT, _subject(before), before=changed[0], after=changed[1])
    return after


async def delete(change: Mutation, *, account_id: str, member_id: str) -> None:
    """Removes a member and ends the sessions; the audit keeps who it was. Raises NotFound."""
    before = await _lock(change, account_id, member_id)
    await change.execute("DELETE FROM members WHERE id = $1", member_id)
    change.audit(Action.MEMBER_DELETE, _subject(before), before={"email": before.email, **before.settings()})
