"""Fills a database with accounts, integrations and tokens: a few to call with, or a million to look through.

Everything about the n-th is derived from n, so nobody has to keep a list of a million tokens.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

import asyncpg

from gateway.core.tokens import checksum, digest, hint
from tests.bench.contender import KIND
from tests.bench.mix import PROFILES, Caller

_SLICE: Final = 20_000
_BEFORE: Final = datetime(2026, 1, 1, tzinfo=UTC)


def caller(number: int) -> Caller:
    """The n-th caller, alone in an account."""
    body = hashlib.blake2b(number.to_bytes(8), digest_size=16).hexdigest()
    text = f"pit_{body}"
    return Caller(
        token=text + checksum(text),
        account_id=f"acc_{body[:20]}",
        integration_id=f"pi_{body[:20]}",
        token_id=f"tok_{body[:20]}",
        scopes=PROFILES[number % len(PROFILES)],
    )


async def populate(dsn: str, pepper: bytes, *, count: int) -> None:
    """Store so many callers, but for those who are there, in a database that has its schema. Writes no audit."""
    connection = await asyncpg.connect(dsn)
    try:
        first = await connection.fetchval("SELECT count(*) FROM tokens")
        # A million foreign keys, right by construction, need no checking.
        await connection.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        for at in range(first, count, _SLICE):
            await _store(connection, pepper, [caller(n) for n in range(at, min(at + _SLICE, count))])
        await connection.execute("VACUUM ANALYZE accounts, integrations, tokens")
    finally:
        await connection.close()


async def _store(connection: asyncpg.Connection, pepper: bytes, callers: Sequence[Caller]) -> None:
    rows: dict[str, tuple[tuple[str, ...], Iterator[tuple[object, ...]]]] = {
        "accounts": (
            ("id", "kind", "name", "created_at"),
            ((each.account_id, KIND, "bench", _BEFORE) for each in callers),
        ),
        "integrations": (
            ("id", "account_id", "name", "scopes", "created_by", "created_at"),
            (
                (each.integration_id, each.account_id, "bench", list(each.scopes), "{}", _BEFORE)
                for each in callers
            ),
        ),
        "tokens": (
            ("id", "integration_id", "digest", "hint", "created_at"),
            (
                (
                    each.token_id,
                    each.integration_id,
                    digest(each.token.encode(), pepper),
                    hint(each.token),
                    _BEFORE,
                )
                for each in callers
            ),
        ),
    }
    async with connection.transaction():
        for table, (columns, records) in rows.items():
            await connection.copy_records_to_table(table, columns=columns, records=records)
