"""Operators' sessions, as rows: a digest of what the browser holds, and the admin key that opened it.

A session is over with its key: both are looked at in one statement. How long they last is told by the caller.
"""

# ruff: noqa: S608 (the SQL is put together from constants; values are parameters)

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from gateway.storage.admin_keys import COLUMNS, AdminKey
from gateway.storage.database import Database, Reader

_LIVE: Final = "k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > statement_timestamp())"
_FIND: Final = f"""
SELECT {", ".join(f"k.{name}" for name in COLUMNS)}, s.id_hash, s.expires_at AS ends_at
FROM operator_sessions AS s
JOIN admin_keys AS k ON k.id = s.admin_key_id
WHERE s.id_hash = $1 AND s.expires_at > statement_timestamp()
    AND s.last_seen_at > statement_timestamp() - $2::interval AND {_LIVE}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSession:
    """A live session and its key as the key is now."""

    id_hash: bytes
    key: AdminKey
    ends_at: datetime

    def __repr__(self) -> str:
        return f"OperatorSession({self.key.id!r})"


async def begin(
    database: Database, *, id_hash: bytes, key_id: str, address: str | None, lasts: timedelta
) -> datetime | None:
    """Adds a session; when it ends, or None where the key is not live any more."""
    rows = await database.fetch(
        "INSERT INTO operator_sessions (id_hash, admin_key_id, address, expires_at)"
        f" SELECT $1, k.id, $3, now() + $4::interval FROM admin_keys AS k WHERE k.id = $2 AND {_LIVE} FOR SHARE"
        " RETURNING expires_at",
        id_hash,
        key_id,
        address,
        lasts,
    )
    return rows[0]["expires_at"] if rows else None


async def find(reader: Reader, id_hash: bytes, *, idle: timedelta) -> OperatorSession | None:
    """The session, unless it or its key is over, or it was not seen for `idle`, by the database's clock."""
    rows = await reader.fetch(_FIND, id_hash, idle)
    if not rows:
        return None
    fields: dict[str, Any] = {name: rows[0][name] for name in COLUMNS}
    return OperatorSession(id_hash=rows[0]["id_hash"], key=AdminKey(**fields), ends_at=rows[0]["ends_at"])


async def see(database: Database, id_hash: bytes) -> None:
    """Notes that the session was used, and its key with it, at most once a minute."""
    await database.fetch(
        "WITH seen AS (UPDATE operator_sessions SET last_seen_at = now()"
        " WHERE id_hash = $1 AND last_seen_at < now() - interval '1 minute' RETURNING admin_key_id)"
        " UPDATE admin_keys SET last_used_at = now() FROM seen WHERE id = seen.admin_key_id",
        id_hash,
    )


async def end(database: Database, id_hash: bytes) -> None:
    """Ends one session, if it is there."""
    await database.fetch("DELETE FROM operator_sessions WHERE id_hash = $1", id_hash)


async def prune_operator_sessions(database: Database, *, idle: timedelta) -> None:
    """Forgets the sessions that are over."""
    await database.fetch(
        "DELETE FROM operator_sessions WHERE expires_at < now() OR last_seen_at < now() - $1::interval", idle
    )
