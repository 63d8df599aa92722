"""What the data path asks the store: who a digest is, the revision, what changed since, and that this node is alive.

Every question is one statement with a time limit; a failure of any kind is StoreUnavailable.
"""

# ruff: noqa: S608 (the SQL is put together from constants; values are parameters)

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from gateway.core.model import AccountKind, Caller, Ending, TokenRecord
from gateway.storage import changes
from gateway.storage.changes import Change
from gateway.storage.database import Database

# One statement is one snapshot: whatever committed up to `revision` is in the rows, and nothing later.
# LEFT JOINs because the revision is wanted also when no digest is known.
_TOKENS: Final = """
    SELECT
        t.digest, t.id AS token_id, t.ends_at, t.ending,
        i.id AS integration_id, i.scopes, i.deleted_at, i.suspended_at IS NOT NULL AS suspended,
        a.id AS account_id, a.kind AS account_kind
    FROM tokens AS t
    JOIN integrations AS i ON i.id = t.integration_id
    JOIN accounts AS a ON a.id = i.account_id
"""
_LOAD: Final = f"""
SELECT r.number AS revision, f.*
FROM revision AS r
LEFT JOIN ({_TOKENS} WHERE t.digest = ANY($1::bytea[])) AS f ON true
"""
# The one without a deadline, else the one that lasts or lasted longest.
_OF_INTEGRATION: Final = (
    f"{_TOKENS} WHERE i.id = $1 ORDER BY t.ends_at DESC NULLS FIRST, t.created_at DESC LIMIT 1"
)
_HEARTBEAT: Final = """
INSERT INTO nodes (id, applied_revision, version, map_version) VALUES ($1, $2, $3, $4)
ON CONFLICT (id) DO UPDATE
SET heartbeat_at = now(), applied_revision = excluded.applied_revision, version = excluded.version,
    map_version = excluded.map_version
"""
# More kinds of integrations than that have little in common.
_MOST_SETS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """One record, or None for a digest that was never issued, for each token asked for; as of `revision`."""

    revision: int
    records: list[TokenRecord | None]


class _SharedScopes:
    """One set for all integrations that hold the same scopes: they are what takes most of a record's memory."""

    __slots__ = ("_sets",)

    def __init__(self) -> None:
        self._sets: dict[tuple[str, ...], frozenset[str]] = {}

    def of(self, scopes: Sequence[str]) -> frozenset[str]:
        """The set of these, sorted as the store keeps them."""
        key = tuple(scopes)
        shared = self._sets.get(key)
        if shared is None:
            if len(self._sets) >= _MOST_SETS:
                self._sets.clear()
            # Sets that differ still have their words in common.
            shared = self._sets[key] = frozenset(map(sys.intern, scopes))
        return shared


def _record(row: asyncpg.Record, scopes: _SharedScopes) -> TokenRecord:
    ends_at, ending, deleted_at = row["ends_at"], row["ending"], row["deleted_at"]
    # Deleting ends the tokens as well; the tombstone alone must do, too.
    if deleted_at is not None and (ends_at is None or deleted_at < ends_at):
        ends_at, ending = deleted_at, Ending.REVOKED
    return TokenRecord(
        caller=Caller(
            account_id=row["account_id"],
            account_kind=AccountKind(row["account_kind"]),
            integration_id=row["integration_id"],
            token_id=row["token_id"],
            scopes=scopes.of(row["scopes"]),
        ),
        suspended=row["suspended"],
        ends_at=None if ends_at is None else ends_at.timestamp(),
        ending=None if ending is None else Ending(ending),
    )


class Lookup:
    """The data path's questions, each within `timeout_seconds` including the wait for a connection.

    `version` is the node's, told with its heartbeat; so is the map that it serves, for which `map_version` is asked.
    """

    def __init__(
        self,
        database: Database,
        *,
        timeout_seconds: float = 2.0,
        version: str | None = None,
        map_version: Callable[[], str] = lambda: "",
    ) -> None:
        self._database = database
        self._version = version
        self._map_version = map_version
        self._timeout_seconds = timeout_seconds
        self._scopes = _SharedScopes()

    def __repr__(self) -> str:
        return f"Lookup({self._database!r}, timeout_seconds={self._timeout_seconds})"

    async def _fetch(self, sql: str, *arguments: object) -> Sequence[asyncpg.Record]:
        return await self._database.fetch(sql, *arguments, timeout_seconds=self._timeout_seconds)

    async def load(self, digests: Sequence[Sequence[bytes]]) -> Loaded:
        """The records of some tokens, each given by its candidate digests, the current pepper's first."""
        wanted = [digest for candidates in digests for digest in candidates]
        rows = await self._fetch(_LOAD, wanted)
        found = {row["digest"]: row for row in rows if row["digest"] is not None}
        records = []
        for candidates in digests:
            row = next((found[digest] for digest in candidates if digest in found), None)
            records.append(None if row is None else _record(row, self._scopes))
        return Loaded(revision=rows[0]["revision"], records=records)

    async def current_token(self, integration_id: str) -> TokenRecord | None:
        """The token that an integration's app should send, or the last one it had; None when it never had one."""
        rows = await self._fetch(_OF_INTEGRATION, integration_id)
        return _record(rows[0], self._scopes) if rows else None

    async def token(self, token_id: str) -> TokenRecord | None:
        """A token ever issued, by its id."""
        rows = await self._fetch(f"{_TOKENS} WHERE t.id = $1", token_id)
        return _record(rows[0], self._scopes) if rows else None

    async def revision(self) -> tuple[int, float]:
        """The newest revision, and the database's clock as UNIX time in seconds."""
        (row,) = await self._fetch("SELECT number, clock_timestamp() AS at FROM revision")
        return row["number"], row["at"].timestamp()

    async def changes_since(self, revision: int, limit: int = 1000) -> Change | None:
        """What to forget after `revision`, up to the returned change's own; None: everything."""
        return await changes.changes_since(
            self._database, revision, limit, timeout_seconds=self._timeout_seconds
        )

    async def heartbeat(self, node_id: str, applied_revision: int) -> None:
        """Says that this node is alive and serves nothing older than `applied_revision`."""
        await self._fetch(_HEARTBEAT, node_id, applied_revision, self._version, self._map_version())
