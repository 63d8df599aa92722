"""The end of a rotation is in the audit once, whoever looks and however often; the deadline holds without it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from gateway.core.rotation import Operation
from gateway.jobs.schedule import schedule
from gateway.storage import audit, rotation_ends
from gateway.storage.audit import Action, AuditEntry
from gateway.storage.database import Database, connect
from tests.wiring.tenants import Issued, Tenants


@pytest.fixture
async def database(own_dsn: str) -> AsyncIterator[Database]:
    opened = await connect(own_dsn, pool_size=12)
    yield opened
    await opened.close()


async def do(database: Database, name: str) -> None:
    """One turn of a job."""
    (job,) = (
        job
        for job in schedule(database, expire_after=lambda: None, keep_records=lambda: 0.0)
        if job.name == name
    )
    await job.work()


async def ended(database: Database, issued: Issued) -> list[AuditEntry]:
    entries = await audit.list_entries(database, account_id=issued.account_id)
    return [entry for entry in entries if entry.action == Action.TOKEN_ROTATION_ENDED]


async def test_a_rotation_that_ended_is_written_down_once_with_both_states(database: Database) -> None:
    tenants = Tenants(database)
    issued = await tenants.issue("contacts.readonly")
    await tenants.operate(issued, Operation.ROTATE_LATER)
    await do(database, "rotation ends")
    assert await ended(database, issued) == [], "it has not ended yet"
    await tenants.let_the_deadline_pass(issued.token_id)
    deadline = await tenants.ends_at(issued.token_id)
    for _ in range(2):
        await do(database, "rotation ends")
    (entry,) = await ended(database, issued)
    assert entry.actor == {"kind": "system", "id": "deadline", "name": "End of a rotation"}
    assert (entry.subject_id, entry.after) == (issued.integration_id, {"state": "one"})
    assert entry.before is not None
    assert entry.before["old"]["id"] == issued.token_id
    assert entry.at.timestamp() > deadline
    assert (await audit.verify_audit(database)).is_intact


async def test_of_ten_nodes_at_once_one_writes_it(database: Database) -> None:
    tenants = Tenants(database)
    issued = await tenants.issue("contacts.readonly")
    await tenants.operate(issued, Operation.ROTATE_LATER)
    await tenants.let_the_deadline_pass(issued.token_id)
    (found,) = await rotation_ends.unnoted(database)
    wrote = await asyncio.gather(*(rotation_ends.note(database, found) for _ in range(10)))
    assert sum(wrote) == 1
    assert len(await ended(database, issued)) == 1


@pytest.mark.parametrize(
    "operation",
    [Operation.CANCEL_ROTATION, Operation.EXPIRE_OLD, Operation.ROTATE_NOW, Operation.EXPIRE],
)
async def test_a_rotation_that_was_ended_by_hand_is_not_written_down_again(
    database: Database, operation: Operation
) -> None:
    tenants = Tenants(database)
    issued = await tenants.issue("contacts.readonly")
    await tenants.operate(issued, Operation.ROTATE_LATER, timedelta(hours=1))
    await tenants.operate(issued, operation)
    await do(database, "rotation ends")
    assert await ended(database, issued) == []


async def test_a_rotation_that_was_deleted_before_its_end_has_none(database: Database) -> None:
    tenants = Tenants(database)
    issued = await tenants.issue("contacts.readonly")
    await tenants.operate(issued, Operation.ROTATE_LATER)
    await tenants.delete(issued)
    await do(database, "rotation ends")
    assert await ended(database, issued) == []


async def test_many_ends_are_all_written_down_in_one_turn(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than are looked for at a time."""
    monkeypatch.setattr(rotation_ends.unnoted, "__defaults__", (2,))
    tenants = Tenants(database)
    many = await tenants.issue_many([["contacts.readonly"]] * 5)
    for issued in many:
        await tenants.operate(issued, Operation.ROTATE_LATER)
        await tenants.let_the_deadline_pass(issued.token_id)
    await do(database, "rotation ends")
    assert len(await ended(database, many[0])) == 5


async def test_pruning_keeps_what_is_recent(database: Database) -> None:
    tenants = Tenants(database)
    issued = await tenants.issue("contacts.readonly")
    await tenants.suspend(issued)
    await database.fetch("UPDATE changes SET at = at - interval '25 hours' WHERE revision = 1")
    for name, age in (("old", "25 hours"), ("recent", "23 hours")):
        await database.fetch(
            "INSERT INTO nodes (id, heartbeat_at, applied_revision) VALUES ($1, now() - $2::text::interval, 0)",
            name,
            age,
        )
    before = await database.fetch("SELECT revision FROM changes")
    await do(database, "pruning")
    after = await database.fetch("SELECT revision FROM changes")
    assert {row["revision"] for row in before} - {row["revision"] for row in after} == {1}
    assert [row["id"] for row in await database.fetch("SELECT id FROM nodes")] == ["recent"]
