"""A revoke is never missed: loads, announcements, comparisons and a store that loses changes, in any order."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gateway.core.model import TokenRecord
from gateway.index.cache import MISS
from gateway.index.clock import DatabaseClock
from gateway.index.follower import Follower
from gateway.storage.changes import UNNUMBERED, Change
from gateway.storage.errors import StoreUnavailable
from tests.index.scripted import DIGESTER, Answer, Question, ScriptedStore, Time, index_on, record

SECRETS = tuple(b"pit_%d" % number for number in range(2))
NAMES = ("pi_0", "acc_0", "pi_1", "acc_1")


def version_of(row: TokenRecord) -> int:
    """Which change made it. No two changes make the same, also where they have the same revision."""
    return int(row.caller.token_id.partition("@")[2])


def integrations_of(change: Change) -> set[str]:
    return {f"pi_{name[-1]}" for name in change.accounts | change.integrations}


@dataclass(slots=True, eq=False)
class History:
    """The store's changes, oldest first, each with the version that it made; and what a follower asks of them."""

    store: ScriptedStore
    changes: list[tuple[Change, int]] = field(default_factory=list)
    versions: int = 0
    # What the follower has made certain: of each integration the version that must not be fallen behind.
    floor: dict[str, int] = field(default_factory=lambda: {"pi_0": 0, "pi_1": 0})
    waiting: list[tuple[asyncio.Future[int], int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._write()

    def _write(self) -> None:
        """The rows as they are after the last change."""
        newest = self.newest()
        for number, secret in enumerate(SECRETS):
            owner = f"pi_{number}"
            token = f"tok_{number}@{newest[owner]}"
            self.store.add(secret, record(owner, account=f"acc_{number}", token=token))
        self.store.revision = len(self.changes)

    def newest(self) -> dict[str, int]:
        """The version of each integration."""
        newest = {"pi_0": 0, "pi_1": 0}
        for change, version in self.changes:
            newest |= dict.fromkeys(integrations_of(change), version)
        return newest

    def happen(self, name: str) -> Change:
        named = frozenset({name})
        self.versions += 1
        change = Change(
            revision=len(self.changes) + 1,
            integrations=named if name.startswith("pi") else frozenset(),
            accounts=named if name.startswith("acc") else frozenset(),
        )
        self.changes.append((change, self.versions))
        self._write()
        return change

    def lose(self, down_to: int) -> None:
        """Another server takes over, which has not got the last changes. No connection survives that."""
        del self.changes[down_to:]
        self._write()
        self.floor = {each: min(self.floor[each], version) for each, version in self.newest().items()}
        for waiting, _ in self.waiting:
            waiting.set_exception(StoreUnavailable("failed over"))
        self.waiting.clear()

    def told(self, change: Change, version: int) -> None:
        for integration in integrations_of(change):
            self.floor[integration] = max(self.floor[integration], version)

    async def revision(self) -> tuple[int, float]:
        asked: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.waiting.append((asked, len(self.changes)))
        return await asked, 9_000.0

    async def changes_since(self, revision: int, limit: int = 2) -> Change | None:
        if revision > len(self.changes):
            return None
        page = [change for change, _ in self.changes[revision:][:2]]
        return Change(
            revision=revision + len(page),
            integrations=frozenset().union(*(change.integrations for change in page)),
            accounts=frozenset().union(*(change.accounts for change in page)),
        )

    async def heartbeat(self, node_id: str, applied_revision: int) -> None:
        """The follower says that nothing older than this is served any more."""
        for change, version in self.changes[:applied_revision]:
            self.told(change, version)


class Scene:
    """A store, an index and its follower.

    Each step runs the loop until nothing more moves; answers are read and arrive when steps say so. A step takes a number
    from 0 to 3, which says what it is about.
    """

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.store = ScriptedStore(held=True)
        self.history = History(self.store)
        self.index = index_on(self.store, Time(), max_entries=2)
        clock = DatabaseClock(monotonic=time.monotonic, wall=time.time)
        self.follower = Follower(
            self.index, self.history, clock, node_id="n", report=lambda _: None, interval_seconds=3600
        )
        self.announced: deque[tuple[Change, int]] = deque()
        self.snapshots: deque[tuple[Question, Answer]] = deque()
        self.loads: list[tuple[asyncio.Task[TokenRecord | None], str, int]] = []
        self.listening = True
        self.history.happen("pi_0")
        starting = self.loop.create_task(self.follower.start())
        self.settle()
        self.compare(0)
        assert starting.done()

    def settle(self) -> None:
        async def pause() -> None:
            for _ in range(15):
                await asyncio.sleep(0)

        self.loop.run_until_complete(pause())

    # The store.

    def change(self, number: int) -> None:
        change = self.history.happen(NAMES[number])
        if self.listening:
            self.announced.append((change, self.history.versions))

    def fail_over(self, number: int) -> None:
        """What was lost, the follower had not applied."""
        self.lose(max(self.follower.applied, len(self.history.changes) - 1 - number))

    def restore(self, number: int) -> None:
        """What was lost, the follower had applied. It asks before the store has made as many changes again."""
        self.lose(max(0, self.follower.applied - 1 - number))
        self.listen(0)
        self.compare(0)
        self.compare(0)

    def lose(self, down_to: int) -> None:
        """The ear is lost, too. Answers of loads may still be in buffers."""
        self.history.lose(down_to)
        # Who asked before may be told what is true by now.
        self.loads = [
            (load, owner, min(floor, self.history.floor[owner])) for load, owner, floor in self.loads
        ]
        self.go_deaf(0)
        self.settle()

    # Loads.

    def load(self, number: int) -> None:
        secret, owner = SECRETS[number // 2], f"pi_{number // 2}"

        async def begin() -> asyncio.Task[TokenRecord | None]:
            return asyncio.get_running_loop().create_task(self.index.load(secret))

        self.loads.append((self.loop.run_until_complete(begin()), owner, self.history.floor[owner]))
        self.settle()

    def read(self, _number: int) -> None:
        """A query takes its snapshot; the answer is still on its way."""
        taken = [question for question, _ in self.snapshots]
        for question in self.store.questions:
            if not question.answered.done() and question not in taken:
                self.snapshots.append((question, self.store.snapshot(question)))
                return

    def know(self, number: int) -> None:
        """A load without anything in between."""
        self.load(number)
        self.read(number)
        if self.snapshots:
            self.arrive(len(self.snapshots) - 1)

    def arrive(self, number: int) -> None:
        if self.snapshots:
            self.snapshots.rotate(-number)
            question, answer = self.snapshots.popleft()
            question.answered.set_result(answer)
            self.settle()

    # What the store says.

    def listen(self, _number: int) -> None:
        if not self.listening:
            self.listening = True
            self.follower.on_listening()
            self.settle()

    def go_deaf(self, _number: int) -> None:
        self.announced.clear()
        self.listening = False

    def hear(self, _number: int) -> None:
        if self.announced:
            change, version = self.announced.popleft()
            self.follower.on_change(change)
            self.history.told(change, version)
            self.settle()

    def hear_badly(self, number: int) -> None:
        """Without its number, without its names, or not at all."""
        if not self.announced:
            return
        change, version = self.announced.popleft()
        if number == 0:
            self.follower.on_change(replace(change, revision=UNNUMBERED, complete=False))
            self.history.told(change, version)
        elif number == 1:
            self.follower.on_change(Change(revision=change.revision, complete=False))
        self.settle()

    def ask(self, _number: int) -> None:
        """The interval is over. The answer is read now, and comes when `compare` says so."""
        self.follower._wake.set()
        self.settle()

    def compare(self, _number: int) -> None:
        waiting, self.history.waiting = self.history.waiting, []
        for asked, revision in waiting:
            asked.set_result(revision)
        self.settle()

    def nothing_is_older_than_what_was_told(self) -> None:
        for number, secret in enumerate(SECRETS):
            found = self.index.find(DIGESTER.current(secret))
            assert found is not None
            if found is not MISS:
                assert version_of(found) >= self.history.floor[f"pi_{number}"]

    def nothing_older_is_handed_out_to_who_asked_after_it(self) -> None:
        for load, _, floor in self.loads:
            if load.done() and not load.exception():
                row = load.result()
                assert row is not None
                assert version_of(row) >= floor

    def end(self) -> None:
        # Whatever is still on its way arrives after the last announcement.
        self.listen(0)
        self.ask(0)
        self.compare(0)
        while self.snapshots:
            self.arrive(0)
            self.nothing_is_older_than_what_was_told()
        self.nothing_older_is_handed_out_to_who_asked_after_it()

    def close(self) -> None:
        async def end() -> None:
            await self.follower.stop()
            await self.index.close()
            for load, _, _ in self.loads:
                load.cancel()
            await asyncio.gather(*(load for load, _, _ in self.loads), return_exceptions=True)

        self.loop.run_until_complete(end())
        self.loop.close()


COMMON = (Scene.know, Scene.load, Scene.read, Scene.arrive, Scene.change, Scene.hear)
RARE = (
    Scene.hear_badly,
    Scene.ask,
    Scene.compare,
    Scene.go_deaf,
    Scene.listen,
    Scene.fail_over,
    Scene.restore,
)


@given(st.lists(st.tuples(st.sampled_from(3 * COMMON + RARE), st.integers(0, 3)), min_size=20, max_size=60))
@hypothesis_settings(max_examples=200, deadline=None)
def test_a_revoke_is_never_missed_in_any_order(steps: list[tuple[Callable[[Scene, int], None], int]]) -> None:
    scene = Scene()
    try:
        for step, number in steps:
            step(scene, number)
            scene.nothing_is_older_than_what_was_told()
            scene.nothing_older_is_handed_out_to_who_asked_after_it()
        scene.end()
    finally:
        scene.close()
