"""Real servers on real directories: a database that is made once and copied, and processes that own a server."""

from __future__ import annotations

import asyncio
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from gateway.storage.embedded import EmbeddedPostgres
from gateway.storage.embedded.account import Account, choose

OWNER = Path(__file__).with_name("owner.py")
PATIENCE_SECONDS = 60


class Owner:
    """Another process with an embedded server on `data_dir`; `told` is what it says once the server is ready."""

    def __init__(self, data_dir: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(OWNER), str(data_dir), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    @property
    def told(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        answer: dict[str, Any] = json.loads(line)
        return answer

    def kill(self, number: int) -> None:
        self.process.send_signal(number)
        self.process.wait(PATIENCE_SECONDS)

    def close(self) -> None:
        # Its input ends, and with it the script: an orderly stop.
        self.process.communicate(timeout=PATIENCE_SECONDS)


@pytest.fixture
def owner() -> Iterator[Callable[..., Owner]]:
    owners: list[Owner] = []

    def start(data_dir: Path, *options: str) -> Owner:
        owners.append(Owner(data_dir, *options))
        return owners[-1]

    yield start
    for one in owners:
        one.close()


@pytest.fixture
def server() -> Iterator[Callable[..., EmbeddedPostgres]]:
    """Makes servers, and stops them whatever happens."""
    servers: list[EmbeddedPostgres] = []

    def make(data_dir: Path, **options: Any) -> EmbeddedPostgres:
        servers.append(EmbeddedPostgres(data_dir=data_dir, log=options.pop("log", print), **options))
        return servers[-1]

    yield make
    for one in servers:
        one.stop()


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a database that was started and stopped once. Each test leaves it stopped and whole.

    As root it lies below a directory that the server's account cannot enter.
    """
    data_dir = tmp_path_factory.mktemp("embedded") / "gateway"
    made = EmbeddedPostgres(data_dir=data_dir, log=print)
    made.start()
    made.stop()
    return data_dir


@pytest.fixture
def spoilt_dir(data_dir: Path, tmp_path: Path) -> Path:
    """A copy of `data_dir` for a test that breaks something in it."""
    copy = tmp_path / "gateway"
    subprocess.run(["cp", "-a", str(data_dir), str(copy)], check=True)
    return copy


@pytest.fixture
def open_dir() -> Iterator[Path]:
    """A directory that every account can enter, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="open-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def account(data_dir: Path) -> Account:
    """Who owns the database in `data_dir`."""
    return choose(data_dir / "postgres" / "data")


@pytest.fixture
def ask() -> Callable[[str, str], object]:
    """Connects, asks for one value, and leaves. In a loop of its own: servers start before there is any."""

    async def once(dsn: str, query: str) -> object:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return lambda dsn, query: asyncio.run(once(dsn, query))


def wait_until_gone(pid: int) -> None:
    """Returns when the process has ended; it need not be a child."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([fd], [], [], PATIENCE_SECONDS)[0], f"process {pid} still runs"
    finally:
        os.close(fd)


@pytest.fixture
def gone() -> Callable[[int], None]:
    return wait_until_gone
