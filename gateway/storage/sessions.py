"""Members' sessions, as rows: only digests of what the browser holds. How long they last is told by the caller."""

# ruff: noqa: S608 (the SQL is put together from constants; values are parameters)

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg

from gateway.storage.audit import Action, Subject, SubjectKind
from gateway.storage.database import Database, Reader
from gateway.storage.members import Member, Role
from gateway.storage.mutation import Mutation

_MEMBER: Final = ("id", "account_id", "email", "name", "role", "private_integrations", "created_at")
_FIND: Final = f"""
SELECT s.id_hash, s.csrf, s.created_at AS began_at, s.last_seen_at, s.expires_at, {", ".join(f"m.{name}" for name in _MEMBER)}
FROM sessions AS s
JOIN members AS m ON m.id = s.member_id
WHERE s.id_hash = $1 AND s.expires_at > statement_timestamp() AND s.last_seen_at > statement_timestamp() - $2::interval
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A live session and its member as the member is now. `csrf` is a digest."""

    id_hash: bytes
    csrf: str
    member: Member
    began_at: datetime
    last_seen_at: datetime
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Session({self.member.id!r})"


def _read(row: asyncpg.Record) -> Session:
    member: dict[str, Any] = {name: row[name] for name in _MEMBER}
    return Session(
        id_hash=row["id_hash"],
        csrf=row["csrf"],
        member=Member(**{**member, "role": Role(member["role"])}),
        began_at=row["began_at"],
        last_seen_at=row["last_seen_at"],
        expires_at=row["expires_at"],
    )


async def begin(
    change: Mutation,
    *,
    id_hash: bytes,
    csrf: str,
    member: Member,
    password_hash: str,
    address: str | None,
    lasts: timedelta,
) -> bool:
    """Adds a session, unless the member is gone or has another password by now; whether it did."""
    rows = await change.fetch(
        "INSERT INTO sessions (id_hash, member_id, csrf, address, expires_at)"
        " SELECT $1, id, $3, $4, now() + $5::interval FROM members WHERE id = $2 AND password_hash = $6 FOR SHARE"
        " RETURNING 1",
        id_hash,
        member.id,
        csrf,
        address,
        lasts,
        password_hash,
    )
    if rows:
        change.audit(Action.MEMBER_SIGN_IN, _subject(member))
    return bool(rows)


def refuse(change: Mutation, member: Member) -> None:
    """Notes that somebody gave a wrong password for this member."""
    change.audit(Action.MEMBER_SIGN_IN_REFUSED, _subject(member))


def _subject(member: Member) -> Subject:
    return Subject(kind=SubjectKind.MEMBER, id=member.id, account_id=member.account_id)


async def find(reader: Reader, id_hash: bytes, *, idle: timedelta) -> Session | None:
    """The session, unless it is over or was not seen for `idle`, by the database's clock."""
    rows = await reader.fetch(_FIND, id_hash, idle)
    return _read(rows[0]) if rows else None


async def see(database: Database, id_hash: bytes) -> None:
    """Notes that the session was used, at most once a minute."""
    await database.fetch(
        "UPDATE sessions SET last_seen_at = now() WHERE id_hash = $1 AND last_seen_at < now() - interval '1 minute'",
        id_hash,
    )


async def end(change: Mutation, member: Member, id_hash: bytes) -> None:
    """Ends one session of a member, if it is there."""
    if await change.fetch("DELETE FROM sessions WHERE id_hash = $1 RETURNING 1", id_hash):
        change.audit(Action.MEMBER_SIGN_OUT, _subject(member))


async def end_all(change: Mutation, member: Member) -> None:
    """Ends every session of a member."""
    ended = await change.fetch("DELETE FROM sessions WHERE member_id = $1 RETURNING 1", member.id)
    if ended:
        change.audit(Action.MEMBER_SIGN_OUT_EVERYWHERE, _subject(member), after={"sessions": len(ended)})


async def prune_sessions(database: Database, *, idle: timedelta) -> None:
    """Forgets the sessions that are over."""
    await database.fetch(
        "DELETE FROM sessions WHERE expires_at < now() OR last_seen_at < now() - $1::interval", idle
    )
