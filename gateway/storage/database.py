"""Connections to PostgreSQL: how they are opened and set up, and bounded reads and transactions on them.

Knows no table.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from io import BytesIO
from typing import Any, Final, Protocol, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from gateway.storage.bounds import within
from gateway.storage.errors import StorageError, StoreUnavailable, one_line, translated

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

APPLICATION_NAME: Final = "gateway"
# A holder of the revision's lock that hangs holds up every other mutation.
_IDLE_IN_TRANSACTION: Final = "30s"
_LOCK_TIMEOUT: Final = "5s"


class Reader(Protocol):
    """What a read needs: a `Database`, or a `Mutation` that wants to see its own changes."""

    async def fetch(
        self, sql: str, *arguments: object, timeout_seconds: float | None = None
    ) -> Sequence[asyncpg.Record]: ...


def place(dsn: str) -> str:
    """`host:port/database` of a connection URL, for messages: never the user's password. Raises ValueError."""
    parts = urlsplit(dsn)
    # An unescaped `/`, `?` or `#` in a password ends the authority early, and what looks like a port is a piece of it.
    if parts.scheme not in {"postgresql", "postgres"} or parts.fragment or "@" in parts.path + parts.query:
        raise ValueError("not a connection URL")
    host = parts.hostname or parse_qs(parts.query).get("host", ["the local socket"])[0]
    port = f":{parts.port}" if parts.port else ""
    return f"{host}{port}{unquote(parts.path)}"


def server_settings(statement_timeout_seconds: float) -> dict[str, str]:
    """What every session of the gateway runs with.

    UTC, because adding days to an instant depends on the session's time zone; no JIT, because it costs more than any of
    our queries. Plans are made once: PostgreSQL would plan the look-up of a digest anew each time, at ten times the cost
    of doing it, since it cannot know how short the list of digests is. So no query may need another plan for a null.
    """
    return {
        "application_name": APPLICATION_NAME,
        "timezone": "UTC",
        "jit": "off",
        "plan_cache_mode": "force_generic_plan",
        "statement_timeout": f"{round(statement_timeout_seconds * 1000)}ms",
        "lock_timeout": _LOCK_TIMEOUT,
        "idle_in_transaction_session_timeout": _IDLE_IN_TRANSACTION,
    }


def _to_json(value: object) -> str:
    return orjson.dumps(value).decode()


async def _prepare(connection: Connection) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=_to_json, decoder=orjson.loads, format="text"
        )


async def _keep(_connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """In place of the driver's reset on release, a round trip more: no query of ours leaves session state behind."""


class Database:
    """A pool of connections; every wait on it is bounded, and its failures are the store's own."""

    def __init__(
        self, pool: asyncpg.Pool[asyncpg.Record], *, dsn: str, where: str, timeout_seconds: float
    ) -> None:
        self._pool = pool
        self._timeout_seconds = timeout_seconds
        self._where = where
        self.dsn = dsn

    def __repr__(self) -> str:
        in_use = self._pool.get_size() - self._pool.get_idle_size()
        return f"Database({self._where!r}, {in_use} of {self._pool.get_max_size()} connections in use)"

    async def fetch(
        self, sql: str, *arguments: object, timeout_seconds: float | None = None
    ) -> Sequence[asyncpg.Record]:
        """The rows of one statement, on its own snapshot, within `timeout_seconds` including the wait for a connection."""
        seconds = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        with translated():
            async with within(seconds), self._pool.acquire(timeout=seconds) as connection:
                try:
                    return await connection.fetch(sql, *arguments)
                except asyncio.CancelledError:
                    # Late or unwanted. Asking a server that may be gone to cancel, and waiting for it, would double
                    # the bound; its statement timeout ends the work there.
                    connection.terminate()
                    raise

    async def copy(self, table: str, columns: Sequence[str], rows: bytes) -> None:
        """Adds rows in the text form of COPY, all or none. They are bounded as a statement is."""
        seconds = self._timeout_seconds
        with translated():
            async with within(seconds), self._pool.acquire(timeout=seconds) as connection:
                try:
                    await connection.copy_to_table(table, source=BytesIO(rows), columns=columns)
                except asyncio.CancelledError:
                    connection.terminate()
                    raise

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection inside a transaction: committed at the end of the block, rolled back when it raises."""
        seconds = self._timeout_seconds
        with translated():
            connection = await self._pool.acquire(timeout=seconds)
        try:
            transaction = connection.transaction()
            with translated():
                await transaction.start()
            try:
                yield connection
            except BaseException:
                # What went wrong inside is the news, not that a dead connection cannot be rolled back.
                with suppress(StorageError), translated():
                    await transaction.rollback()
                raise
            with translated():
                await transaction.commit()
        finally:
            with suppress(StorageError), translated():
                await self._pool.release(connection, timeout=seconds)

    async def close(self, *, wait_seconds: float = 5.0) -> None:
        """Waits that long for what is in use, then drops it."""
        try:
            async with asyncio.timeout(wait_seconds):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()


async def connect(
    dsn: str,
    *,
    pool_size: int = 10,
    connect_timeout_seconds: float = 5.0,
    statement_timeout_seconds: float = 10.0,
) -> Database:
    """Opens the pool and one connection of it. `dsn` is a `postgresql://` URL.

    Raises StoreUnavailable, with one line that names the place and no password, when the database cannot be reached.
    """
    try:
        where = place(dsn)
        with translated():
            pool = asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=pool_size,
                timeout=connect_timeout_seconds,
                # The server's own timeout speaks first and leaves the connection usable.
                command_timeout=statement_timeout_seconds + 1,
                max_inactive_connection_lifetime=300.0,
                server_settings=server_settings(statement_timeout_seconds),
                init=_prepare,
                reset=_keep,
            )
            await pool
    except StoreUnavailable as error:
        cause = one_line(error.__cause__ or error)
        raise StoreUnavailable(f"cannot reach PostgreSQL at {where}: {cause}") from None
    except (StorageError, ValueError):
        # The driver's own words may quote a piece of the URL, and the piece may be of the password.
        raise StoreUnavailable(
            "database.url is not a PostgreSQL address; it reads postgresql://USER:PASSWORD@HOST:PORT/DATABASE, "
            "with special characters of the password percent-encoded"
        ) from None
    return Database(pool, dsn=dsn, where=where, timeout_seconds=statement_timeout_seconds + 2)


async def connect_alone(dsn: str, *, timeout_seconds: float = 5.0) -> asyncpg.Connection[Any]:
    """One connection outside the pool, for a listener or a migration: without the pool's statement timeout."""
    with translated():
        connection: asyncpg.Connection[Any] = await asyncpg.connect(
            dsn,
            timeout=timeout_seconds,
            server_settings={"application_name": APPLICATION_NAME, "timezone": "UTC", "jit": "off"},
        )
    return connection
