"""The state table on real rows: each state with each operation, one winner among many, deadlines by the database's clock."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING

import pytest

from gateway.core.model import Ending
from gateway.core.rotation import Operation, TokenState, transition
from gateway.storage import audit, integrations, tokens
from gateway.storage.errors import Conflict, ConflictReason, NotFound
from gateway.storage.integration_state import IntegrationState

if TYPE_CHECKING:
    from gateway.storage.integration_state import Integration
    from tests.storage.conftest import Maker

NONE, ONE, TWO = TokenState
CELLS = list(product(TokenState, Operation))
ALLOWED = [cell for cell in CELLS if transition(*cell)]
REFUSED = [cell for cell in CELLS if not transition(*cell)]


async def endings(make: Maker, integration: Integration) -> list[tuple[str | None, bool]]:
    """How each token ever issued stands, oldest first: its ending, and whether it is live."""
    rows = await make.database.fetch(
        "SELECT ending, ends_at IS NULL OR ends_at > now() AS live FROM tokens WHERE integration_id = $1 ORDER BY created_at",
        integration.id,
    )
    return [(row["ending"], row["live"]) for row in rows]


@pytest.mark.parametrize(("state", "operation"), ALLOWED)
async def test_each_operation_leads_where_the_table_says(
    make: Maker, state: TokenState, operation: Operation
) -> None:
    before = await make.in_state(state)
    after = await make.operate(before, operation)
    effect = transition(state, operation)
    assert effect is not None
    assert after.token_state is effect.after
    assert after.state == IntegrationState(effect.after.value)
    assert (await make.at(before)).tokens == after.tokens
    assert after.version == before.version + 1
    entry = (await audit.list_entries(make.database))[0]
    assert entry.action == f"token.{operation}"
    assert entry.before is not None
    assert entry.after is not None
    assert (entry.before["state"], entry.after["state"]) == (state, effect.after)


@pytest.mark.parametrize(("state", "operation"), REFUSED)
async def test_each_other_operation_is_refused_and_changes_nothing(
    make: Maker, state: TokenState, operation: Operation
) -> None:
    before = await make.in_state(state)
    rows = await make.database.fetch("SELECT number, audit_number FROM revision")
    with pytest.raises(Conflict) as refused:
        await make.operate(before, operation)
    assert refused.value.reason is ConflictReason.STATE
    after = await make.at(before)
    assert (after.tokens, after.version) == (before.tokens, before.version)
    assert await make.database.fetch("SELECT number, audit_number FROM revision") == rows


@pytest.mark.parametrize(
    ("state", "operation", "expected"),
    [
        (NONE, Operation.ISSUE, [(None, True)]),
        (ONE, Operation.ROTATE_LATER, [(Ending.ROTATED, True), (None, True)]),
        (ONE, Operation.ROTATE_NOW, [(Ending.REVOKED, False), (None, True)]),
        (ONE, Operation.EXPIRE, [(Ending.EXPIRED, False)]),
        (TWO, Operation.ROTATE_NOW, [(Ending.REVOKED, False), (Ending.REVOKED, False), (None, True)]),
        (TWO, Operation.CANCEL_ROTATION, [(None, True), (Ending.REVOKED, False)]),
        (TWO, Operation.EXPIRE_OLD, [(Ending.EXPIRED, False), (None, True)]),
        (TWO, Operation.EXPIRE, [(Ending.EXPIRED, False), (Ending.EXPIRED, False)]),
    ],
)
async def test_each_token_ends_for_the_reason_its_caller_is_told(
    make: Maker, state: TokenState, operation: Operation, expected: list[tuple[str | None, bool]]
) -> None:
    integration = await make.in_state(state)
    await make.operate(integration, operation)
    assert await endings(make, integration) == expected


async def test_the_deadline_is_the_window_after_the_rotation_by_the_databases_clock(make: Maker) -> None:
    """Seven days are 168 hours, also over a change of summer time."""
    integration = await make.in_state(ONE)
    window = timedelta(days=7, seconds=0.25)
    after = await make.operate(integration, Operation.ROTATE_LATER, window)
    assert after.old is not None
    assert after.current is not None
    assert after.old.id == integration.tokens[0].id
    assert after.old.rotation_started_at == after.current.created_at
    assert after.old.ends_at == after.current.created_at + window
    assert after.old.ending is Ending.ROTATED
    assert integration.judged_at < after.current.created_at < after.judged_at


async def test_past_the_deadline_the_old_token_is_gone_and_the_table_is_read_for_one(make: Maker) -> None:
    integration = await make.in_state(TWO)
    new = integration.current
    await make.run_out(integration)
    after = await make.at(integration)
    assert (after.token_state, after.tokens) == (ONE, (new,))
    with pytest.raises(Conflict):
        await make.operate(integration, Operation.CANCEL_ROTATION)
    assert (await make.operate(integration, Operation.ROTATE_LATER)).token_state is TWO


async def test_a_cancelled_rotation_leaves_the_old_token_as_if_nothing_had_been(make: Maker) -> None:
    integration = await make.in_state(ONE)
    rotated = await make.operate(integration, Operation.ROTATE_LATER)
    after = await make.operate(rotated, Operation.CANCEL_ROTATION)
    assert after.tokens == integration.tokens


async def test_after_everything_expired_a_token_can_be_issued_again(make: Maker) -> None:
    integration = await make.in_state(TWO)
    await make.operate(integration, Operation.EXPIRE)
    assert (await make.operate(integration, Operation.ISSUE)).token_state is ONE


async def test_a_suspended_integrations_leaked_token_can_be_replaced(make: Maker) -> None:
    integration = await make.in_state(ONE)
    async with make.change() as change:
        await integrations.suspend(change, account_id=integration.account_id, integration_id=integration.id)
    after = await make.operate(integration, Operation.ROTATE_NOW)
    assert after.state is IntegrationState.SUSPENDED
    assert await endings(make, integration) == [(Ending.REVOKED, False), (None, True)]


@pytest.mark.parametrize("operation", Operation)
async def test_a_deleted_integration_gets_no_token_and_says_why(make: Maker, operation: Operation) -> None:
    integration = await make.in_state(ONE)
    async with make.change() as change:
        await integrations.delete(change, account_id=integration.account_id, integration_id=integration.id)
    with pytest.raises(Conflict) as refused:
        await make.operate(integration, operation)
    assert refused.value.reason is ConflictReason.DELETED


async def test_another_accounts_integration_is_not_found(make: Maker) -> None:
    integration, other = await make.in_state(ONE), await make.account()
    async with make.change() as change:
        with pytest.raises(NotFound):
            await tokens.operate(change, Operation.EXPIRE, account_id=other.id, integration_id=integration.id)


@pytest.mark.parametrize("operation", [Operation.ROTATE_LATER, Operation.ROTATE_NOW])
async def test_of_twenty_rotations_at_once_the_table_decides_about_each_in_turn(
    make: Maker, operation: Operation
) -> None:
    """Later: one wins and nineteen find two tokens. Now: all may, one after the other, and one token is left."""
    integration = await make.in_state(ONE)

    async def rotate() -> bool:
        try:
            await make.operate(integration, operation)
        except Conflict:
            return False
        return True

    wins = sum(await asyncio.gather(*(rotate() for _ in range(20))))
    after = await make.at(integration)
    if operation is Operation.ROTATE_LATER:
        assert (wins, after.token_state) == (1, TWO)
    else:
        assert (wins, after.token_state) == (20, ONE)
    assert after.version == integration.version + wins
    assert len(await endings(make, integration)) == 1 + wins
    assert (await audit.verify_audit(make.database)).is_intact


async def test_a_mixed_crowd_leaves_a_state_of_the_table(make: Maker) -> None:
    integration = await make.in_state(ONE)

    async def attempt(operation: Operation) -> None:
        with suppress(Conflict):
            await make.operate(integration, operation)

    await asyncio.gather(*(attempt(operation) for operation in [*Operation] * 6))
    after = await make.at(integration)
    lasting = [token for token in after.tokens if token.ends_at is None]
    assert len(lasting) == (0 if after.token_state is NONE else 1)


async def test_a_caller_that_brings_the_wrong_things_is_a_defect(make: Maker) -> None:
    integration = await make.in_state(ONE)
    names = {"account_id": integration.account_id, "integration_id": integration.id}
    day = timedelta(days=1)
    wrong: list[tuple[Operation, tokens.NewToken | None, timedelta | None]] = [
        (Operation.ROTATE_NOW, None, None),
        (Operation.ROTATE_NOW, make.token(), day),
        (Operation.ROTATE_LATER, make.token(), None),
        (Operation.ROTATE_LATER, make.token(), timedelta(0)),
        (Operation.EXPIRE, make.token(), None),
        (Operation.EXPIRE, None, day),
    ]
    async with make.change() as change:
        for operation, token, window in wrong:
            with pytest.raises(ValueError, match=r"token|window"):
                await tokens.operate(change, operation, **names, token=token, window=window)
    assert (await make.at(integration)).tokens == integration.tokens
    assert "digest" not in repr(make.token())
