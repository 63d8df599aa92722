"""Admin keys: the operators' credentials for the management API. Only digests are stored."""

# ruff: noqa: S608 (the SQL is put together from constants; values are parameters)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg

from gateway.storage import paging
from gateway.storage.audit import Action, Subject, SubjectKind
from gateway.storage.database import Database, Reader
from gateway.storage.errors import NotFound
from gateway.storage.identifiers import Prefix, fresh
from gateway.storage.mutation import Mutation
from gateway.storage.paging import Page

COLUMNS: Final = (
    "id",
    "name",
    "hint",
    "account_id",
    "created_at",
    "created_by",
    "expires_at",
    "revoked_at",
    "last_used_at",
)
_COLUMNS: Final = ", ".join(COLUMNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminKey:
    """An operator's key. `account_id` None: for all accounts. `created_by` is the actor as the audit has it."""

    id: str
    name: str
    hint: str
    account_id: str | None
    created_at: datetime
    created_by: dict[str, str]
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


def _read(row: asyncpg.Record) -> AdminKey:
    fields: dict[str, Any] = dict(row)
    return AdminKey(**fields)


def _subject(key: AdminKey) -> Subject:
    return Subject(kind=SubjectKind.ADMIN_KEY, id=key.id, account_id=key.account_id)


async def create(
    change: Mutation,
    *,
    name: str,
    digest: bytes,
    hint: str,
    account_id: str | None = None,
    expires_at: datetime | None = None,
) -> AdminKey:
    """A new key, of which the caller keeps the secret. Raises NotFound without the account."""
    try:
        (row,) = await change.fetch(
            "INSERT INTO admin_keys (id, name, digest, hint, account_id, expires_at, created_by)"
            f" VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING {_COLUMNS}",
            fresh(Prefix.ADMIN_KEY),
            name,
            digest,
            hint,
            account_id,
            expires_at,
            change.actor.as_json(),
        )
    except asyncpg.ForeignKeyViolationError as error:
        raise NotFound("account", str(account_id)) from error
    key = _read(row)
    change.audit(
        Action.ADMIN_KEY_CREATE,
        _subject(key),
        after={
            "name": key.name,
            "hint": key.hint,
            "account_id": key.account_id,
            "expires_at": key.expires_at,
        },
    )
    return key


async def find_live(reader: Reader, digests: Sequence[bytes]) -> AdminKey | None:
    """The key with one of these digests, unless it is revoked or expired by the database's clock."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM admin_keys WHERE digest = ANY($1::bytea[]) AND revoked_at IS NULL"
        " AND (expires_at IS NULL OR expires_at > statement_timestamp())",
        list(digests),
    )
    return _read(rows[0]) if rows else None


async def get(reader: Reader, key_id: str) -> AdminKey:
    """One key, a revoked one as well. Raises NotFound."""
    rows = await reader.fetch(f"SELECT {_COLUMNS} FROM admin_keys WHERE id = $1", key_id)
    if not rows:
        raise NotFound("admin key", key_id)
    return _read(rows[0])


async def mark_used(database: Database, key_id: str) -> None:
    """Notes that the key was used, at most once a minute."""
    await database.fetch(
        "UPDATE admin_keys SET last_used_at = now()"
        " WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')",
        key_id,
    )


async def list_page(reader: Reader, *, limit: int, cursor: str | None = None) -> Page[AdminKey]:
    """All keys, revoked ones as well, newest first."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM admin_keys WHERE (created_at, id) < ($1, $2)"
        " ORDER BY created_at DESC, id DESC LIMIT $3",
        *paging.decode(cursor),
        limit + 1,
    )
    return paging.page([_read(row) for row in rows], limit)


async def revoke(change: Mutation, key_id: str) -> AdminKey:
    """Ends a key at once; one that is revoked already stays as it is. Raises NotFound."""
    rows = await change.fetch(f"SELECT {_COLUMNS} FROM admin_keys WHERE id = $1 FOR UPDATE", key_id)
    if not rows:
        raise NotFound("admin key", key_id)
    before = _read(rows[0])
    if before.revoked_at is not None:
        return before
    (row,) = await change.fetch(
        f"UPDATE admin_keys SET revoked_at = clock_timestamp() WHERE id = $1 RETURNING {_COLUMNS}", key_id
    )
    after = _read(row)
    change.audit(
        Action.ADMIN_KEY_REVOKE,
        _subject(after),
        before={"revoked_at": None},
        after={"revoked_at": after.revoked_at},
    )
    return after
