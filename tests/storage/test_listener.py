"""The listener hears changes, says when it does not, and always comes back."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from gateway.core.rotation import TokenState
from gateway.storage.changes import CHANNEL, Change
from gateway.storage.listener import Listener

if TYPE_CHECKING:
    from tests.storage.conftest import Maker

KILL = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
)


@dataclass
class Ear:
    """What the listener has called, in order."""

    heard: asyncio.Queue[Change | str] = field(default_factory=asyncio.Queue)

    def on_change(self, change: Change) -> None:
        self.heard.put_nowait(change)

    def on_up(self) -> None:
        self.heard.put_nowait("up")

    def on_down(self) -> None:
        self.heard.put_nowait("down")

    async def next(self) -> Change | str:
        async with asyncio.timeout(30):
            return await self.heard.get()

    def listener(self, dsn: str, check_seconds: float = 5.0) -> Listener:
        return Listener(
            dsn,
            on_change=self.on_change,
            on_up=self.on_up,
            on_down=self.on_down,
            check_seconds=check_seconds,
            max_delay_seconds=0.1,
        )


@pytest.fixture
async def ear(dsn: str) -> AsyncIterator[Ear]:
    ear = Ear()
    listener = ear.listener(dsn)
    listener.start()
    assert await ear.next() == "up"
    yield ear
    await listener.stop()


async def test_a_change_is_heard_with_what_it_touched(make: Maker, ear: Ear) -> None:
    integration = await make.in_state(TokenState.NONE)
    assert await ear.next() == Change(revision=1)
    assert await ear.next() == Change(revision=2, integrations=frozenset({integration.id}))


async def test_noise_on_the_channel_is_not_a_change(make: Maker, ear: Ear) -> None:
    for payload in ("", "noise", '{"revision": "x"}'):
        await make.database.fetch("SELECT pg_notify($1, $2)", CHANNEL, payload)
    await make.account()
    assert await ear.next() == Change(revision=1)


async def test_a_lost_connection_is_told_and_made_again(make: Maker, ear: Ear) -> None:
    for revision in (1, 2):
        assert len(await make.database.fetch(KILL)) == 1
        assert await ear.next() == "down"
        assert await ear.next() == "up"
        await make.account()
        assert await ear.next() == Change(revision=revision)


async def test_stopping_tells_that_it_no_longer_listens_and_frees_the_connection(
    make: Maker, dsn: str
) -> None:
    ear = Ear()
    listener = ear.listener(dsn)
    listener.start()
    assert await ear.next() == "up"
    await listener.stop()
    assert await ear.next() == "down"
    await listener.stop()
    assert repr(listener) == "Listener(stopped)"
    listener.start()
    with pytest.raises(RuntimeError):
        listener.start()
    await listener.stop()


async def test_a_server_that_is_not_there_yet_is_tried_until_it_is_and_nothing_is_called(dsn: str) -> None:
    """Here the server is a port that takes connections and drops them: each attempt is one connection."""
    attempts: asyncio.Queue[None] = asyncio.Queue()

    async def drop(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        attempts.put_nowait(None)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(drop, "127.0.0.1", 0, family=socket.AF_INET)
    ear = Ear()
    listener = ear.listener(f"postgresql://me@127.0.0.1:{server.sockets[0].getsockname()[1]}/gw")
    listener.start()
    async with asyncio.timeout(30):
        for _ in range(4):
            await attempts.get()
    assert ear.heard.empty()
    assert repr(listener) == "Listener(away)"
    await listener.stop()
    server.close()
    await server.wait_closed()


async def test_a_connection_whose_other_end_fell_silent_is_given_up(dsn: str) -> None:
    """No reset comes from a host that vanished; only asking shows it."""
    ear = Ear()
    silent = asyncio.Event()
    path = f"{dsn.partition('?host=')[2]}/.s.PGSQL.5432"
    if not dsn.partition("?host=")[2]:
        pytest.skip("needs the server's own socket")

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            if not silent.is_set():
                target.write(data)
        target.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if silent.is_set():
            writer.close()
            return
        back, forth = await asyncio.open_unix_connection(path)
        await asyncio.gather(pump(reader, forth), pump(back, writer))

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    name = dsn.partition("?")[0].rpartition("/")[2]
    port = server.sockets[0].getsockname()[1]
    listener = ear.listener(
        f"postgresql://gateway@127.0.0.1:{port}/{name}?sslmode=disable", check_seconds=0.1
    )
    listener.start()
    assert await ear.next() == "up"
    silent.set()
    assert await ear.next() == "down"
    await listener.stop()
    server.close()
    await server.wait_closed()
