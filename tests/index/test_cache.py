"""The cached hash index: bounded, loaded once however many wait, and never older than what was announced."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.core.model import TokenRecord
from gateway.core.tokens import digest
from gateway.index import cache
from gateway.index.cache import MISS, TokenIndex
from gateway.storage.errors import StoreUnavailable
from tests.index.scripted import DIGESTER, Answer, Question, ScriptedStore, Time, index_on, record

A, B, C = b"pit_a", b"pit_b", b"pit_c"


async def test_what_was_loaded_is_found_without_asking_again(index: TokenIndex, store: ScriptedStore) -> None:
    store.add(A, record())
    assert index.find(DIGESTER.current(A)) is MISS
    assert await index.load(A) == record()
    assert index.find(DIGESTER.current(A)) == record()
    assert len(store.questions) == 1


async def test_a_token_is_asked_for_under_every_pepper_that_is_still_read(
    index: TokenIndex, store: ScriptedStore
) -> None:
    store.rows[digest(A, b"an old pepper")] = record()
    assert await index.load(A) == record()
    assert store.questions[0].digests == [DIGESTER.candidates(A)]
    assert index.find(DIGESTER.current(A)) == record()


# Bounds.


async def test_the_least_recently_used_tokens_make_room(store: ScriptedStore, now: Time) -> None:
    index = index_on(store, now, max_entries=3)
    for number, secret in enumerate((A, B, C)):
        store.add(secret, record(f"pi_{number}"))
        await index.load(secret)
    assert index.find(DIGESTER.current(A)) is not MISS
    store.add(b"pit_d", record("pi_d"))
    await index.load(b"pit_d")
    assert len(index) == 3
    assert index.find(DIGESTER.current(B)) is MISS
    assert all(index.find(DIGESTER.current(secret)) is not MISS for secret in (A, C, b"pit_d"))


async def test_a_token_that_made_room_leaves_nothing_behind(store: ScriptedStore, now: Time) -> None:
    """Else the index of a busy node would grow without a bound beside its entries."""
    index = index_on(store, now, max_entries=10)
    for number in range(500):
        secret = b"pit_%d" % number
        store.add(secret, record(f"pi_{number}", account=f"acc_{number % 50}"))
        await index.load(secret)
    assert len(index) == 10
    assert sum(len(index._of_integration.of(each)) for each in index._of_integration) == 10
    assert sum(len(index._of_account.of(each)) for each in index._of_account) == 10
    assert not len(index._loads)


async def test_guesses_are_bounded_and_push_out_no_real_token(store: ScriptedStore, now: Time) -> None:
    index = index_on(store, now, max_entries=2, max_unknown=5)
    store.add(A, record())
    await index.load(A)
    for number in range(100):
        assert await index.load(b"pit_guess%d" % number) is None
    assert index.find(DIGESTER.current(A)) == record()
    assert len(index._unknown) == 5
    assert index.find(DIGESTER.current(b"pit_guess99")) is None
    assert index.find(DIGESTER.current(b"pit_guess0")) is MISS


async def test_an_unknown_token_is_remembered_for_a_short_time_only(
    index: TokenIndex, store: ScriptedStore, now: Time
) -> None:
    await index.load(A)
    now.now += 9.9
    assert index.find(DIGESTER.current(A)) is None
    now.now += 0.2
    index.confirm(now())
    assert index.find(DIGESTER.current(A)) is MISS
    store.add(A, record())
    assert await index.load(A) == record()
    assert index.find(DIGESTER.current(A)) == record()


# Freshness and outages.


async def test_an_entry_is_asked_for_again_when_its_freshness_ends(
    index: TokenIndex, store: ScriptedStore, now: Time
) -> None:
    store.add(A, record())
    await index.load(A)
    now.now += 299
    index.confirm(now())
    assert index.find(DIGESTER.current(A)) == record()
    now.now += 2
    index.confirm(now())
    assert index.find(DIGESTER.current(A)) is MISS


async def test_an_entry_that_has_not_changed_stays_the_same_object(
    index: TokenIndex, store: ScriptedStore, now: Time
) -> None:
    """Else everything that was made for it would be made anew every few minutes, for every token."""
    store.add(A, record())
    first = await index.load(A)
    now.now += 301
    index.confirm(now())
    store.add(A, record())
    assert await index.load(A) is first
    assert index.find(DIGESTER.current(A)) is first
    store.add(A, record("pi_other"))
    assert await index.load(A) == record("pi_other")
    assert index.find(DIGESTER.current(A)) == record("pi_other")
    index.drop(1, integrations=["pi_1"])
    index.drop(2, integrations=["pi_other"])
    assert index.find(DIGESTER.current(A)) is MISS
    index.drop(3, accounts=["acc_1"], integrations=["pi_1"])


async def test_an_index_that_has_grown_is_settled(
    store: ScriptedStore, now: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for each tenth by which it grows, and not for what is read again."""
    settled: list[int] = []
    monkeypatch.setattr(cache, "_SETTLED_FROM", 5)
    held: list[TokenIndex] = []
    held.append(index_on(store, now, settle=lambda: settled.append(len(held[0]))))
    index = held[0]
    for number in range(100):
        secret = b"pit_%d" % number
        store.add(secret, record(f"pi_{number}"))
        await index.load(secret)
    assert settled[:3] == [5, 10, 15]
    assert settled[-1] > 90
    assert len(settled) < 20
    now.now += 301
    index.confirm(now())
    settled.clear()
    for number in range(100):
        await index.load(b"pit_%d" % number)
    assert settled == []


async def test_what_is_no_longer_fresh_is_served_while_the_store_is_away(
    index: TokenIndex, store: ScriptedStore, now: Time
) -> None:
    store.add(A, record())
    await index.load(A)
    now.now += 301
    index.unconfirm()
    assert index.find(DIGESTER.current(A)) == record()
    index.confirm(now())
    assert index.find(DIGESTER.current(A)) is MISS


async def test_a_known_token_is_served_when_asking_for_it_again_fails(
    index: TokenIndex, store: ScriptedStore, now: Time
) -> None:
    """Between the store's going away and the node's noticing."""
    store.add(A, record())
    await index.load(A)
    now.now += 301
    index.confirm(now())
    store.failure = StoreUnavailable("away")
    assert index.find(DIGESTER.current(A)) is MISS
    assert await index.load(A) == record()
    # But not what was dropped, and not after the grace.
    index.drop(2, integrations=["pi_1"])
    with pytest.raises(StoreUnavailable):
        await index.load(A)


async def test_serving_without_the_store_ends_with_the_grace(store: ScriptedStore, now: Time) -> None:
    index = index_on(store, now, outage_grace_seconds=60.0)
    store.add(A, record())
    await index.load(A)
    await index.load(B)
    index.unconfirm()
    store.failure = StoreUnavailable("away")
    now.now += 59.9
    assert (index.find(DIGESTER.current(A)), index.can_serve) == (record(), True)
    now.now += 0.2
    assert (index.find(DIGESTER.current(A)), index.find(DIGESTER.current(B)), index.can_serve) == (
        MISS,
        MISS,
        False,
    )
    with pytest.raises(StoreUnavailable):
        await index.load(A)


async def test_the_grace_counts_from_when_the_store_was_asked(store: ScriptedStore, now: Time) -> None:
    """An answer that took long tells of the store as it was then."""
    index = index_on(store, now, outage_grace_seconds=10.0)
    store.add(A, record())
    await index.load(A)
    index.confirm(now() + 5)
    index.confirm(now() + 3)
    now.now += 14.9
    assert index.can_serve
    now.now += 0.2
    assert not index.can_serve


# Changes.


async def test_a_change_drops_what_it_names_and_nothing_else(index: TokenIndex, store: ScriptedStore) -> None:
    store.add(A, record("pi_1", account="acc_1"))
    store.add(B, record("pi_2", account="acc_1"))
    store.add(C, record("pi_3", account="acc_2"))
    for secret in (A, B, C):
        await index.load(secret)
    index.drop(2, integrations=["pi_1"])
    assert [index.find(DIGESTER.current(secret)) is MISS for secret in (A, B, C)] == [True, False, False]
    await index.load(A)
    index.drop(3, accounts=["acc_1"])
    assert [index.find(DIGESTER.current(secret)) is MISS for secret in (A, B, C)] == [True, True, False]
    index.drop(4, accounts=["acc_9"], integrations=["pi_9"])
    assert index.find(DIGESTER.current(C)) is not MISS


async def test_both_tokens_of_an_integration_are_dropped(index: TokenIndex, store: ScriptedStore) -> None:
    store.add(A, record(token="tok_1"))
    store.add(B, record(token="tok_2"))
    await asyncio.gather(index.load(A), index.load(B))
    index.drop(2, integrations=["pi_1"])
    assert index.find(DIGESTER.current(A)) is MISS
    assert index.find(DIGESTER.current(B)) is MISS


@pytest.mark.parametrize("named", ["integrations", "accounts"])
async def test_an_announcement_drops_nothing_that_has_seen_its_change(
    index: TokenIndex, store: ScriptedStore, named: str
) -> None:
    """It may come after a load that read the change: no reason to ask again, least of all when the store goes away."""
    store.add(A, record())
    store.revision = 2
    await index.load(A)
    store.failure = StoreUnavailable("away")
    index.drop(2, **{named: ["pi_1" if named == "integrations" else "acc_1"]})
    assert index.find(DIGESTER.current(A)) == record()
    assert index.counts.invalidations == 0
    index.drop(3, **{named: ["pi_1" if named == "integrations" else "acc_1"]})
    assert index.find(DIGESTER.current(A)) is MISS


async def test_what_was_read_again_has_seen_all_that_came_before(
    index: TokenIndex, store: ScriptedStore
) -> None:
    """Also where the record is the same as before, and stays."""
    store.add(A, record())
    await index.load(A)
    store.revision = 5
    await index.load(A)
    index.drop(5, integrations=["pi_1"])
    assert index.find(DIGESTER.current(A)) == record()


async def test_after_a_doubt_every_change_that_names_it_drops_what_was_read_before(
    index: TokenIndex, store: ScriptedStore
) -> None:
    """The same number may be another change by then, on a server that took over without the last ones."""
    for number, secret in enumerate((A, B)):
        store.add(secret, record(f"pi_{number}"))
    store.revision = 7
    await index.load(A)
    index.doubt()
    await index.load(B)
    index.drop(6, integrations=["pi_0"])
    assert index.find(DIGESTER.current(A)) is MISS
    assert index.find(DIGESTER.current(B)) == record("pi_1")
    store.revision = 8
    await index.load(A)
    index.drop(8, integrations=["pi_0"])
    assert index.find(DIGESTER.current(A)) == record("pi_0")


async def test_clearing_forgets_everything_also_what_is_being_read(
    index: TokenIndex, store: ScriptedStore
) -> None:
    store.add(A, record())
    store.add(B, record("pi_2"))
    await index.load(A)
    await index.load(C)
    store.held = True
    waiting = asyncio.create_task(index.load(B))
    question = await store.asked(3)
    old = store.snapshot(question)
    store.add(B, record("pi_2", suspended=True))
    index.clear()
    assert len(index) == 0
    assert index.find(DIGESTER.current(A)) is MISS
    assert index.find(DIGESTER.current(C)) is MISS
    question.answered.set_result(old)
    store.held = False
    again = await store.asked(4)
    if not again.answered.done():
        store.answer(again)
    assert await waiting == record("pi_2", suspended=True)


async def test_a_store_that_went_back_in_time_is_read_again(index: TokenIndex, store: ScriptedStore) -> None:
    """After a restore from a backup its revisions are lower than before, also the second time."""
    store.add(A, record())
    for revision in (100, 50, 40):
        store.revision = revision
        index.clear()
        assert await index.load(A) == record()
        assert index.find(DIGESTER.current(A)) == record()


class Machine(RuleBasedStateMachine):
    """Loads, changes and announcements in any order: once all is announced, the index says what the store says.

    Each rule runs the loop until nothing more moves.
    """

    SECRETS = tuple(b"pit_%d" % number for number in range(4))

    @initialize()
    def start(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.now = Time()
        self.store = ScriptedStore(held=True)
        self.index = index_on(self.store, self.now, max_entries=3, max_unknown=2)
        for number, secret in enumerate(self.SECRETS):
            self.store.add(secret, record(f"pi_{number // 2}", token=f"tok_{number}"))
        self.unannounced: list[tuple[int, str]] = []
        self.waiting: list[asyncio.Task[TokenRecord | None]] = []
        self.snapshots: list[tuple[Question, Answer]] = []
        self.settle()

    def settle(self) -> None:
        async def pause() -> None:
            for _ in range(8):
                await asyncio.sleep(0)

        self.loop.run_until_complete(pause())

    @rule(secret=st.sampled_from(SECRETS))
    def load(self, secret: bytes) -> None:
        async def begin() -> None:
            self.waiting.append(asyncio.get_running_loop().create_task(self.index.load(secret)))

        self.loop.run_until_complete(begin())
        self.settle()

    @rule(number=st.integers(0, 3), suspended=st.booleans())
    def change(self, number: int, suspended: bool) -> None:
        """The store changes; the announcement comes later."""
        self.store.revision += 1
        integration = f"pi_{number // 2}"
        self.store.add(self.SECRETS[number], record(integration, token=f"tok_{number}", suspended=suspended))
        self.unannounced.append((self.store.revision, integration))

    @rule()
    def announce(self) -> None:
        """All that was not yet announced."""
        changes, self.unannounced = self.unannounced, []
        for revision, integration in changes:
            self.index.drop(revision, integrations=[integration])
        self.settle()

    @rule()
    def read(self) -> None:
        """A query takes its snapshot; the answer is still on its way."""
        taken = [question for question, _ in self.snapshots]
        for question in self.store.questions:
            if not question.answered.done() and question not in taken:
                self.snapshots.append((question, self.store.snapshot(question)))
                return

    @rule()
    def arrive(self) -> None:
        if self.snapshots:
            question, answer = self.snapshots.pop(0)
            question.answered.set_result(answer)
            self.settle()

    @rule()
    def clear(self) -> None:
        self.index.clear()

    @invariant()
    def it_stays_in_bounds(self) -> None:
        if hasattr(self, "index"):
            assert len(self.index) <= 3
            assert len(self.index._unknown) <= 2

    @invariant()
    def once_all_is_announced_it_says_what_the_store_says(self) -> None:
        if not hasattr(self, "index") or self.unannounced:
            return
        for secret in self.SECRETS:
            found = self.index.find(DIGESTER.current(secret))
            if found is not MISS and found is not None:
                assert found == self.store.rows.get(DIGESTER.current(secret))

    def teardown(self) -> None:
        if not hasattr(self, "index"):
            return
        # Whatever is still on its way arrives after the last announcement.
        self.read()
        self.announce()
        while self.snapshots:
            self.arrive()
        self.once_all_is_announced_it_says_what_the_store_says()

        async def end() -> None:
            await self.index.close()
            for task in self.waiting:
                task.cancel()
            await asyncio.gather(*self.waiting, return_exceptions=True)

        self.loop.run_until_complete(end())
        self.loop.close()


TestAnyOrder = Machine.TestCase
TestAnyOrder.settings = hypothesis_settings(max_examples=100, stateful_step_count=30, deadline=None)
