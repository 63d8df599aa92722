"""What was counted of everybody: by integration where that is asked, and apart for those who cannot call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.rotation import Operation
from gateway.core.usage import HourlyCount
from gateway.storage.database import Database
from gateway.storage.map_traffic import Counted, counted_operations, counted_requests, counted_span
from gateway.storage.usage_recording import extend_period, note_usage_known, record_hours
from tests.wiring.tenants import Tenants

NOW = int(datetime.now(UTC).timestamp()) // 3600 * 3600
ROUTE = "GET /contacts/{contactId}"


@pytest.fixture
def tenants(database: Database) -> Tenants:
    return Tenants(database)


def counts(*rows: tuple[str, str, str, int], hour: int = NOW) -> list[HourlyCount]:
    return [HourlyCount(token, hour, route, outcome, count) for token, route, outcome, count in rows]


def told(found: list[Counted]) -> list[tuple[str, str, int, bool, str]]:
    return sorted(
        (one.route, one.outcome, one.count, one.can_call, one.by.caller.integration_id if one.by else "")
        for one in found
    )


async def test_old_and_new_token_are_one_integration_with_the_scopes_it_holds_now(tenants: Tenants) -> None:
    issued = await tenants.issue("contacts.readonly")
    await tenants.operate(issued, Operation.ROTATE_NOW)
    await tenants.set_scopes(issued, "contacts.write")
    (row,) = await tenants.database.fetch("SELECT id FROM tokens WHERE ends_at IS NULL")
    await record_hours(
        tenants.database,
        counts((issued.token_id, ROUTE, "2xx", 3), (row["id"], ROUTE, "2xx", 4)),
    )
    (one,) = await counted_requests(tenants.database, datetime.fromtimestamp(NOW, UTC), of=[ROUTE])
    assert (one.count, one.can_call) == (7, True)
    assert one.by is not None
    assert one.by.caller.integration_id == issued.integration_id
    assert one.by.caller.scopes == {"contacts.write"}
    assert one.by.caller.account_kind is issued.account_kind
    assert (one.by.name, one.by.account_name) == ("App", "sub_account")


async def test_only_what_is_asked_for_is_told_by_integration(tenants: Tenants) -> None:
    one, other = await tenants.issue_many([["a"], ["b"]])
    await record_hours(
        tenants.database,
        counts(
            (one.token_id, ROUTE, "2xx", 1),
            (other.token_id, ROUTE, "2xx", 2),
            (one.token_id, "GET /ping", "2xx", 4),
            (other.token_id, "GET /ping", "2xx", 8),
            (other.token_id, "", "route_unknown", 16),
        ),
    )
    since = datetime.fromtimestamp(NOW, UTC)
    assert sorted(await counted_operations(tenants.database, since)) == [ROUTE, "GET /ping"]
    assert told(await counted_requests(tenants.database, since, of=[ROUTE])) == sorted(
        [
            (ROUTE, "2xx", 1, True, one.integration_id),
            (ROUTE, "2xx", 2, True, other.integration_id),
            ("GET /ping", "2xx", 12, True, ""),
            ("", "route_unknown", 16, True, ""),
        ]
    )


async def test_whoever_cannot_call_is_told_apart(tenants: Tenants) -> None:
    suspended, deleted, expired = await tenants.issue_many([["a"]] * 3)
    await tenants.suspend(suspended)
    await tenants.delete(deleted)
    await tenants.operate(expired, Operation.EXPIRE)
    await record_hours(
        tenants.database,
        counts(*((who.token_id, ROUTE, "2xx", 1) for who in (suspended, deleted, expired))),
    )
    since = datetime.fromtimestamp(NOW, UTC)
    assert told(await counted_requests(tenants.database, since, of=[ROUTE])) == [(ROUTE, "2xx", 3, False, "")]
    await tenants.resume(suspended)
    assert told(await counted_requests(tenants.database, since, of=[ROUTE])) == [
        (ROUTE, "2xx", 1, True, suspended.integration_id),
        (ROUTE, "2xx", 2, False, ""),
    ]


async def test_the_time_begins_with_a_full_hour_and_what_is_older_is_left_out(tenants: Tenants) -> None:
    span = await counted_span(tenants.database, timedelta(days=7))
    assert span.since == (span.until - timedelta(days=7)).replace(minute=0, second=0, microsecond=0)
    assert (span.counting_since, span.known_until) == (None, None)
    issued = await tenants.issue("a")
    first = int(span.since.timestamp())
    await record_hours(tenants.database, counts((issued.token_id, ROUTE, "2xx", 1), hour=first))
    await record_hours(tenants.database, counts((issued.token_id, ROUTE, "2xx", 2), hour=first - 3600))
    found = await counted_requests(tenants.database, span.since, of=[ROUTE])
    assert [one.count for one in found] == [1]


async def test_counting_is_known_as_far_as_the_slowest_live_node_has_written(database: Database) -> None:
    await extend_period(database)
    for node, heard in (("quick", "now()"), ("slow", "now()"), ("gone", "now() - interval '1 hour'")):
        await database.fetch(
            f"INSERT INTO nodes (id, applied_revision, heartbeat_at) VALUES ($1, 0, {heard})",
            node,
        )
    for node, until in (("quick", NOW + 60.0), ("slow", NOW + 30.0), ("gone", NOW - 9000.0)):
        await note_usage_known(database, node, until)
    span = await counted_span(database, timedelta(days=1))
    assert span.known_until == datetime.fromtimestamp(NOW + 30, UTC)
    assert span.counting_since is not None
    await database.fetch("UPDATE nodes SET usage_known_at = NULL WHERE id = 'quick'")
    assert (await counted_span(database, timedelta(days=1))).known_until is None
