"""Locks by which one node at a time does a job, on one connection of this node. They end with the connection.

They save work and keep jobs from getting into each other's way; no job may be wrong when two nodes do it at once.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import asyncpg

from gateway.storage.database import connect_alone
from gateway.storage.errors import StorageError, translated

# The first half of PostgreSQL's two-part keys: any number that no other program takes in this database.
_CLASS: Final = 0x67617465
_STATEMENT_SECONDS: Final = 5.0


class JobLocks:
    """The locks of one node. The connection is opened when it is first needed, and again when it was lost."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: asyncpg.Connection[Any] | None = None
        self._turn = asyncio.Lock()

    def __repr__(self) -> str:
        open_now = self._connection is not None and not self._connection.is_closed()
        return f"JobLocks({'connected' if open_now else 'not connected'})"

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[bool]:
        """Whether this node has the lock; if it does, until the end of the block. Raises StoreUnavailable."""
        key = zlib.crc32(name.encode()) - 2**31
        held = await self._ask("SELECT pg_try_advisory_lock($1, $2)", key)
        try:
            yield held
        finally:
            if held:
                # A connection that is lost has let go of it already.
                with suppress(StorageError):
                    await self._ask("SELECT pg_advisory_unlock($1, $2)", key, reopen=False)

    async def _ask(self, sql: str, key: int, *, reopen: bool = True) -> bool:
        async with self._turn:
            connection = self._connection
            if connection is None or connection.is_closed():
                if not reopen:
                    return False
                connection = self._connection = await connect_alone(self._dsn)
            try:
                with translated():
                    return bool(await connection.fetchval(sql, _CLASS, key, timeout=_STATEMENT_SECONDS))
            except BaseException:
                # Whether it is held is not known any more.
                connection.terminate()
                raise

    def close(self) -> None:
        """Lets go of everything."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
