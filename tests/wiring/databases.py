"""One PostgreSQL server for the run, and databases copied from one that has the schema."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from gateway.storage.database import connect_alone
from gateway.storage.embedded import EmbeddedPostgres
from gateway.storage.migrations import migrate
from tests.leaks.ledger import ledger

T = TypeVar("T")
_ROOM_BYTES = 2**30


def quick_folder(prefix: str) -> Path:
    """A new folder where copying a database takes a tenth of the time, if there is such a place with room."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > _ROOM_BYTES and os.access(memory, os.W_OK)
    return Path(tempfile.mkdtemp(prefix=prefix, dir=memory if roomy else None))


def run(work: Coroutine[None, None, T]) -> T:
    """Run something once, before there is a loop. The loop is the plain one: nothing of it is measured."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(work)


@dataclass
class Databases:
    """Makes databases on one server. `dsn` is the server's own database."""

    dsn: str
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _template: str | None = None

    def named(self, name: str) -> str:
        assert "@/gateway?" in self.dsn
        return self.dsn.replace("@/gateway?", f"@/{name}?")

    async def template(self) -> str:
        """The name of a database that has the schema and nothing in it."""
        if self._template is None:
            name = await self._create("TEMPLATE template0")
            connection = await connect_alone(self.named(name))
            try:
                await migrate(connection)
            finally:
                await connection.close()
            self._template = name
        return self._template

    async def create(self) -> str:
        """The URL of a new database that has the schema."""
        return self.named(await self._create(f"TEMPLATE {await self.template()}"))

    async def create_empty(self) -> str:
        """The URL of a new database without the schema."""
        return self.named(await self._create("TEMPLATE template0"))

    async def drop(self, dsn: str) -> None:
        name = dsn.partition("@/")[2].partition("?")[0]
        await self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    async def execute(self, sql: str) -> None:
        connection = await connect_alone(self.dsn)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    async def _create(self, clause: str) -> str:
        name = f"test_{next(self._numbers)}"
        await self.execute(f"CREATE DATABASE {name} {clause}")
        return name


@contextmanager
def serving() -> Iterator[Databases]:
    """A server of the test run's own. Enter in the main thread, before any other exists."""
    folder = quick_folder("gateway-tests-")
    server = EmbeddedPostgres(
        data_dir=folder / "gateway", log=lambda line: ledger.logged(line, "the log of the embedded database")
    )
    try:
        yield Databases(server.start())
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
