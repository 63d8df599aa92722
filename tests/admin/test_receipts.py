"""`?wait=`: the answer is held until every live node has applied the change, and says who has."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from gateway.index.cache import TokenIndex
from gateway.index.clock import DatabaseClock
from gateway.index.follower import Follower
from gateway.storage.database import Database
from gateway.storage.listener import Listener
from gateway.storage.lookup import Lookup
from tests.admin.conftest import DIGESTER, Client, Console


@asynccontextmanager
async def node(database: Database, node_id: str, interval_seconds: float = 1.0) -> AsyncIterator[Follower]:
    """The part of a node that follows the store."""
    lookup = Lookup(database)
    index = TokenIndex(
        lookup,
        DIGESTER,
        max_entries=10,
        max_unknown=10,
        fresh_seconds=60,
        unknown_seconds=10,
        outage_grace_seconds=60,
        monotonic=time.monotonic,
    )
    clock = DatabaseClock(monotonic=time.monotonic, wall=time.time)
    follower = Follower(
        index, lookup, clock, node_id=node_id, report=lambda _line: None, interval_seconds=interval_seconds
    )
    up = asyncio.Event()

    def on_up() -> None:
        follower.on_listening()
        up.set()

    listener = Listener(database.dsn, on_change=follower.on_change, on_up=on_up, on_down=lambda: None)
    async with AsyncExitStack() as stack:
        await follower.start()
        stack.push_async_callback(index.close)
        stack.push_async_callback(follower.stop)
        listener.start()
        stack.push_async_callback(listener.stop)
        async with asyncio.timeout(30):
            await up.wait()
        yield follower


async def test_the_receipt_comes_when_both_nodes_have_applied_it(console: Console, operator: Client) -> None:
    account = await console.account()
    path = f"/accounts/{account.id}"
    # They say how far they are when they have heard of a change; by themselves they would not within this test.
    async with node(console.database, "one", 600.0) as one, node(console.database, "two", 600.0) as two:
        for number in range(5):
            reply = await operator.patch(f"{path}?wait=30s", {"name": f"n{number}"})
            assert (reply.status, reply.json["applied_by"], reply.json["waiting_for"]) == (200, 2, [])
            assert min(one.applied, two.applied) >= reply.json["revision"]


async def test_a_node_that_lags_is_named_when_the_time_is_over(console: Console, operator: Client) -> None:
    account = await console.account()
    async with node(console.database, "one"):
        await Lookup(console.database).heartbeat("lame", 0)
        reply = await operator.patch(f"/accounts/{account.id}?wait=2s", {"name": "Other"})
        assert (reply.json["applied_by"], reply.json["waiting_for"]) == (1, ["lame"])
        await console.database.fetch(
            "UPDATE nodes SET heartbeat_at = now() - interval '6 seconds' WHERE id = 'lame'"
        )
        reply = await operator.patch(f"/accounts/{account.id}?wait=30s", {"name": "Third"})
        assert (reply.json["applied_by"], reply.json["waiting_for"]) == (1, [])


async def test_without_nodes_nobody_is_waited_for(console: Console, operator: Client) -> None:
    account = await console.account()
    reply = await operator.patch(f"/accounts/{account.id}?wait=30s", {"name": "Other"})
    assert (reply.json["applied_by"], reply.json["waiting_for"]) == (0, [])
    plain = await operator.patch(f"/accounts/{account.id}", {"name": "Third"})
    assert set(plain.json) == {"account", "revision"}


async def test_no_wait_is_a_look_at_once(console: Console, operator: Client) -> None:
    account = await console.account()
    await Lookup(console.database).heartbeat("lame", 0)
    reply = await operator.patch(f"/accounts/{account.id}?wait=0s", {"name": "Other"})
    assert (reply.json["applied_by"], reply.json["waiting_for"]) == (0, ["lame"])


@pytest.mark.parametrize("wait", ["31s", "1h", "5", "-1s", "", "x"])
async def test_a_wait_that_is_no_short_duration_is_refused_before_anything_changes(
    console: Console, operator: Client, wait: str
) -> None:
    account = await console.account()
    reply = await operator.patch(f"/accounts/{account.id}?wait={wait}", {"name": "Other"})
    assert reply.told() == (422, "invalid")
    assert [error["pointer"] for error in reply.json["errors"]] == ["/wait"]
    assert (await operator.get(f"/accounts/{account.id}")).json["name"] == "Shop"
