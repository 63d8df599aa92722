"""The state table says what the contract says, cell by cell, and no effect contradicts itself."""

from __future__ import annotations

from itertools import product

import pytest

from gateway.core.model import Ending
from gateway.core.rotation import ENDINGS, Effect, Fate, Operation, TokenState, transition

NONE, ONE, TWO = TokenState
REFUSED = None

# The contract's table, row by row: the state an operation leads to.
CONTRACT = {
    NONE: {
        Operation.ROTATE_LATER: REFUSED,
        Operation.ROTATE_NOW: REFUSED,
        Operation.CANCEL_ROTATION: REFUSED,
        Operation.EXPIRE_OLD: REFUSED,
        Operation.EXPIRE: REFUSED,
        Operation.ISSUE: ONE,
    },
    ONE: {
        Operation.ROTATE_LATER: TWO,
        Operation.ROTATE_NOW: ONE,
        Operation.CANCEL_ROTATION: REFUSED,
        Operation.EXPIRE_OLD: REFUSED,
        Operation.EXPIRE: NONE,
        Operation.ISSUE: REFUSED,
    },
    TWO: {
        Operation.ROTATE_LATER: REFUSED,
        Operation.ROTATE_NOW: ONE,
        Operation.CANCEL_ROTATION: ONE,
        Operation.EXPIRE_OLD: ONE,
        Operation.EXPIRE: NONE,
        Operation.ISSUE: REFUSED,
    },
}
CELLS = list(product(TokenState, Operation))
SURVIVES = {Fate.KEEP, Fate.RETIRE, Fate.REINSTATE}


def effects() -> list[tuple[TokenState, Operation, Effect]]:
    return [(s, o, e) for s, o in CELLS if (e := transition(s, o)) is not None]


@pytest.mark.parametrize(("state", "operation"), CELLS)
def test_every_cell_leads_where_the_contract_says(state: TokenState, operation: Operation) -> None:
    effect = transition(state, operation)
    assert (effect.after if effect else REFUSED) == CONTRACT[state][operation]


@pytest.mark.parametrize(("state", "operation", "effect"), effects())
def test_an_effect_decides_about_exactly_the_tokens_the_state_has(
    state: TokenState, operation: Operation, effect: Effect
) -> None:
    assert (effect.current is not None) == (state is not NONE)
    assert (effect.old is not None) == (state is TWO)


@pytest.mark.parametrize(("state", "operation", "effect"), effects())
def test_the_tokens_that_live_on_make_the_state_that_follows(
    state: TokenState, operation: Operation, effect: Effect
) -> None:
    living = sum(fate in SURVIVES for fate in (effect.current, effect.old)) + effect.mints
    assert living == {NONE: 0, ONE: 1, TWO: 2}[effect.after]


@pytest.mark.parametrize(("state", "operation", "effect"), effects())
def test_at_most_one_token_is_left_without_a_deadline(
    state: TokenState, operation: Operation, effect: Effect
) -> None:
    lasting = sum(fate in {Fate.KEEP, Fate.REINSTATE} for fate in (effect.current, effect.old)) + effect.mints
    assert lasting == (0 if effect.after is NONE else 1)


@pytest.mark.parametrize(
    ("state", "operation", "current", "old"),
    [
        (ONE, Operation.ROTATE_LATER, Ending.ROTATED, None),
        (ONE, Operation.ROTATE_NOW, Ending.REVOKED, None),
        (ONE, Operation.EXPIRE, Ending.EXPIRED, None),
        (TWO, Operation.ROTATE_NOW, Ending.REVOKED, Ending.REVOKED),
        (TWO, Operation.CANCEL_ROTATION, Ending.REVOKED, None),
        (TWO, Operation.EXPIRE_OLD, None, Ending.EXPIRED),
        (TWO, Operation.EXPIRE, Ending.EXPIRED, Ending.EXPIRED),
    ],
)
def test_a_token_that_ends_ends_for_the_reason_its_caller_is_told(
    state: TokenState, operation: Operation, current: Ending | None, old: Ending | None
) -> None:
    effect = transition(state, operation)
    assert effect is not None
    endings = [ENDINGS.get(fate) if fate else None for fate in (effect.current, effect.old)]
    assert endings == [current, old]


def test_cancelling_brings_the_old_token_back_instead_of_only_keeping_it() -> None:
    """With KEEP the cancelled rotation's deadline would still kill the old token."""
    effect = transition(TWO, Operation.CANCEL_ROTATION)
    assert effect is not None
    assert effect.old is Fate.REINSTATE
