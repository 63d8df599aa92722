"""How the management reads and changes the store: in few connections at a time, with refusals in its own words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.admin.management.principal import Principal
from gateway.admin.management.refusals import translated
from gateway.storage.database import Database, Reader
from gateway.storage.mutation import Mutation, mutation


class Store:
    """Reads with `reading`; changes with `change`, of which at most `turns` are under way.

    Changes wait for each other's locks: without a bound they would hold every connection, and the proxy's look-ups
    share the pool.
    """

    def __init__(self, database: Database, *, turns: int) -> None:
        self.reading = database
        self._turns = asyncio.Semaphore(turns)

    def __repr__(self) -> str:
        return f"Store({self.reading!r})"

    @asynccontextmanager
    async def change(self, principal: Principal) -> AsyncIterator[Mutation]:
        """A mutation in the name of `principal`. Raises Refusal and StoreUnavailable."""
        async with self._turns:
            with translated():
                async with mutation(self.reading, actor=principal.actor, address=principal.address) as change:
                    yield change

    async def revision(self, change: Mutation) -> int:
        """The revision at which what `change` did can be seen; the newest, when there was nothing to do."""
        if change.revision is not None:
            return change.revision
        return await newest_revision(self.reading)


async def newest_revision(reader: Reader) -> int:
    """The store's revision."""
    (row,) = await reader.fetch("SELECT number FROM revision")
    number: int = row["number"]
    return number
