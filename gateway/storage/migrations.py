"""The schema's versions: numbered SQL files, applied in order, each in a transaction, by one process at a time.

A released file is never edited; its SHA-256 is recorded and compared. It knows no table but its own.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Final

from gateway.storage.database import Connection
from gateway.storage.errors import SchemaError, SchemaTooNew, translated

# Any number that no other program takes in this database.
_LOCK: Final = 0x67617465_77617931
_POLL_SECONDS: Final = 0.05
_TRY: Final = "SELECT pg_try_advisory_lock($1)"
_NAME: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number bigint PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file: `number` counts from 1 without gaps, `name` is the file's name."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaState:
    """The names of the migrations that the database has, and of those that this version would add."""

    applied: tuple[str, ...]
    pending: tuple[str, ...]


def shipped() -> tuple[Migration, ...]:
    """The migrations of this version, in order."""
    found = sorted(
        (
            Migration(number=int(match[1]), name=entry.name, sql=entry.read_text(encoding="utf-8"))
            for entry in files("gateway.storage").joinpath("migrations").iterdir()
            if (match := _NAME.fullmatch(entry.name))
        ),
        key=lambda migration: migration.number,
    )
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise SchemaError("the migration files are not numbered 1, 2, 3 … without gaps")
    return tuple(found)


async def _pending(connection: Connection, migrations: Sequence[Migration]) -> tuple[Migration, ...]:
    """What is still to be applied. Raises SchemaError when what was applied is not what this version has."""
    rows = await connection.fetch("SELECT number, name, sha256 FROM schema_migrations ORDER BY number")
    if len(rows) > len(migrations):
        raise SchemaTooNew(
            f"the database is at migration {rows[-1]['name']}, newer than this version, which ends at "
            f"{migrations[-1].name if migrations else 'none'}; run the version that migrated it, or a newer one"
        )
    for row, migration in zip(rows, migrations, strict=False):
        if (row["number"], row["sha256"]) != (migration.number, migration.sha256):
            raise SchemaError(
                f"migration {migration.name} is not the one that was applied to this database as {row['name']}; "
                "restore the released file"
            )
    return tuple(migrations[len(rows) :])


@asynccontextmanager
async def _alone(connection: Connection, log: Callable[[str], None] | None) -> AsyncIterator[None]:
    # Waiting inside pg_advisory_lock would hold a snapshot, on which CREATE INDEX CONCURRENTLY of the holder waits.
    if not await connection.fetchval(_TRY, _LOCK):
        if log is not None:
            log("another process migrates the database; waiting until it is done")
        while not await connection.fetchval(_TRY, _LOCK):  # noqa: ASYNC110
            await asyncio.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def migrate(
    connection: Connection,
    migrations: Sequence[Migration] | None = None,
    *,
    log: Callable[[str], None] | None = None,
) -> list[str]:
    """Brings the schema to this version; returns the names of what was applied, none when it is there already.

    It waits while another process migrates, which it tells `log`. A migration that fails is rolled back, those before it stay.
    """
    known = shipped() if migrations is None else migrations
    applied = []
    with translated():
        async with _alone(connection, log):
            await connection.execute(_TABLE)
            for migration in await _pending(connection, known):
                async with connection.transaction():
                    # A table that is in use is waited for shortly, as others queue behind the waiter; work may be long.
                    await connection.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = 0")
                    await connection.execute(migration.sql)
                    await connection.execute(
                        "INSERT INTO schema_migrations (number, name, sha256) VALUES ($1, $2, $3)",
                        migration.number,
                        migration.name,
                        migration.sha256,
                    )
                applied.append(migration.name)
    return applied


async def schema_state(connection: Connection, migrations: Sequence[Migration] | None = None) -> SchemaState:
    """What is applied and what is pending, without changing anything. Raises SchemaError as `migrate` does."""
    known = shipped() if migrations is None else migrations
    with translated():
        if await connection.fetchval("SELECT to_regclass('schema_migrations')") is None:
            return SchemaState(applied=(), pending=tuple(migration.name for migration in known))
        pending = await _pending(connection, known)
    return SchemaState(
        applied=tuple(migration.name for migration in known[: len(known) - len(pending)]),
        pending=tuple(migration.name for migration in pending),
    )
