"""Loads: one however many wait, many tokens in one query, and nothing kept that a change overtook."""

from __future__ import annotations

import asyncio

import pytest

from gateway.core.model import TokenRecord
from gateway.index.cache import MISS, TokenIndex
from gateway.storage.errors import StoreUnavailable
from tests.index.scripted import DIGESTER, ScriptedStore, Time, index_on, record

A, B = b"pit_a", b"pit_b"


async def test_many_who_want_one_token_ask_once(index: TokenIndex, store: ScriptedStore) -> None:
    store.add(A, record())
    store.held = True
    waiting = [asyncio.create_task(index.load(A)) for _ in range(100)]
    question = await store.asked(1)
    waiting += [asyncio.create_task(index.load(A)) for _ in range(100)]
    await asyncio.sleep(0)
    store.answer(question)
    assert await asyncio.gather(*waiting) == [record()] * 200
    assert len(store.questions) == 1


async def test_one_who_leaves_does_not_take_the_answer_from_the_others(
    index: TokenIndex, store: ScriptedStore
) -> None:
    store.add(A, record())
    store.held = True
    first, second = asyncio.create_task(index.load(A)), asyncio.create_task(index.load(A))
    question = await store.asked(1)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    store.answer(question)
    assert await second == record()


async def test_different_tokens_that_are_wanted_at_once_share_queries(
    index: TokenIndex, store: ScriptedStore
) -> None:
    """A cold start must not send a query for each of a thousand tokens."""
    secrets = [b"pit_%d" % number for number in range(1000)]
    for number, secret in enumerate(secrets):
        store.add(secret, record(f"pi_{number}"))
    store.held = True
    waiting = [asyncio.create_task(index.load(secret)) for secret in secrets]
    first = await store.asked(1)
    store.held = False
    for question in list(store.questions):
        store.answer(question)
    assert first.answered.done()
    found = await asyncio.gather(*waiting)
    assert [row.caller.integration_id for row in found if row] == [f"pi_{n}" for n in range(1000)]
    assert len(store.questions) < 20
    assert sum(len(question.digests) for question in store.questions) == 1000


async def test_a_failed_load_fails_all_who_wait_and_the_next_one_asks_again(
    index: TokenIndex, store: ScriptedStore
) -> None:
    store.failure = StoreUnavailable("away")
    results = await asyncio.gather(*(index.load(A) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(result, StoreUnavailable) for result in results)
    assert index.find(DIGESTER.current(A)) is MISS
    store.failure = None
    assert await index.load(A) is None
    assert len(store.questions) == 2


async def test_a_failure_of_any_kind_is_the_store_being_unavailable(
    index: TokenIndex, store: ScriptedStore
) -> None:
    """Never an unknown token, never through."""
    store.failure = RuntimeError("a defect")
    with pytest.raises(StoreUnavailable):
        await index.load(A)


async def test_closing_leaves_nobody_waiting(index: TokenIndex, store: ScriptedStore) -> None:
    store.held = True
    waiting = asyncio.create_task(index.load(A))
    await store.asked(1)
    await index.close()
    with pytest.raises((StoreUnavailable, asyncio.CancelledError)):
        await waiting


async def test_closing_starts_no_load_for_those_who_wait_for_one(store: ScriptedStore, now: Time) -> None:
    index = index_on(store, now)
    store.held = True
    waiting: list[asyncio.Task[TokenRecord | None]] = []
    for number in range(10):
        waiting.append(asyncio.create_task(index.load(b"pit_%d" % number)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    asked = len(store.questions)
    assert asked < 10
    await index.close()
    assert all(
        isinstance(each, BaseException) for each in await asyncio.gather(*waiting, return_exceptions=True)
    )
    assert len(store.questions) == asked
    assert not len(index._loads)


# What a change overtook.


@pytest.mark.parametrize("named", ["integration", "account"])
async def test_a_read_that_a_revoke_overtook_is_not_kept_and_not_handed_out(
    index: TokenIndex, store: ScriptedStore, named: str
) -> None:
    """The slow read began before the revoke; it must not bring the token back."""
    store.add(A, record())
    store.held = True
    waiting = asyncio.create_task(index.load(A))
    question = await store.asked(1)
    old = store.snapshot(question)
    store.add(A, record(suspended=True))
    store.revision = 2
    index.drop(2, **{f"{named}s": ["pi_1" if named == "integration" else "acc_1"]})
    question.answered.set_result(old)
    store.held = False
    again = await store.asked(2)
    if not again.answered.done():
        store.answer(again)
    assert await waiting == record(suspended=True)
    assert index.find(DIGESTER.current(A)) == record(suspended=True)
    assert index.counts.stale_loads == 1


async def test_a_token_issued_while_it_was_looked_up_is_not_remembered_as_unknown(
    index: TokenIndex, store: ScriptedStore
) -> None:
    store.held = True
    waiting = asyncio.create_task(index.load(A))
    question = await store.asked(1)
    old = store.snapshot(question)
    store.add(A, record())
    store.revision = 2
    index.drop(2, integrations=["pi_1"])
    question.answered.set_result(old)
    store.held = False
    again = await store.asked(2)
    if not again.answered.done():
        store.answer(again)
    assert await waiting == record()


async def test_a_read_as_new_as_the_change_is_kept(index: TokenIndex, store: ScriptedStore) -> None:
    """The announcement may come after the row that it speaks of."""
    store.add(A, record())
    store.held = True
    waiting = asyncio.create_task(index.load(A))
    question = await store.asked(1)
    store.revision = 2
    index.drop(2, integrations=["pi_1"])
    store.answer(question)
    assert await waiting == record()
    assert index.find(DIGESTER.current(A)) == record()
    assert len(store.questions) == 1


async def test_what_is_being_read_at_a_doubt_is_read_again(index: TokenIndex, store: ScriptedStore) -> None:
    store.add(A, record())
    store.held = True
    waiting = asyncio.create_task(index.load(A))
    question = await store.asked(1)
    old = store.snapshot(question)
    store.add(A, record(suspended=True))
    index.doubt()
    question.answered.set_result(old)
    store.held = False
    again = await store.asked(2)
    if not again.answered.done():
        store.answer(again)
    assert await waiting == record(suspended=True)


async def test_a_change_of_something_else_does_not_disturb_a_load(
    index: TokenIndex, store: ScriptedStore
) -> None:
    store.add(A, record())
    store.held = True
    waiting = asyncio.create_task(index.load(A))
    question = await store.asked(1)
    old = store.snapshot(question)
    store.revision = 2
    index.drop(2, integrations=["pi_other"], accounts=["acc_other"])
    question.answered.set_result(old)
    assert await waiting == record()
    assert len(store.questions) == 1


async def test_a_store_that_changes_for_ever_is_unavailable_and_not_asked_for_ever(
    index: TokenIndex, store: ScriptedStore
) -> None:
    store.add(A, record())
    store.held = True
    waiting = asyncio.create_task(index.load(A))
    for number in range(1, 100):
        asked = asyncio.create_task(store.asked(number))
        await asyncio.wait({asked, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            asked.cancel()
            break
        question = await asked
        old = store.snapshot(question)
        store.revision += 1
        index.drop(store.revision, integrations=["pi_1"])
        question.answered.set_result(old)
    with pytest.raises(StoreUnavailable):
        await waiting
    assert len(store.questions) < 20
