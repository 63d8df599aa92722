"""Accounts: agencies and sub-accounts, and what each has set for itself."""

# ruff: noqa: S608 (the SQL is put together from constants; values are parameters)

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypedDict, Unpack

import asyncpg

from gateway.core.model import AccountKind
from gateway.storage import paging
from gateway.storage.audit import Action, Subject, SubjectKind, difference
from gateway.storage.database import Reader
from gateway.storage.errors import Conflict, ConflictReason, NotFound
from gateway.storage.identifiers import Prefix, fresh
from gateway.storage.mutation import Mutation
from gateway.storage.paging import Page

# What LIKE takes for more than itself.
_ESCAPED: Final = re.compile(r"[\\%_]")
_BACKSLASHED: Final = r"\\\g<0>"
_COLUMNS: Final = (
    "id, kind, name, parent_id, labs_private_integrations, inactivity_expire_after_days, "
    "rotation_remind_after_days, created_at"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A tenant. The settings in days are None where the configured default holds."""

    id: str
    kind: AccountKind
    name: str
    parent_id: str | None
    labs_private_integrations: bool
    inactivity_expire_after_days: int | None
    rotation_remind_after_days: int | None
    created_at: datetime

    def settings(self) -> AccountEdit:
        """What of it can be edited."""
        return {
            "name": self.name,
            "labs_private_integrations": self.labs_private_integrations,
            "inactivity_expire_after_days": self.inactivity_expire_after_days,
            "rotation_remind_after_days": self.rotation_remind_after_days,
        }


class AccountEdit(TypedDict, total=False):
    """What is to be changed; what is not named stays."""

    name: str
    labs_private_integrations: bool
    inactivity_expire_after_days: int | None
    rotation_remind_after_days: int | None


def _read(row: asyncpg.Record) -> Account:
    fields: dict[str, Any] = dict(row)
    return Account(**{**fields, "kind": AccountKind(fields["kind"])})


def _subject(account_id: str) -> Subject:
    return Subject(kind=SubjectKind.ACCOUNT, id=account_id, account_id=account_id)


async def create(change: Mutation, *, name: str, kind: AccountKind, parent_id: str | None = None) -> Account:
    """A new account. Raises Conflict when the parent is not an agency, or an agency is to have one."""
    if kind is AccountKind.AGENCY and parent_id is not None:
        raise Conflict(ConflictReason.PARENT, "an agency has no parent")
    try:
        (row,) = await change.fetch(
            f"INSERT INTO accounts (id, kind, name, parent_id) VALUES ($1, $2, $3, $4) RETURNING {_COLUMNS}",
            fresh(Prefix.ACCOUNT),
            kind.value,
            name,
            parent_id,
        )
    except asyncpg.ForeignKeyViolationError as error:
        raise Conflict(ConflictReason.PARENT, f"there is no agency {parent_id!r}") from error
    account = _read(row)
    change.audit(
        Action.ACCOUNT_CREATE,
        _subject(account.id),
        after={"kind": account.kind.value, "parent_id": account.parent_id, **account.settings()},
    )
    return account


async def get(reader: Reader, account_id: str) -> Account:
    """One account. Raises NotFound."""
    rows = await reader.fetch(f"SELECT {_COLUMNS} FROM accounts WHERE id = $1", account_id)
    if not rows:
        raise NotFound("account", account_id)
    return _read(rows[0])


async def list_page(
    reader: Reader,
    *,
    limit: int,
    cursor: str | None = None,
    parent_id: str | None = None,
    words: str | None = None,
) -> Page[Account]:
    """Accounts, newest first: all, or the sub-accounts of `parent_id`; with all of `words` in their name, or as their id."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM accounts WHERE (created_at, id) < ($1, $2)"
        " AND ($4::text IS NULL OR parent_id = $4)"
        " AND ($5::text IS NULL OR id = $5 OR lower(name) LIKE ALL($6::text[]))"
        " ORDER BY created_at DESC, id DESC LIMIT $3",
        *paging.decode(cursor),
        limit + 1,
        parent_id,
        words,
        [f"%{_ESCAPED.sub(_BACKSLASHED, word)}%" for word in (words or "").lower().split()],
    )
    return paging.page([_read(row) for row in rows], limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What an account has: its integrations that are not deleted, and when a token of theirs was last used."""

    integrations: int
    last_used_at: datetime | None


async def held(reader: Reader, account_ids: Sequence[str]) -> dict[str, Held]:
    """What each of these accounts has; those without an integration are left out."""
    rows = await reader.fetch(
        "SELECT i.account_id, count(DISTINCT i.id) AS integrations, max(t.last_used_at) AS last_used_at"
        " FROM integrations AS i LEFT JOIN tokens AS t ON t.integration_id = i.id"
        " WHERE i.account_id = ANY($1::text[]) AND i.deleted_at IS NULL GROUP BY i.account_id",
        list(account_ids),
    )
    return {
        row["account_id"]: Held(integrations=row["integrations"], last_used_at=row["last_used_at"])
        for row in rows
    }


async def reachable_page(
    reader: Reader,
    account_id: str,
    *,
    with_sub_accounts: bool,
    limit: int,
    cursor: str | None = None,
    parent_id: str | None = None,
) -> Page[Account]:
    """What somebody of one account can reach, newest first: that account and, where wanted, its sub-accounts.

    With `parent_id` only what belongs to that agency.
    """
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM accounts WHERE (id = $1 OR ($2 AND parent_id = $1))"
        " AND ($6::text IS NULL OR parent_id = $6)"
        " AND (created_at, id) < ($3, $4) ORDER BY created_at DESC, id DESC LIMIT $5",
        account_id,
        with_sub_accounts,
        *paging.decode(cursor),
        limit + 1,
        parent_id,
    )
    return paging.page([_read(row) for row in rows], limit)


async def names(reader: Reader, account_ids: Sequence[str]) -> dict[str, str]:
    """What these accounts are called; those that are not there are left out."""
    rows = await reader.fetch("SELECT id, name FROM accounts WHERE id = ANY($1::text[])", list(account_ids))
    return {row["id"]: row["name"] for row in rows}


async def edit(change: Mutation, account_id: str, **fields: Unpack[AccountEdit]) -> Account:
    """Changes what is named; an edit that changes nothing leaves no trace. Raises NotFound."""
    rows = await change.fetch(f"SELECT {_COLUMNS} FROM accounts WHERE id = $1 FOR UPDATE", account_id)
    if not rows:
        raise NotFound("account", account_id)
    before = _read(rows[0])
    after = replace(before, **fields)
    changed = difference(before.settings(), after.settings())
    if changed is None:
        return before
    await change.execute(
        "UPDATE accounts SET name = $2, labs_private_integrations = $3, inactivity_expire_after_days = $4,"
        " rotation_remind_after_days = $5 WHERE id = $1",
        account_id,
        after.name,
        after.labs_private_integrations,
        after.inactivity_expire_after_days,
        after.rotation_remind_after_days,
    )
    change.touch_account(account_id)
    change.audit(Action.ACCOUNT_EDIT, _subject(account_id), before=changed[0], after=changed[1])
    return after
