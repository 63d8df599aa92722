"""One change of the store: its rows, its audit, its revision and its announcement, all in one transaction or none.

Knows nothing of what is changed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import asyncpg

from gateway.storage.audit import Action, Actor, AuditEntry, Subject, chained, refuse_secrets
from gateway.storage.changes import CHANNEL, Change, to_payload
from gateway.storage.database import Connection, Database
from gateway.storage.errors import translated

_BUMP: Final = """
UPDATE revision SET number = number + 1
RETURNING number, audit_number, audit_hash, clock_timestamp() AS at
"""
_CHAIN: Final = """
INSERT INTO audit (
    number, revision, at, account_id, actor, action, subject_kind, subject_id, before, after, address, prev, hash
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
_ANNOUNCE: Final = """
WITH head AS (UPDATE revision SET audit_number = $5, audit_hash = $6),
kept AS (INSERT INTO changes (revision, at, accounts, integrations) VALUES ($1, $2, $3, $4))
SELECT pg_notify($7, $8)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Note:
    action: Action
    subject: Subject
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


class Mutation:
    """What a repository works on: SQL in the open transaction, and the notes of what was touched and done."""

    def __init__(self, connection: Connection, *, actor: Actor, address: str | None) -> None:
        self._connection = connection
        self._address = address
        self._notes: list[_Note] = []
        self._accounts: set[str] = set()
        self._integrations: set[str] = set()
        self.actor = actor
        # The revision that this change made, once the block is left; None when there was nothing to change.
        self.revision: int | None = None

    def __repr__(self) -> str:
        return f"Mutation({self.actor.id!r}, {len(self._notes)} notes, revision={self.revision})"

    async def fetch(
        self, sql: str, *arguments: object, timeout_seconds: float | None = None
    ) -> Sequence[asyncpg.Record]:
        """The rows of one statement, with the changes made so far."""
        with translated():
            return await self._connection.fetch(sql, *arguments, timeout=timeout_seconds)

    async def execute(self, sql: str, *arguments: object) -> None:
        with translated():
            await self._connection.execute(sql, *arguments)

    def touch_account(self, account_id: str) -> None:
        """Nodes forget what they hold of this account."""
        self._accounts.add(account_id)

    def touch_integration(self, integration_id: str) -> None:
        """Nodes forget what they hold of this integration."""
        self._integrations.add(integration_id)

    def audit(
        self,
        action: Action,
        subject: Subject,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Notes what is done. Raises ValueError when it would write down a secret or a digest."""
        refuse_secrets(before)
        refuse_secrets(after)
        self._notes.append(_Note(action=action, subject=subject, before=before, after=after))

    async def finish(self) -> None:
        """Writes audit, revision and announcement. From here to the commit every other mutation waits for this one."""
        if not self._notes:
            if self._accounts or self._integrations:
                raise RuntimeError("a change was made that no audit row tells of")
            return
        (head,) = await self.fetch(_BUMP)
        revision, at = head["number"], head["at"]
        number, previous = head["audit_number"], head["audit_hash"]
        for note in self._notes:
            number += 1
            entry = AuditEntry(
                number=number,
                revision=revision,
                at=at,
                account_id=note.subject.account_id,
                actor=self.actor.as_json(),
                action=note.action.value,
                subject_kind=note.subject.kind.value,
                subject_id=note.subject.id,
                before=note.before,
                after=note.after,
                address=self._address,
                prev=previous,
                hash=b"",
            )
            entry = replace(entry, hash=chained(entry))
            previous = entry.hash
            await self._write(entry)
        change = Change(
            revision=revision,
            accounts=frozenset(self._accounts),
            integrations=frozenset(self._integrations),
        )
        await self.fetch(
            _ANNOUNCE,
            revision,
            at,
            sorted(self._accounts),
            sorted(self._integrations),
            number,
            previous,
            CHANNEL,
            to_payload(change),
        )
        self.revision = revision

    async def _write(self, entry: AuditEntry) -> None:
        await self.execute(
            _CHAIN,
            entry.number,
            entry.revision,
            entry.at,
            entry.account_id,
            entry.actor,
            entry.action,
            entry.subject_kind,
            entry.subject_id,
            entry.before,
            entry.after,
            entry.address,
            entry.prev,
            entry.hash,
        )


@asynccontextmanager
async def mutation(
    database: Database, *, actor: Actor, address: str | None = None
) -> AsyncIterator[Mutation]:
    """A transaction that ends with audit, revision and NOTIFY; `revision` of what it yields is set after the block.

    Raises StoreUnavailable. Raised by the commit it means that nobody knows whether the change was made.
    """
    async with database.transaction() as connection:
        change = Mutation(connection, actor=actor, address=address)
        yield change
        await change.finish()
