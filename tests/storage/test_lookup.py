"""The data path's answers: the right caller, the right death, one snapshot, and "away" instead of "unknown"."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.core.model import AccountKind, Ending, TokenRecord
from gateway.core.rotation import Operation, TokenState
from gateway.storage import integrations
from gateway.storage.database import connect, connect_alone
from gateway.storage.errors import StoreUnavailable
from gateway.storage.lookup import Lookup
from tests.wiring.rig import LivedTime

if TYPE_CHECKING:
    from gateway.storage.integration_state import Integration
    from tests.storage.conftest import Maker


@pytest.fixture
def lookup(make: Maker) -> Lookup:
    return Lookup(make.database)


async def one(lookup: Lookup, digest: bytes) -> TokenRecord | None:
    return (await lookup.load([[digest]])).records[0]


async def change_by(make: Maker, call: object, integration: Integration) -> None:
    async with make.change() as change:
        await call(change, account_id=integration.account_id, integration_id=integration.id)  # type: ignore[operator]


async def test_a_live_token_is_its_caller(make: Maker, lookup: Lookup) -> None:
    agency, token = await make.account(AccountKind.AGENCY), make.token()
    integration = await make.integration(agency.id, token=token)
    record = await one(lookup, token.digest)
    assert record is not None
    assert (record.suspended, record.ends_at, record.ending) == (False, None, None)
    caller = record.caller
    assert (caller.account_id, caller.account_kind) == (agency.id, AccountKind.AGENCY)
    assert (caller.integration_id, caller.token_id) == (integration.id, token.id)
    assert caller.scopes == {"contacts.readonly", "contacts.write"}


async def test_answers_come_in_the_order_of_the_questions(make: Maker, lookup: Lookup) -> None:
    tokens = [make.token() for _ in range(3)]
    for token in tokens:
        await make.integration(token=token)
    strange = os.urandom(32)
    asked = [
        [tokens[2].digest],
        [strange],
        [strange, tokens[0].digest],
        [tokens[1].digest],
        [tokens[2].digest],
        [],
    ]
    loaded = await lookup.load(asked)
    found = [record and record.caller.token_id for record in loaded.records]
    assert found == [tokens[2].id, None, tokens[0].id, tokens[1].id, tokens[2].id, None]
    assert loaded.revision == 6


async def test_of_two_candidates_that_both_exist_the_current_peppers_counts(
    make: Maker, lookup: Lookup
) -> None:
    current, retired = make.token(), make.token()
    await make.integration(token=retired)
    await make.integration(token=current)
    (record,) = (await lookup.load([[current.digest, retired.digest]])).records
    assert record is not None
    assert record.caller.token_id == current.id


async def test_a_store_without_tokens_still_tells_its_revision(lookup: Lookup) -> None:
    loaded = await lookup.load([[bytes(32)]])
    assert (loaded.revision, loaded.records) == (0, [None])
    assert (await lookup.load([])).records == []


async def test_a_rotating_token_carries_its_deadline_in_seconds(make: Maker, lookup: Lookup) -> None:
    token = make.token()
    integration = await make.integration(token=token)
    after = await make.operate(integration, Operation.ROTATE_LATER, timedelta(hours=1))
    record = await one(lookup, token.digest)
    assert record is not None
    assert after.old is not None
    assert after.old.ends_at is not None
    assert record.ends_at == after.old.ends_at.timestamp()
    assert record.ending is Ending.ROTATED
    _, now = await lookup.revision()
    assert 3590 < record.ends_at - now < 3600


@pytest.mark.parametrize(
    ("operation", "ending"),
    [(Operation.ROTATE_NOW, Ending.REVOKED), (Operation.EXPIRE, Ending.EXPIRED)],
)
async def test_a_dead_token_is_known_and_says_why(
    make: Maker, lookup: Lookup, operation: Operation, ending: Ending
) -> None:
    token = make.token()
    await make.operate(await make.integration(token=token), operation)
    record = await one(lookup, token.digest)
    _, now = await lookup.revision()
    assert record is not None
    assert record.ending is ending
    assert record.ends_at is not None
    assert record.ends_at <= now


async def test_a_deleted_integrations_tokens_are_revoked_but_not_those_that_had_ended(
    make: Maker, lookup: Lookup
) -> None:
    first = make.token()
    integration = await make.integration(token=first)
    await make.operate(integration, Operation.EXPIRE)
    rotating = await make.operate(await make.operate(integration, Operation.ISSUE), Operation.ROTATE_LATER)
    await change_by(make, integrations.delete, integration)
    digests = [first.digest, *(make.digests[token.id] for token in rotating.tokens)]
    records = (await lookup.load([[digest] for digest in digests])).records
    assert [record and record.ending for record in records] == [
        Ending.EXPIRED,
        Ending.REVOKED,
        Ending.REVOKED,
    ]
    deleted = (await make.at(integration)).deleted_at
    assert deleted is not None
    assert [record and record.ends_at for record in records[1:]] == [deleted.timestamp()] * 2


async def test_the_tombstone_alone_kills_a_token(make: Maker, lookup: Lookup) -> None:
    rotating = await make.in_state(TokenState.TWO)
    await make.database.fetch("UPDATE integrations SET deleted_at = now()")
    records = (await lookup.load([[make.digests[token.id]] for token in rotating.tokens])).records
    assert [record and record.ending for record in records] == [Ending.REVOKED] * 2


async def test_a_suspended_integrations_token_is_alive_and_marked(make: Maker, lookup: Lookup) -> None:
    token = make.token()
    integration = await make.integration(token=token)
    for call, suspended in ((integrations.suspend, True), (integrations.resume, False)):
        await change_by(make, call, integration)
        record = await one(lookup, token.digest)
        assert record is not None
        assert (record.suspended, record.ends_at) == (suspended, None)


async def test_records_and_revision_are_of_one_snapshot(make: Maker, lookup: Lookup) -> None:
    """A record older than the revision it is said to be of would be kept after the revoke that it has missed."""
    token = make.token()
    integration = await make.integration(token=token)
    version = (
        "UPDATE integrations SET scopes = ARRAY[(SELECT (number + 1)::text FROM revision)] WHERE id = $1"
    )
    first = (await lookup.load([[token.digest]])).revision
    seen: set[int] = set()

    async def watch() -> None:
        while len(seen) < 10:
            loaded = await lookup.load([[token.digest]])
            record = loaded.records[0]
            assert record is not None
            if loaded.revision > first:
                assert record.caller.scopes == {str(loaded.revision)}
                seen.add(loaded.revision)

    watcher = asyncio.create_task(watch())
    while not watcher.done():
        async with make.change() as change:
            await change.execute(version, integration.id)
            await integrations.suspend(
                change, account_id=integration.account_id, integration_id=integration.id
            )
            await integrations.resume(
                change, account_id=integration.account_id, integration_id=integration.id
            )
    await watcher


async def test_the_clock_is_the_databases(make: Maker, lookup: Lookup) -> None:
    (before,) = await make.database.fetch("SELECT clock_timestamp() AS at")
    revision, now = await lookup.revision()
    (after,) = await make.database.fetch("SELECT clock_timestamp() AS at")
    assert before["at"].timestamp() <= now <= after["at"].timestamp()
    assert revision == 0
    await make.account()
    assert (await lookup.revision())[0] == 1
    assert (await lookup.changes_since(0)) is not None


async def test_a_locked_table_is_away_within_the_time_limit(make: Maker, dsn: str) -> None:
    lookup = Lookup(make.database, timeout_seconds=0.1)
    blocker = await connect_alone(dsn)
    async with blocker.transaction():
        await blocker.execute("LOCK TABLE tokens IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreUnavailable):
            await lookup.load([[bytes(32)]])
    assert (await Lookup(make.database).load([[bytes(32)]])).records == [None]
    await blocker.close()


@pytest.mark.skipif("GATEWAY_TEST_DATABASE_URL" in os.environ, reason="the backend must run on this machine")
async def test_a_backend_that_hangs_is_away_within_the_time_limit_and_is_let_go(dsn: str) -> None:
    """Neither the answer nor the confirmation of a cancel comes: waiting for either would hold up the caller."""
    database = await connect(dsn, pool_size=1)
    lookup = Lookup(database, timeout_seconds=1.0)
    (row,) = await database.fetch("SELECT pg_backend_pid() AS pid")
    os.kill(row["pid"], signal.SIGSTOP)
    waiting = LivedTime()
    try:
        with pytest.raises(StoreUnavailable):
            await lookup.load([[bytes(32)]])
        took = waiting.stop()
        assert (await Lookup(database).load([[bytes(32)]])).records == [None]
    finally:
        os.kill(row["pid"], signal.SIGCONT)
    assert took < 1.7, "twice the limit"
    await database.close()


async def test_a_lookup_that_nobody_waits_for_any_more_leaves_the_pool_whole(dsn: str) -> None:
    database = await connect(dsn, pool_size=1)
    task = asyncio.create_task(database.fetch("SELECT pg_sleep(30)"))
    await database_is_busy(database, dsn)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(await database.fetch("SELECT 1")) == 1
    await database.close()


async def database_is_busy(database: object, dsn: str) -> None:
    connection = await connect_alone(dsn)
    busy = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database())"
    while not await connection.fetchval(busy):
        pass
    await connection.close()
