"""A PostgreSQL server for the run, a database for each test: copied from one that has the schema."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from gateway.core.model import AccountKind
from gateway.core.rotation import Operation, TokenState
from gateway.storage import accounts, integrations, tokens
from gateway.storage.accounts import Account
from gateway.storage.audit import Actor, ActorKind
from gateway.storage.database import Database, connect, connect_alone
from gateway.storage.identifiers import Prefix, fresh
from gateway.storage.integration_state import Integration
from gateway.storage.migrations import migrate
from gateway.storage.mutation import Mutation, mutation
from gateway.storage.tokens import NewToken

_READY_SECONDS = 90.0
_ROOM_BYTES = 2**30
TESTER = Actor(kind=ActorKind.OPERATOR, id="cli", name="a test")


def _quick_directory() -> str | None:
    """Where copying a database takes a tenth of the time, if there is such a place with room; else the default."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > _ROOM_BYTES
    return str(memory) if roomy and os.access(memory, os.W_OK) else None


@contextmanager
def running_server() -> Iterator[str]:
    """A superuser's URL of a maintenance database: the one that the environment names, or one of our own."""
    if url := os.environ.get("GATEWAY_TEST_DATABASE_URL"):
        yield url
        return
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"))
    # PostgreSQL refuses to run as root.
    account = "postgres" if os.geteuid() == 0 else None
    base = Path(tempfile.mkdtemp(prefix="gw-pg-", dir=_quick_directory()))
    if account:
        shutil.chown(base, account)
    data = base / "data"
    flags = ["-U", "gateway", "-E", "UTF8", "--no-locale", "--auth=trust", "--no-sync", "--no-instructions"]
    initdb: list[str | Path] = [binaries / "initdb", "-D", data, *flags]
    subprocess.run(initdb, check=True, user=account, stdout=subprocess.DEVNULL, cwd=base)
    settings = ["listen_addresses=", "fsync=off", "max_connections=100", "logging_collector=off"]
    with (base / "log").open("wb") as log:
        process = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-k", base, *(part for s in settings for part in ("-c", s))],
            user=account,
            stdout=log,
            stderr=log,
            cwd=base,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + _READY_SECONDS
        pid_file = data / "postmaster.pid"
        while not (pid_file.exists() and "ready" in pid_file.read_text()):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((base / "log").read_text())
            time.sleep(0.01)
        yield f"postgresql://gateway@/postgres?host={base}"
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(timeout=_READY_SECONDS)
        shutil.rmtree(base, ignore_errors=True)


def with_database(url: str, name: str) -> str:
    parts = urlsplit(url)
    # urlunsplit drops the slashes of an empty authority.
    return urlunsplit(parts._replace(path=f"/{name}"))


async def execute(url: str, sql: str) -> None:
    connection = await connect_alone(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with running_server() as url:
        yield url


@pytest.fixture(scope="session")
def template(server: str) -> str:
    """The name of a database that has the schema."""
    name = f"gw_template_{os.getpid()}"

    async def make() -> None:
        await execute(server, f"CREATE DATABASE {name}")
        connection = await connect_alone(with_database(server, name))
        try:
            await migrate(connection)
        finally:
            await connection.close()

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(make())
    return name


@dataclass(frozen=True)
class Place:
    """A database of this test's own."""

    server: str
    name: str

    @property
    def dsn(self) -> str:
        return with_database(self.server, self.name)


async def _own(server: str, clause: str) -> AsyncIterator[Place]:
    place = Place(server=server, name=f"gw_{fresh(Prefix.ACCOUNT).lower()}")
    await execute(server, f"CREATE DATABASE {place.name} {clause}")
    try:
        yield place
    finally:
        await execute(server, f"DROP DATABASE {place.name} WITH (FORCE)")


@pytest.fixture
async def empty(server: str) -> AsyncIterator[str]:
    """The URL of a database without the schema."""
    async for place in _own(server, "TEMPLATE template0"):
        yield place.dsn


@pytest.fixture
async def dsn(server: str, template: str) -> AsyncIterator[str]:
    """The URL of a database with the schema."""
    async for place in _own(server, f"TEMPLATE {template}"):
        yield place.dsn


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    opened = await connect(dsn, pool_size=25)
    try:
        yield opened
    finally:
        await opened.close()


_MINTING = {Operation.ISSUE, Operation.ROTATE_LATER, Operation.ROTATE_NOW}
# What leads to each state, from an integration without a token.
_LEADS = {
    TokenState.NONE: (),
    TokenState.ONE: (Operation.ISSUE,),
    TokenState.TWO: (Operation.ISSUE, Operation.ROTATE_LATER),
}


class Maker:
    """Short ways to what a test starts from, each by the real repositories."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.digests: dict[str, bytes] = {}

    def change(self, address: str | None = None) -> AbstractAsyncContextManager[Mutation]:
        return mutation(self.database, actor=TESTER, address=address)

    def token(self) -> NewToken:
        """What is stored of a token; the digest is as random as a real one."""
        token = NewToken(id=fresh(Prefix.TOKEN), digest=os.urandom(32), hint="pit_abcd…wxyz")
        self.digests[token.id] = token.digest
        return token

    async def account(
        self, kind: AccountKind = AccountKind.SUB_ACCOUNT, parent_id: str | None = None, name: str = "Shop"
    ) -> Account:
        async with self.change() as change:
            return await accounts.create(change, name=name, kind=kind, parent_id=parent_id)

    async def integration(
        self, account_id: str | None = None, name: str = "Sync", token: NewToken | None = None
    ) -> Integration:
        account_id = account_id or (await self.account()).id
        async with self.change() as change:
            return await integrations.create(
                change,
                account_id=account_id,
                name=name,
                description="",
                scopes=["contacts.write", "contacts.readonly"],
                token=token,
            )

    async def operate(
        self, integration: Integration, operation: Operation, window: timedelta = timedelta(days=7)
    ) -> Integration:
        async with self.change() as change:
            return await tokens.operate(
                change,
                operation,
                account_id=integration.account_id,
                integration_id=integration.id,
                token=self.token() if operation in _MINTING else None,
                window=window if operation is Operation.ROTATE_LATER else None,
            )

    async def in_state(self, state: TokenState) -> Integration:
        integration = await self.integration()
        for operation in _LEADS[state]:
            integration = await self.operate(integration, operation)
        return integration

    async def at(self, integration: Integration) -> Integration:
        """The integration as it is now."""
        return await integrations.get(
            self.database, account_id=integration.account_id, integration_id=integration.id
        )

    async def run_out(self, integration: Integration) -> None:
        """Lets the rotation's deadline pass: the old token's, moved to just before now by the database's clock."""
        await self.database.fetch(
            "UPDATE tokens SET ends_at = now() - interval '1 microsecond'"
            " WHERE integration_id = $1 AND ends_at > now()",
            integration.id,
        )


@pytest.fixture
def make(database: Database) -> Maker:
    return Maker(database)
