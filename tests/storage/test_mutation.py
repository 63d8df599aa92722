"""A change is whole or absent, numbered in the order in which it became visible, and announced when it is there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson
import pytest

from gateway.core.model import AccountKind
from gateway.core.rotation import Operation, TokenState
from gateway.storage import accounts, audit
from gateway.storage.audit import Action, Subject, SubjectKind
from gateway.storage.changes import CHANNEL, MAX_PAYLOAD_BYTES
from gateway.storage.database import connect_alone
from gateway.storage.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.storage.conftest import Maker

NOTHING = Subject(kind=SubjectKind.ACCOUNT, id="acc_x", account_id="acc_x")
STATE = "SELECT number, audit_number, audit_hash FROM revision"


@pytest.fixture
async def announced(dsn: str) -> AsyncIterator[asyncio.Queue[str]]:
    queue: asyncio.Queue[str] = asyncio.Queue()
    connection = await connect_alone(dsn)
    await connection.add_listener(CHANNEL, lambda *message: queue.put_nowait(str(message[-1])))
    yield queue
    await connection.close()


async def test_a_change_is_announced_with_its_revision_and_what_it_touched(
    make: Maker, announced: asyncio.Queue[str]
) -> None:
    integration = await make.in_state(TokenState.ONE)
    async with make.change() as change:
        await accounts.edit(change, integration.account_id, name="New")
        change.touch_integration(integration.id)
    messages = [orjson.loads(await announced.get()) for _ in range(4)]
    assert [message["revision"] for message in messages] == [1, 2, 3, 4]
    assert change.revision == 4
    assert messages[0] == {"revision": 1, "accounts": [], "integrations": []}
    assert messages[2]["integrations"] == [integration.id]
    assert messages[3] == {
        "revision": 4,
        "accounts": [integration.account_id],
        "integrations": [integration.id],
    }
    (row,) = await make.database.fetch("SELECT accounts, integrations FROM changes WHERE revision = 4")
    assert (row["accounts"], row["integrations"]) == ([integration.account_id], [integration.id])


async def test_a_change_too_big_to_announce_sends_nodes_to_the_table(
    make: Maker, announced: asyncio.Queue[str]
) -> None:
    names = [f"pi_{n:020}" for n in range(1000)]
    async with make.change() as change:
        for name in names:
            change.touch_integration(name)
        change.audit(Action.ACCOUNT_EDIT, NOTHING)
    assert orjson.loads(await announced.get()) == {"revision": 1}
    (row,) = await make.database.fetch("SELECT integrations FROM changes")
    assert row["integrations"] == names
    assert len(str(names)) > MAX_PAYLOAD_BYTES


async def test_what_raises_leaves_nothing_and_announces_nothing(
    make: Maker, announced: asyncio.Queue[str]
) -> None:
    before = await make.database.fetch(STATE)
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 (the end of the block is the test)
        async with make.change() as change:
            await accounts.create(change, name="Shop", kind=AccountKind.AGENCY)
            raise ZeroDivisionError
    assert change.revision is None
    assert await make.database.fetch(STATE) == before
    assert await make.database.fetch("SELECT FROM accounts") == []
    await make.account()
    assert orjson.loads(await announced.get())["revision"] == 1
    assert announced.empty()


async def test_a_connection_lost_in_the_middle_leaves_nothing(make: Maker) -> None:
    with pytest.raises(StoreUnavailable):  # noqa: PT012 (the end of the block is the test)
        async with make.change() as change:
            await accounts.create(change, name="Shop", kind=AccountKind.AGENCY)
            (row,) = await change.fetch("SELECT pg_backend_pid() AS pid")
            await make.database.fetch("SELECT pg_terminate_backend($1, 5000)", row["pid"])
    assert await make.database.fetch("SELECT FROM accounts") == []
    assert (await make.account()).name == "Shop"


async def test_a_change_without_an_audit_row_is_a_defect(make: Maker) -> None:
    with pytest.raises(RuntimeError, match="audit"):
        async with make.change() as change:
            change.touch_integration("pi_x")


async def test_revisions_become_visible_in_their_order(make: Maker) -> None:
    """A node that has applied revision n must never find something of n or before committed later."""
    seen: list[int] = []
    done = asyncio.Event()

    async def watch() -> None:
        while not done.is_set():
            (row,) = await make.database.fetch(
                "SELECT number, (SELECT count(*) FROM accounts) AS accounts,"
                " (SELECT count(*) FROM changes) AS changes FROM revision"
            )
            assert row["number"] == row["accounts"] == row["changes"]
            seen.append(row["number"])

    watcher = asyncio.create_task(watch())
    made = await asyncio.gather(*(numbered(make) for _ in range(40)))
    done.set()
    await watcher
    assert sorted(made) == list(range(1, 41))
    assert seen == sorted(seen)
    assert (await audit.verify_audit(make.database)).rows == 40


async def numbered(make: Maker) -> int:
    async with make.change() as change:
        await accounts.create(change, name="Shop", kind=AccountKind.AGENCY)
    assert change.revision is not None
    return change.revision


async def test_two_integrations_change_side_by_side_without_waiting_in_circles(make: Maker) -> None:
    ones = [await make.in_state(TokenState.ONE) for _ in range(3)]
    await asyncio.gather(*(make.operate(one, Operation.ROTATE_NOW) for one in ones * 5))
    assert [(await make.at(one)).token_state for one in ones] == [TokenState.ONE] * 3
