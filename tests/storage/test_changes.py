"""A node catches up exactly, or is told that it cannot."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.core.rotation import Operation, TokenState
from gateway.storage.changes import UNNUMBERED, Change, changes_since, from_payload, prune_changes, to_payload

if TYPE_CHECKING:
    from tests.storage.conftest import Maker


async def test_everything_after_a_revision_is_named_as_far_as_the_limit_reaches(make: Maker) -> None:
    ones = [await make.in_state(TokenState.ONE) for _ in range(2)]
    (row,) = await make.database.fetch("SELECT number FROM revision")
    start = row["number"]
    for one in [ones[0], ones[0], ones[1]]:
        await make.operate(one, Operation.ROTATE_NOW)
    first = await changes_since(make.database, start, 2)
    assert first == Change(revision=start + 2, integrations=frozenset({ones[0].id}))
    rest = await changes_since(make.database, start + 2, 2)
    assert rest == Change(revision=start + 3, integrations=frozenset({ones[1].id}))
    assert await changes_since(make.database, start + 3, 2) == Change(revision=start + 3)


async def test_a_fresh_store_has_nothing_to_catch_up_with(make: Maker) -> None:
    assert await changes_since(make.database, 0, 10) == Change(revision=0)


async def test_a_gap_is_admitted(make: Maker) -> None:
    """Silence about a pruned revoke would let the token live on in that node."""
    for _ in range(4):
        await make.account()
    await make.database.fetch("UPDATE changes SET at = at - interval '2 days' WHERE revision <= 2")
    await prune_changes(make.database, timedelta(days=1))
    assert await changes_since(make.database, 1, 10) is None
    assert await changes_since(make.database, 2, 10) == Change(revision=4)
    await make.database.fetch("UPDATE changes SET at = at - interval '2 days'")
    await prune_changes(make.database, timedelta(days=1))
    assert await changes_since(make.database, 3, 10) is None
    assert await changes_since(make.database, 4, 10) == Change(revision=4)


async def test_a_store_that_fell_behind_the_node_is_a_gap(make: Maker) -> None:
    await make.account()
    assert await changes_since(make.database, 2, 10) is None


def test_a_message_is_read_as_it_was_written() -> None:
    change = Change(revision=7, accounts=frozenset({"acc_1"}), integrations=frozenset({"pi_1", "pi_2"}))
    assert from_payload(to_payload(change)) == change
    assert from_payload('{"revision": 7, "accounts": [], "integrations": [], "plans": [1]}') == Change(
        revision=7
    )


def test_a_message_names_everything_or_says_that_it_does_not() -> None:
    for count in (1, 250, 320, 1000):
        change = Change(revision=7, integrations=frozenset(f"pi_{n:020}" for n in range(count)))
        payload = to_payload(change)
        assert len(payload.encode()) < 8000
        read = from_payload(payload)
        assert read in (change, Change(revision=7, complete=False))
        assert (read == change) == (count <= 250)


@pytest.mark.parametrize(
    "revision", ["", '"revision": "7",', '"revision": true,', '"revision": -7,', '"revision": 7.5,']
)
def test_names_without_a_number_that_can_be_read_are_taken_at_their_word(revision: str) -> None:
    assert from_payload(f'{{{revision} "accounts": ["acc_1"], "integrations": ["pi_1"]}}') == Change(
        revision=UNNUMBERED,
        accounts=frozenset({"acc_1"}),
        integrations=frozenset({"pi_1"}),
        complete=False,
    )


@pytest.mark.parametrize("payload", ["", "x", "null", "[]", "{}", '{"revision": "7"}', "7"])
def test_a_message_of_someone_elses_is_none_of_ours(payload: str) -> None:
    assert from_payload(payload) is None
