"""Parts that tests share: one PostgreSQL server for the run, databases on it, and a network of the test's own."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import pytest
import uvloop
from hypothesis import HealthCheck, settings

from tests.leaks.ledger import ledger
from tests.leaks.plugin import LeakSearch, note_what_is_minted
from tests.wiring.databases import Databases, run, serving
from tests.wiring.rig import Rig
from tests.wiring.standing import Standing, make_standing


def pytest_configure(config: pytest.Config) -> None:
    """No test of this run may log a secret, and none is wrong for being slow."""
    patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    # The same examples each time, so that a change is judged by nothing but itself; new ones are looked for on request.
    settings.register_profile("same", patient, derandomize=True)
    settings.register_profile("new", patient)
    if config.getoption("--hypothesis-profile") is None:
        settings.load_profile("same")
    note_what_is_minted(ledger)
    config.pluginmanager.register(LeakSearch(ledger))
    # A run in the background of a script ignores it, and what the tests start would do so as well.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that the gateway runs on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """The server is started here, in the main thread and before any loop: it dies with the thread that made it."""
    with serving() as found:
        run(found.template())
        yield found


@pytest.fixture(scope="session")
def standing(databases: Databases) -> Standing:
    """A database that no test changes, with one token of each sort."""

    async def make() -> Standing:
        return await make_standing(await databases.create())

    return run(make())


@pytest.fixture
async def own_dsn(databases: Databases) -> AsyncIterator[str]:
    """The URL of a database of this test's own, with the schema."""
    dsn = await databases.create()
    try:
        yield dsn
    finally:
        await databases.drop(dsn)


@pytest.fixture
async def rig(tmp_path: Path, standing: Standing) -> AsyncIterator[Rig]:
    """Upstreams, nodes and callers; afterwards nothing of them may be left."""
    made = Rig(tmp_path, standing)
    try:
        yield made
    finally:
        await made.close()
