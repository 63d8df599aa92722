"""What a node counted reaches the store in time, survives the store's absence, and loses nothing when the node ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from gateway.core.usage_ledger import UsageLedger
from gateway.index.clock import DatabaseClock
from gateway.jobs.usage_counter import UsageCounter
from gateway.jobs.usage_flush import UsageFlusher
from gateway.proxy.record import Trail
from gateway.storage.database import Database, connect
from gateway.storage.errors import StorageError
from gateway.storage.lookup import Lookup
from tests.wiring.tenants import Issued, Tenants
from tests.wiring.trails import trail_of

NODE = "node-1"


class Counting:
    """One node's counting and flushing, as it is wired."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.tenants = Tenants(database)
        self.clock = DatabaseClock(monotonic=time.monotonic, wall=time.time)
        self.counter = UsageCounter(clock=self.clock, monotonic=time.monotonic)
        self.ledger = UsageLedger(max_tokens=1000)
        self.open: list[Trail] = []

    def flusher(self, interval_seconds: float = 3600.0) -> UsageFlusher:
        return UsageFlusher(
            counter=self.counter,
            ledger=self.ledger,
            database=self.database,
            node_id=NODE,
            clock=self.clock,
            under_way=lambda: self.open,
            interval_seconds=interval_seconds,
        )

    def trail(self, issued: Issued) -> Trail:
        return trail_of(issued.token_id, "/contacts/{contactId}", time.monotonic(), client="192.0.2.1")

    async def stored(self, issued: Issued) -> tuple[float | None, int]:
        """Last use and the number of requests, as the store has them."""
        (row,) = await self.database.fetch(
            "SELECT last_used_at, COALESCE((SELECT sum(count) FROM usage_hourly WHERE token_id = t.id), 0)::int AS n"
            " FROM tokens AS t WHERE id = $1",
            issued.token_id,
        )
        last = row["last_used_at"]
        return None if last is None else last.timestamp(), row["n"]

    async def known(self) -> float | None:
        """Until when this node's usage is known."""
        (row,) = await self.database.fetch("SELECT usage_known_at FROM nodes WHERE id = $1", NODE)
        return None if row["usage_known_at"] is None else row["usage_known_at"].timestamp()


@pytest.fixture
async def counting(own_dsn: str) -> AsyncIterator[Counting]:
    database = await connect(own_dsn, pool_size=4)
    await Lookup(database).heartbeat(NODE, 0)
    try:
        yield Counting(database)
    finally:
        await database.close()


async def test_what_a_shadow_would_refuse_is_stored_beside_the_count(counting: Counting) -> None:
    issued = await counting.tenants.issue("contacts.readonly")
    for shadow in ("scope_missing", "scope_missing", ""):
        trail = counting.trail(issued)
        trail.shadow = shadow
        counting.counter.record(trail)
    assert await counting.flusher().flush()
    rows = await counting.database.fetch("SELECT token_id, route, code, count FROM usage_shadow")
    assert [tuple(row) for row in rows] == [
        (issued.token_id, "GET /contacts/{contactId}", "scope_missing", 2)
    ]
    assert (await counting.stored(issued))[1] == 3
    assert len(counting.ledger) == 0


async def test_a_flush_stores_everything_and_says_until_when_it_is_known(counting: Counting) -> None:
    issued = await counting.tenants.issue("contacts.readonly")
    before = counting.clock.now()
    for _ in range(3):
        counting.counter.record(counting.trail(issued))
    assert await counting.flusher().flush()
    last, requests = await counting.stored(issued)
    assert last is not None
    assert (before <= last <= counting.clock.now(), requests, len(counting.ledger)) == (True, 3, 0)
    known = await counting.known()
    assert known is not None
    assert known >= last


async def test_a_busy_token_is_written_later_and_until_then_nothing_is_called_known(
    counting: Counting,
) -> None:
    busy, free = await counting.tenants.issue_many([["contacts.readonly"]] * 2)
    for issued in (busy, free):
        counting.counter.record(counting.trail(issued))
    flusher = counting.flusher()
    async with counting.database.transaction() as connection:
        await connection.execute("UPDATE tokens SET hint = 'x' WHERE id = $1", busy.token_id)
        assert not await flusher.flush()
        assert await counting.known() is None
        assert (await counting.stored(free))[0] is not None
    assert (await counting.stored(busy))[0] is None
    assert await flusher.flush()
    assert (await counting.stored(busy))[0] is not None
    assert [(await counting.stored(issued))[1] for issued in (busy, free)] == [1, 1], "counted once"


async def test_an_open_stream_is_use_of_its_token_and_counted_when_it_ends(counting: Counting) -> None:
    """A token whose only use is one WebSocket for a year is not idle."""
    issued = await counting.tenants.issue("contacts.readonly")
    stream = counting.trail(issued)
    counting.open.append(stream)
    flusher = counting.flusher()
    await flusher.flush()
    first = await counting.stored(issued)
    await flusher.flush()
    second = await counting.stored(issued)
    assert first[0] is not None
    assert second[0] is not None
    assert second[0] > first[0]
    assert second[1] == 0
    counting.open.clear()
    counting.counter.record(stream)
    await flusher.flush()
    assert (await counting.stored(issued))[1] == 1


async def test_what_was_counted_while_the_store_was_away_is_stored_when_it_is_back(
    counting: Counting, own_dsn: str
) -> None:
    issued = await counting.tenants.issue("contacts.readonly")
    real = counting.database
    gone = await connect(own_dsn, pool_size=1)
    await gone.close()
    counting.database = gone
    away = counting.flusher()
    for _ in range(3):
        counting.counter.record(counting.trail(issued))
        with pytest.raises(StorageError):
            await away.flush()
    counting.database = real
    assert await counting.flusher().flush()
    assert (await counting.stored(issued))[1] == 3


async def test_it_writes_by_itself_at_its_interval(counting: Counting) -> None:
    issued = await counting.tenants.issue("contacts.readonly")
    flusher = counting.flusher(interval_seconds=0.05)
    flusher.start()
    counting.counter.record(counting.trail(issued))
    async with asyncio.timeout(30):
        while (await counting.stored(issued))[1] == 0:  # noqa: ASYNC110 - the store has no event
            await asyncio.sleep(0.01)
    await flusher.stop()


async def test_stopping_stores_what_came_last(counting: Counting) -> None:
    issued = await counting.tenants.issue("contacts.readonly")
    flusher = counting.flusher()
    flusher.start()
    counting.counter.record(counting.trail(issued))
    await flusher.stop()
    assert (await counting.stored(issued))[1] == 1
    await flusher.stop()


async def test_more_than_one_statements_worth_is_written_in_pieces(
    counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.jobs.usage_flush._CHUNK", 2)
    many = await counting.tenants.issue_many([["contacts.readonly"]] * 5)
    for issued in many:
        counting.counter.record(counting.trail(issued))
    assert await counting.flusher().flush()
    assert [(await counting.stored(issued))[1] for issued in many] == [1] * 5


async def test_a_row_that_the_schema_refuses_holds_up_no_other(
    counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.jobs.usage_flush._CHUNK", 1)
    issued = await counting.tenants.issue("contacts.readonly")
    counting.ledger.count(issued.token_id, 0, "GET /\0", "2xx", 1)
    counting.counter.record(counting.trail(issued))
    assert await counting.flusher().flush()
    assert (await counting.stored(issued))[1] == 1
