"""Following the store: every revision is applied, announced or not, and what cannot be covered clears everything."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from gateway.index.cache import MISS, TokenIndex
from gateway.index.clock import DatabaseClock
from gateway.index.follower import Follower
from gateway.storage.changes import UNNUMBERED, Change
from gateway.storage.errors import StorageError, StoreUnavailable
from tests.index.scripted import ScriptedStore, index_on, record

A, B = b"pit_a", b"pit_b"


@dataclass(slots=True, eq=False)
class ScriptedLog:
    """Change source of a follower: the revisions it holds, and what it was asked."""

    number: int = 0
    changes: dict[int, Change] = field(default_factory=dict)
    failure: Exception | None = None
    heartbeat_failure: Exception | None = None
    heartbeats: list[int] = field(default_factory=list)
    hold: asyncio.Future[None] | None = None
    asked: int = 0
    pages: int = 0
    most: int = 1000
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def happen(self, *integrations: str, accounts: tuple[str, ...] = ()) -> Change:
        """One more change, and its announcement."""
        self.number += 1
        change = Change(
            revision=self.number, integrations=frozenset(integrations), accounts=frozenset(accounts)
        )
        self.changes[self.number] = change
        return change

    async def revision(self) -> tuple[int, float]:
        self.asked += 1
        answer = (self.number, 9_000.0)
        self.news.set()
        if self.hold is not None:
            await self.hold
        if self.failure is not None:
            raise self.failure
        return answer

    async def changes_since(self, revision: int, limit: int = 1000) -> Change | None:
        self.pages += 1
        wanted = range(revision + 1, min(self.number, revision + min(limit, self.most)) + 1)
        if any(number not in self.changes for number in wanted):
            return None
        names = [self.changes[number] for number in wanted]
        return Change(
            revision=wanted[-1] if wanted else revision,
            integrations=frozenset().union(*(change.integrations for change in names)),
            accounts=frozenset().union(*(change.accounts for change in names)),
        )

    async def heartbeat(self, node_id: str, applied_revision: int) -> None:
        if self.heartbeat_failure is not None:
            raise self.heartbeat_failure
        self.heartbeats.append(applied_revision)
        self.news.set()

    async def until(self, condition) -> None:  # type: ignore[no-untyped-def] # a plain predicate
        async with asyncio.timeout(30):
            while not condition():
                self.news.clear()
                await self.news.wait()


@dataclass(slots=True, eq=False)
class Scene:
    """A follower, its log and its index, which knows the tokens A and B of pi_1 and pi_2."""

    log: ScriptedLog
    store: ScriptedStore
    index: TokenIndex
    follower: Follower
    reports: list[str]

    async def caught_up(self) -> None:
        """Waits for one whole round more."""
        before = len(self.log.heartbeats)
        self.follower.on_listening()
        await self.log.until(lambda: len(self.log.heartbeats) > before)

    def store_up(self) -> bool:
        return self.index.store_up

    def knows(self, secret: bytes) -> bool:
        return self.index.find(self.index.digest(secret)) is not MISS


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    log, store = ScriptedLog(number=5), ScriptedStore()
    reports: list[str] = []
    index = index_on(store, time.monotonic)
    clock = DatabaseClock(monotonic=time.monotonic, wall=time.time)
    # The interval is long: what these tests see comes from what they do.
    follower = Follower(index, log, clock, node_id="n", report=reports.append, interval_seconds=60)
    await follower.start()
    store.add(A, record("pi_1"))
    store.add(B, record("pi_2", account="acc_2"))
    for secret in (A, B):
        await index.load(secret)
    yield Scene(log, store, index, follower, reports)
    await follower.stop()
    await index.close()


async def test_it_starts_at_the_newest_revision_and_says_so(scene: Scene) -> None:
    assert scene.follower.applied == 5
    assert scene.log.heartbeats == [5]
    assert scene.log.pages == 0


async def test_it_does_not_start_without_the_store() -> None:
    log = ScriptedLog(failure=StoreUnavailable("away"))
    index = index_on(ScriptedStore(), time.monotonic)
    clock = DatabaseClock(monotonic=time.monotonic, wall=time.time)
    follower = Follower(index, log, clock, node_id="n", report=lambda _line: None)
    with pytest.raises(StorageError):
        await follower.start()
    await follower.stop()


async def test_the_next_change_is_applied_as_it_is_announced(scene: Scene) -> None:
    scene.follower.on_change(scene.log.happen("pi_1"))
    assert not scene.knows(A)
    assert scene.knows(B)
    assert scene.follower.applied == 6
    assert scene.log.asked == 1


async def test_a_change_after_a_gap_is_applied_at_once_and_the_gap_is_asked_for(scene: Scene) -> None:
    scene.log.happen("pi_2")
    scene.follower.on_change(scene.log.happen("pi_1"))
    assert not scene.knows(A)
    assert scene.follower.applied == 5, "a revision counts as applied only when none before it is missing"
    await scene.log.until(lambda: scene.log.heartbeats[-1] == 7)
    assert not scene.knows(B)
    assert scene.follower.applied == 7


async def test_an_announcement_that_names_nothing_is_asked_for(scene: Scene) -> None:
    scene.log.happen(accounts=("acc_2",))
    scene.follower.on_change(Change(revision=6, complete=False))
    await scene.log.until(lambda: scene.log.heartbeats[-1] == 6)
    assert scene.knows(A)
    assert not scene.knows(B)


async def test_an_announcement_without_a_number_drops_what_it_names_and_the_rest_is_asked_for(
    scene: Scene,
) -> None:
    """Whatever revision it is of: nothing that was read can be known to have seen it."""
    scene.log.happen("pi_2")
    scene.store.revision = 100
    await scene.index.load(A)
    scene.follower.on_change(Change(revision=UNNUMBERED, integrations=frozenset({"pi_1"}), complete=False))
    assert not scene.knows(A)
    assert scene.follower.applied == 5
    await scene.log.until(lambda: scene.log.heartbeats[-1] == 6)
    assert not scene.knows(B)


async def test_an_announcement_of_what_was_read_already_is_applied_and_drops_nothing(scene: Scene) -> None:
    change = scene.log.happen("pi_1")
    scene.store.revision = 6
    await scene.index.load(A)
    scene.follower.on_change(change)
    assert scene.knows(A)
    assert scene.follower.applied == 6


async def test_an_ear_that_was_lost_takes_no_number_for_granted(scene: Scene) -> None:
    """It may listen to another server now, on which revision 6 is another change."""
    scene.store.revision = 6
    await scene.index.load(A)
    scene.follower.on_listening()
    scene.follower.on_change(scene.log.happen("pi_1"))
    assert not scene.knows(A)


async def test_a_change_found_by_comparing_drops_what_it_names_whatever_was_read(scene: Scene) -> None:
    scene.store.revision = 6
    await scene.index.load(A)
    scene.log.happen("pi_1")
    scene.follower._wake.set()
    await scene.log.until(lambda: scene.log.heartbeats[-1] == 6)
    assert not scene.knows(A)


async def test_a_load_that_began_before_the_first_change_of_all_is_not_kept() -> None:
    log, store = ScriptedLog(), ScriptedStore(revision=0, held=True)
    index = index_on(store, time.monotonic)
    clock = DatabaseClock(monotonic=time.monotonic, wall=time.time)
    follower = Follower(index, log, clock, node_id="n", report=lambda _line: None, interval_seconds=60)
    await follower.start()
    try:
        store.add(A, record())
        waiting = asyncio.create_task(index.load(A))
        question = await store.asked(1)
        old = store.snapshot(question)
        log.happen("pi_1")
        store.add(A, record(suspended=True))
        follower._wake.set()
        await log.until(lambda: log.heartbeats[-1] == 1)
        store.held = False
        question.answered.set_result(old)
        assert await waiting == record(suspended=True)
    finally:
        await follower.stop()
        await index.close()


async def test_an_announcement_that_comes_twice_or_late_changes_nothing(scene: Scene) -> None:
    change = scene.log.happen("pi_1")
    scene.follower.on_change(change)
    await scene.index.load(A)
    scene.follower.on_change(change)
    assert scene.knows(A)


async def test_what_was_never_announced_is_found_by_comparing(scene: Scene) -> None:
    scene.log.happen("pi_1")
    await scene.caught_up()
    assert not scene.knows(A)
    assert scene.knows(B)
    assert scene.follower.applied == 6


async def test_a_long_gap_is_fetched_piece_by_piece(scene: Scene) -> None:
    scene.log.most = 10
    for number in range(95):
        scene.log.happen(f"pi_{number}")
    await scene.caught_up()
    assert scene.follower.applied == 100
    assert scene.log.pages == 10
    assert not scene.knows(A)


async def test_a_gap_that_is_not_covered_clears_everything(scene: Scene) -> None:
    for _ in range(3):
        scene.log.happen("pi_9")
    del scene.log.changes[6]  # pruned
    await scene.caught_up()
    assert not scene.knows(A)
    assert not scene.knows(B)
    assert scene.follower.applied == 8


async def test_a_store_that_went_back_in_time_clears_everything(scene: Scene) -> None:
    scene.log.number = 3
    await scene.caught_up()
    assert not scene.knows(A)
    assert scene.follower.applied == 3
    scene.follower.on_change(scene.log.happen("pi_1"))
    assert scene.follower.applied == 4


async def test_an_announcement_that_overtakes_the_comparison_is_no_step_back_in_time(scene: Scene) -> None:
    """The answer was read before the change; taking it for a restored store would empty the index again and again."""
    scene.log.hold = asyncio.get_running_loop().create_future()
    asked = scene.log.asked
    scene.follower.on_listening()
    await scene.log.until(lambda: scene.log.asked > asked)
    scene.follower.on_change(scene.log.happen("pi_1"))
    before = len(scene.log.heartbeats)
    scene.log.hold.set_result(None)
    await scene.log.until(lambda: len(scene.log.heartbeats) > before)
    assert scene.follower.applied == 6
    assert scene.knows(B)


async def test_an_outage_is_told_once_and_so_is_its_end(scene: Scene) -> None:
    scene.log.failure = StoreUnavailable("connection refused")
    for _ in range(3):
        asked = scene.log.asked
        scene.follower.on_listening()
        await scene.log.until(lambda count=asked: scene.log.asked > count)
        await asyncio.sleep(0)
    assert not scene.store_up()
    assert len(scene.reports) == 1
    assert "connection refused" in scene.reports[0]
    assert scene.knows(A)
    scene.log.happen("pi_1")
    scene.log.failure = None
    await scene.caught_up()
    assert scene.store_up()
    assert not scene.knows(A)
    assert len(scene.reports) == 2


async def test_a_failure_that_nobody_foresaw_does_not_end_the_following(scene: Scene) -> None:
    scene.log.failure = RuntimeError("a defect")
    asked = scene.log.asked
    scene.follower.on_listening()
    await scene.log.until(lambda: scene.log.asked > asked)
    await asyncio.sleep(0)
    assert not scene.store_up()
    scene.log.failure = None
    scene.log.happen("pi_1")
    await scene.caught_up()
    assert not scene.knows(A)


async def test_a_store_that_takes_no_writes_is_not_away(scene: Scene) -> None:
    """Tokens can be checked on a standby as well; a heartbeat cannot be written there."""
    scene.log.heartbeat_failure = StoreUnavailable("read-only")
    asked = scene.log.asked
    scene.log.happen("pi_1")
    scene.follower.on_listening()
    await scene.log.until(lambda: scene.log.asked > asked)
    await asyncio.sleep(0.01)
    assert scene.store_up()
    assert scene.reports == []
    assert not scene.knows(A)


async def test_it_compares_by_itself_once_in_the_interval() -> None:
    log = ScriptedLog(number=1)
    index = index_on(ScriptedStore(), time.monotonic)
    clock = DatabaseClock(monotonic=time.monotonic, wall=time.time)
    follower = Follower(index, log, clock, node_id="n", report=lambda _line: None, interval_seconds=0.01)
    await follower.start()
    try:
        await log.until(lambda: log.asked >= 4)
    finally:
        await follower.stop()
    assert clock.measured
