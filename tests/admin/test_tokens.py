"""Tokens through the API: the state table with its codes, windows, and one winner among many."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from gateway.admin.management.tokens import REFUSED
from gateway.core.rotation import Operation, TokenState, transition
from tests.admin.conftest import NEW, Client, Console

CALLS: dict[Operation, tuple[str, object]] = {
    Operation.ISSUE: ("issue", None),
    Operation.ROTATE_LATER: ("rotate", {"old_token": "expire_later"}),
    Operation.ROTATE_NOW: ("rotate", {"old_token": "expire_now"}),
    Operation.CANCEL_ROTATION: ("cancel-rotation", None),
    Operation.EXPIRE_OLD: ("expire-old", None),
    Operation.EXPIRE: ("expire", None),
}
LEADS = {
    TokenState.NONE: (),
    TokenState.ONE: (Operation.ISSUE,),
    TokenState.TWO: (Operation.ISSUE, Operation.ROTATE_LATER),
}
CODES = {
    TokenState.NONE: dict.fromkeys(Operation, "no_token"),
    TokenState.ONE: {
        Operation.ISSUE: "token_exists",
        Operation.CANCEL_ROTATION: "no_rotation",
        Operation.EXPIRE_OLD: "no_rotation",
    },
    TokenState.TWO: {Operation.ISSUE: "token_exists", Operation.ROTATE_LATER: "rotation_under_way"},
}


async def in_state(console: Console, client: Client, state: TokenState) -> tuple[str, dict[str, Any]]:
    """The path of an integration in this state, and the integration."""
    account = await console.account()
    reply = await client.post(f"/accounts/{account.id}/integrations", {**NEW, "issue_token": False})
    path = f"/accounts/{account.id}/integrations/{reply.json['integration']['id']}"
    for operation in LEADS[state]:
        action, body = CALLS[operation]
        reply = await client.post(f"{path}/{action}", body)
        assert reply.status in {200, 201}, reply.content
    return path, reply.json["integration"]


def test_each_refusal_of_the_state_table_has_words() -> None:
    assert set(REFUSED) == {cell for cell in product(TokenState, Operation) if transition(*cell) is None}


@pytest.mark.parametrize(("state", "operation"), list(product(TokenState, Operation)))
async def test_each_operation_in_each_state(
    console: Console, operator: Client, state: TokenState, operation: Operation
) -> None:
    path, before = await in_state(console, operator, state)
    action, body = CALLS[operation]
    reply = await operator.post(f"{path}/{action}", body)
    effect = transition(state, operation)
    if effect is None:
        assert reply.told() == (409, CODES[state][operation])
        assert reply.json["state"] == state.value
        assert reply.json.get("rotation") == (
            {"ends_at": before["rotation"]["ends_at"]} if state is TokenState.TWO else None
        )
        assert (await operator.get(path)).json == before
        return
    after = reply.json["integration"]
    assert reply.status == (201 if operation is Operation.ISSUE else 200)
    assert after["state"] == effect.after.value
    assert set(reply.json) == {"integration", "revision", *({"token"} if effect.mints else ())}
    roles = [token["role"] for token in after["tokens"]]
    assert roles == {"none": [], "one": ["current"], "two": ["old", "new"]}[after["state"]]
    if effect.mints:
        assert reply.json["token"]["id"] == after["tokens"][-1]["id"]
    assert reply.headers["ETag"] != ""
    assert (await operator.get(path)).json == after


@pytest.mark.parametrize(
    ("window", "seconds"), [(None, 7 * 86400), ("24h", 86400), ("500ms", 0.5), ("30d", 30 * 86400)]
)
async def test_the_old_token_has_the_window_that_was_asked_for(
    console: Console, operator: Client, window: str | None, seconds: float
) -> None:
    path, _ = await in_state(console, operator, TokenState.ONE)
    body = {"old_token": "expire_later"} | ({} if window is None else {"window": window})
    rotation = (await operator.post(f"{path}/rotate", body)).json["integration"]["rotation"]
    lasts = datetime.fromisoformat(rotation["ends_at"]) - datetime.fromisoformat(rotation["started_at"])
    assert lasts == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"old_token": "expire_later", "window": "31d"}, "/window"),
        ({"old_token": "expire_later", "window": "0s"}, "/window"),
        ({"old_token": "expire_later", "window": "1 day"}, "/window"),
        ({"old_token": "expire_later", "window": 86400}, "/window"),
        ({"old_token": "expire_now", "window": "1h"}, "/window"),
        ({"old_token": "keep"}, "/old_token"),
        ({}, "/old_token"),
    ],
)
async def test_a_rotation_that_makes_no_sense_changes_nothing(
    console: Console, operator: Client, body: object, pointer: str
) -> None:
    path, before = await in_state(console, operator, TokenState.ONE)
    reply = await operator.post(f"{path}/rotate", body)
    assert reply.told() == (422, "invalid")
    assert [error["pointer"] for error in reply.json["errors"]] == [pointer]
    assert (await operator.get(path)).json == before


@pytest.mark.parametrize("action", ["issue", "rotate", "cancel-rotation", "expire-old", "expire"])
async def test_tokens_of_an_integration_that_is_not_there(
    console: Console, operator: Client, action: str
) -> None:
    account = await console.account()
    reply = await operator.post(
        f"/accounts/{account.id}/integrations/pi_{'0' * 20}/{action}", {"old_token": "expire_now"}
    )
    assert reply.told() == (404, "not_found")


async def test_of_two_hundred_rotations_at_once_one_wins_and_the_others_change_nothing(
    console: Console, operator: Client
) -> None:
    path, before = await in_state(console, operator, TokenState.ONE)
    body = {"old_token": "expire_later", "window": "1h"}
    replies = await asyncio.gather(*(operator.post(f"{path}/rotate", body) for _ in range(200)))
    assert Counter(reply.status for reply in replies) == {200: 1, 409: 199}
    (winner,) = (reply.json for reply in replies if reply.status == 200)
    ends_at = winner["integration"]["rotation"]["ends_at"]
    assert all(
        (reply.code, reply.json["rotation"]["ends_at"]) == ("rotation_under_way", ends_at)
        for reply in replies
        if reply.status == 409
    )
    after = (await operator.get(path)).json
    assert after == winner["integration"]
    assert [token["id"] for token in after["tokens"]] == [before["tokens"][0]["id"], winner["token"]["id"]]
    rows = await console.database.fetch("SELECT count(*) AS n FROM tokens")
    assert rows[0]["n"] == 2
    audit = (await operator.get("/audit?action=token.rotate_later")).json["items"]
    assert len(audit) == 1


async def test_of_many_different_changes_at_once_each_finds_a_state_of_the_table(
    console: Console, operator: Client
) -> None:
    path, _ = await in_state(console, operator, TokenState.ONE)
    calls = [CALLS[operation] for operation in Operation] * 10
    replies = await asyncio.gather(*(operator.post(f"{path}/{action}", body) for action, body in calls))
    assert {reply.status for reply in replies} <= {200, 201, 409}
    revisions = [reply.json["revision"] for reply in replies if reply.status < 400]
    assert len(set(revisions)) == len(revisions)
    last = max((reply.json for reply in replies if reply.status < 400), key=lambda shown: shown["revision"])
    assert (await operator.get(path)).json == last["integration"]


async def test_a_suspended_integration_can_have_its_leaked_token_replaced(
    console: Console, operator: Client
) -> None:
    path, _ = await in_state(console, operator, TokenState.ONE)
    await operator.patch(path, {"suspended": True})
    reply = await operator.post(f"{path}/rotate", {"old_token": "expire_now"})
    assert (reply.status, reply.json["integration"]["state"]) == (200, "suspended")
