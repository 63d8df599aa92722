"""A gateway with the rights of `deploy/sql/runtime-role.sql` can do its work, and cannot touch what was written down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.core.model import AccountKind
from gateway.core.networks import network_of
from gateway.core.rotation import Operation
from gateway.core.usage import HourlyCount, NetworkUse, TokenUse, UsageBatch
from gateway.jobs.schedule import schedule
from gateway.storage import accounts, admin_keys, audit, integrations, members, sessions
from gateway.storage.database import Database, connect, connect_alone
from gateway.storage.errors import Invalid, StoreUnavailable
from gateway.storage.lookup import Lookup
from gateway.storage.members import Role
from gateway.storage.migrations import schema_state
from gateway.storage.nodes import applied, leave
from gateway.storage.record_writing import RecordForm, make_day, store_rows, turn_days
from gateway.storage.request_records import Wanted, search
from gateway.storage.usage import Bucket, activity, cutover, record_usage
from gateway.storage.usage_recording import note_usage_known
from tests.wiring.tenants import Tenants

SQL = (Path(__file__).parents[2] / "deploy" / "sql" / "runtime-role.sql").read_text()
# What a table may be done to by whoever only runs the gateway.
READ, ADD, CHANGE, TAKE_AWAY = "SELECT", "INSERT", "UPDATE", "DELETE"
GRANTS = {
    "audit": {READ, ADD},
    "revision": {READ, CHANGE},
    "accounts": {READ, ADD, CHANGE},
    "integrations": {READ, ADD, CHANGE},
    "tokens": {READ, ADD, CHANGE},
    "admin_keys": {READ, ADD, CHANGE},
    "usage_periods": {READ, ADD, CHANGE},
    "members": {READ, ADD, CHANGE, TAKE_AWAY},
    "sessions": {READ, ADD, CHANGE, TAKE_AWAY},
    "operator_sessions": {READ, ADD, CHANGE, TAKE_AWAY},
    "nodes": {READ, ADD, CHANGE, TAKE_AWAY},
    "usage_hourly": {READ, ADD, CHANGE, TAKE_AWAY},
    "usage_shadow": {READ, ADD, CHANGE, TAKE_AWAY},
    "usage_networks": {READ, ADD, CHANGE, TAKE_AWAY},
    "changes": {READ, ADD, TAKE_AWAY},
    "request_records": {READ, ADD},
    "maps": {READ, ADD, TAKE_AWAY},
    "schema_migrations": {READ},
}


@pytest.fixture
async def runtime(dsn: str) -> AsyncIterator[Database]:
    """The store as a login that is a member of the role and nothing else."""
    owner = await connect_alone(dsn)
    # Twice: after an upgrade it is run again.
    await owner.execute(SQL)
    await owner.execute(SQL)
    await owner.execute("CREATE ROLE gateway_app LOGIN IN ROLE gateway_runtime")
    database = await connect(dsn.replace("//gateway@", "//gateway_app@"), pool_size=4)
    try:
        yield database
    finally:
        await database.close()
        await owner.execute("DROP OWNED BY gateway_runtime; DROP ROLE gateway_app, gateway_runtime")
        await owner.close()


async def test_the_gateways_work_can_be_done(runtime: Database) -> None:
    tenants = Tenants(runtime)
    issued = await tenants.issue("contacts.readonly")
    await tenants.operate(issued, Operation.ROTATE_LATER)
    lookup = Lookup(runtime)
    await lookup.heartbeat("node-1", 0)
    assert await lookup.changes_since(0) is not None
    assert (await lookup.load([[bytes(32)]])).records == [None]
    assert (await applied(runtime, 1, alive_within=timedelta(minutes=1))).waiting_for == ("node-1",)
    now = datetime.now(UTC)
    seconds = now.timestamp()
    batch = UsageBatch(
        uses=(TokenUse(issued.token_id, seconds, seconds),),
        hours=(HourlyCount(issued.token_id, int(seconds) // 3600 * 3600, "GET /x", "2xx", 1),),
        networks=(NetworkUse(issued.token_id, "10.0.0.0/24", seconds, seconds, 1),),
    )
    for _ in range(2):
        assert not await record_usage(runtime, batch)
    await note_usage_known(runtime, "node-1", seconds)
    assert await cutover(runtime, integration_id=issued.integration_id) is not None
    shown = await activity(
        runtime,
        integration_id=issued.integration_id,
        since=now,
        until=now + timedelta(hours=1),
        bucket=Bucket.HOUR,
    )
    assert shown.totals == {"2xx": 2}
    await tenants.let_the_deadline_pass(issued.token_id)
    for job in schedule(runtime, expire_after=lambda: 1.0, keep_records=lambda: 7 * 86400.0):
        await job.work()
        await job.work()
    row = RecordForm(network_of).rows(
        [(seconds, "t", seconds, 0.0, 0.0, 0, 0, "", None, 200, *("",) * 5)], 0.0
    )
    await make_day(runtime, now.date() - timedelta(days=9))
    await store_rows(runtime, row)
    assert len((await search(runtime, Wanted(), limit=9)).items) == 1
    assert await turn_days(runtime, timedelta(days=7)) == 1
    await leave(runtime, "node-1")
    async with tenants.change() as change:
        agency = await accounts.create(change, name="Agency", kind=AccountKind.AGENCY)
        await accounts.edit(change, agency.id, name="Other")
        member = await members.create(
            change, account_id=agency.id, email="a@example.com", name="A", role=Role.ADMIN, password_hash="h"
        )
        await members.edit(change, account_id=agency.id, member_id=member.id, name="B")
        key = await admin_keys.create(change, name="Key", digest=bytes(32), hint="x")
        await admin_keys.revoke(change, key.id)
        await integrations.edit(
            change, account_id=issued.account_id, integration_id=issued.integration_id, name="New"
        )
    async with tenants.change() as change:
        await sessions.end_all(change, member)
        await members.delete(change, account_id=agency.id, member_id=member.id)
    await tenants.suspend(issued)
    await tenants.delete(issued)
    check = await audit.verify_audit(runtime)
    assert check.is_intact
    assert check.rows > 10


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit SET action = 'x'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "DROP TABLE audit",
        "ALTER TABLE audit DISABLE TRIGGER audit_append_only",
        "DROP TRIGGER audit_append_only ON audit",
        "DELETE FROM tokens",
        "TRUNCATE tokens CASCADE",
        "DELETE FROM integrations",
        "INSERT INTO revision VALUES (true, 0, 0, '')",
        "DELETE FROM schema_migrations",
        "CREATE TABLE mine (n int)",
        "UPDATE request_records SET status = 200",
        "DELETE FROM request_records",
        "TRUNCATE request_records",
        "SET ROLE gateway",
    ],
)
async def test_what_was_written_down_cannot_be_touched(runtime: Database, sql: str) -> None:
    await Tenants(runtime).issue("contacts.readonly")
    with pytest.raises(StoreUnavailable, match=r"permission denied|must be owner"):
        await runtime.fetch(sql)
    assert (await audit.verify_audit(runtime)).is_intact


async def test_the_rights_are_exactly_these_on_every_table_there_is(runtime: Database) -> None:
    """A table that a migration adds must be given a thought here."""
    rows = await runtime.fetch(
        "SELECT c.relname, COALESCE(array_agg(a.privilege_type) FILTER (WHERE a.grantee = 'gateway_runtime'::regrole),"
        " '{}') AS granted FROM pg_class AS c LEFT JOIN LATERAL aclexplode(c.relacl) AS a ON true"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition GROUP BY c.relname"
    )
    assert {row["relname"]: set(row["granted"]) for row in rows} == GRANTS


async def test_the_functions_of_the_owner_cannot_be_led_astray(runtime: Database) -> None:
    """They run with the owner's rights: no name of the caller's making may get into them."""
    async with runtime.transaction() as connection:
        await connection.execute(
            "CREATE FUNCTION pg_temp.to_char(date, text) RETURNS text LANGUAGE sql AS $$ SELECT 'x; DROP TABLE audit' $$"
        )
        await connection.execute("SET LOCAL search_path = pg_temp, public")
        await connection.execute("CREATE TEMPORARY TABLE request_records (n int)")
        await connection.execute("SELECT public.make_request_records(current_date)")
        made = await connection.fetchval(
            "SELECT to_regclass('public.request_records_' || to_char(now(), 'YYYYMMDD'))"
        )
    assert made is not None


@pytest.mark.parametrize("day", ["NULL", "'infinity'", "current_date + 9", "current_date - 32"])
async def test_no_more_partitions_are_made_than_are_needed(runtime: Database, day: str) -> None:
    with pytest.raises(Invalid, match="no partition is made"):
        await runtime.fetch(f"SELECT make_request_records({day})")


async def test_the_partition_of_today_cannot_be_dropped(runtime: Database) -> None:
    await runtime.fetch("SELECT make_request_records(current_date)")
    (row,) = await runtime.fetch("SELECT drop_request_records('infinity') AS name")
    assert row["name"] is None


async def test_nobody_else_may_call_the_functions(dsn: str, runtime: Database) -> None:
    owner = await connect_alone(dsn)
    await owner.execute("CREATE ROLE stranger LOGIN")
    database = await connect(dsn.replace("//gateway@", "//stranger@"), pool_size=1)
    try:
        for call in ("make_request_records(current_date)", "drop_request_records(current_date)"):
            with pytest.raises(StoreUnavailable, match="permission denied"):
                await database.fetch(f"SELECT {call}")
    finally:
        await database.close()
        await owner.execute("DROP ROLE stranger")
        await owner.close()


async def test_the_version_of_the_schema_can_be_read(runtime: Database) -> None:
    async with runtime.transaction() as connection:
        assert (await schema_state(connection)).pending == ()
