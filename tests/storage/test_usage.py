"""The use of tokens as it is stored: never backwards, added up over nodes, shown as it was."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.core.cutover import Verdict
from gateway.core.model import Access, Route
from gateway.core.rotation import Operation, TokenState
from gateway.core.usage import HourlyCount, NetworkUse, ShadowCount, TokenUse, UsageBatch
from gateway.storage import usage_recording
from gateway.storage.errors import Invalid
from gateway.storage.usage import (
    MAX_BUCKETS,
    Bucket,
    ShadowActivity,
    activity,
    cutover,
    prune_usage,
    record_usage,
    routes_used,
    scopes_used,
)

if TYPE_CHECKING:
    from gateway.storage.integration_state import Integration
    from tests.storage.conftest import Maker

HOUR = 3600
# Monday noon.
NOON = int(datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp())


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@dataclass
class Busy:
    """One integration and its only token."""

    integration: Integration
    token_id: str


@pytest.fixture
async def busy(make: Maker) -> Busy:
    integration = await make.in_state(TokenState.ONE)
    return Busy(integration, integration.tokens[0].id)


async def uses(make: Maker, token_id: str) -> tuple[float | None, float | None]:
    (row,) = await make.database.fetch(
        "SELECT first_used_at, last_used_at FROM tokens WHERE id = $1", token_id
    )
    return tuple(None if value is None else value.timestamp() for value in row)  # type: ignore[return-value]


async def test_last_use_never_goes_back_and_first_use_never_forward(make: Maker, busy: Busy) -> None:
    """Nodes report in any order."""
    for first, last in ((NOON + 10, NOON + 20), (NOON, NOON + 5), (NOON + 15, NOON + 16)):
        assert not await record_usage(make.database, UsageBatch(uses=(TokenUse(busy.token_id, first, last),)))
    assert await uses(make, busy.token_id) == (NOON, NOON + 20)


async def test_counts_of_several_nodes_are_added(make: Maker, busy: Busy) -> None:
    one = HourlyCount(busy.token_id, NOON, "GET /contacts/{contactId}", "2xx", 3)
    other = HourlyCount(busy.token_id, NOON, "GET /contacts/{contactId}", "scope_missing", 1)
    seen = NetworkUse(busy.token_id, "192.0.2.0/24", NOON + 5, NOON + 6, 4)
    for _ in range(2):
        await record_usage(make.database, UsageBatch(hours=(one, other), networks=(seen,)))
    rows = await make.database.fetch("SELECT outcome, count FROM usage_hourly ORDER BY outcome")
    assert [tuple(row) for row in rows] == [("2xx", 6), ("scope_missing", 2)]
    (row,) = await make.database.fetch(
        "SELECT network::text, first_seen_at, last_seen_at, count FROM usage_networks"
    )
    assert tuple(row) == ("192.0.2.0/24", at(NOON + 5), at(NOON + 6), 8)


async def test_a_token_that_the_store_does_not_know_holds_up_nothing(make: Maker, busy: Busy) -> None:
    """The store went back to a backup: what is counted of newer tokens has no place any more."""
    batch = UsageBatch(
        uses=(TokenUse("tok_gone", NOON, NOON), TokenUse(busy.token_id, NOON, NOON)),
        hours=(HourlyCount("tok_gone", NOON, "", "2xx", 1), HourlyCount(busy.token_id, NOON, "", "2xx", 1)),
        networks=(NetworkUse("tok_gone", "::/56", NOON, NOON, 1),),
    )
    assert await record_usage(make.database, batch) == frozenset()
    assert await uses(make, busy.token_id) == (NOON, NOON)
    (row,) = await make.database.fetch("SELECT count(*) AS n, max(token_id) AS id FROM usage_hourly")
    assert tuple(row) == (1, busy.token_id)


async def test_a_token_that_an_operation_works_on_is_told_and_not_waited_for(make: Maker, busy: Busy) -> None:
    other = (await make.in_state(TokenState.ONE)).tokens[0].id
    batch = UsageBatch(uses=(TokenUse(busy.token_id, NOON, NOON), TokenUse(other, NOON, NOON)))
    async with make.database.transaction() as connection:
        await connection.execute("UPDATE tokens SET hint = 'x' WHERE id = $1", busy.token_id)
        async with asyncio.timeout(8):  # less than a statement waits
            assert await record_usage(make.database, batch) == {busy.token_id}
    assert (await uses(make, other), await uses(make, busy.token_id)) == ((NOON, NOON), (None, None))
    assert not await record_usage(make.database, batch)
    assert await uses(make, busy.token_id) == (NOON, NOON)


async def test_many_nodes_write_the_same_rows_at_once_and_nothing_is_lost(make: Maker) -> None:
    """Each in another order, beside operations on the same tokens: no deadlock, no count lost."""
    integrations = [await make.in_state(TokenState.ONE) for _ in range(6)]
    ids = [integration.tokens[0].id for integration in integrations]
    routes = [f"GET /{number}" for number in range(60)]

    async def node(number: int) -> None:
        turned = ids[number % 6 :] + ids[: number % 6]
        for _ in range(5):
            left = frozenset(turned)
            await record_usage(
                make.database,
                UsageBatch(
                    hours=tuple(
                        HourlyCount(token, NOON, route, "2xx", 1)
                        for token in turned
                        for route in routes[:: 1 if number % 2 else -1]
                    ),
                    networks=tuple(NetworkUse(token, "10.0.0.0/24", NOON, NOON, 1) for token in turned),
                ),
            )
            while left:
                found = tuple(
                    TokenUse(token, NOON + number, NOON + number) for token in turned if token in left
                )
                left = await record_usage(make.database, UsageBatch(uses=found))

    async def operate(integration: Integration) -> None:
        for _ in range(3):
            await make.operate(integration, Operation.ROTATE_LATER)
            await make.operate(integration, Operation.CANCEL_ROTATION)

    await asyncio.gather(*(node(number) for number in range(8)), *(operate(i) for i in integrations))
    rows = await make.database.fetch(
        "SELECT DISTINCT count FROM usage_hourly UNION SELECT count FROM usage_networks"
    )
    assert [row["count"] for row in rows] == [40]
    assert {await uses(make, token) for token in ids} == {(NOON, NOON + 7)}


async def test_of_a_tokens_networks_those_seen_last_are_kept(
    make: Maker, busy: Busy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller with a /48 has 256 networks of ours, and could fill the table."""
    monkeypatch.setattr(usage_recording, "NETWORKS_PER_TOKEN", 3)
    for number in range(6):
        seen = NetworkUse(busy.token_id, f"10.0.{number}.0/24", NOON + number, NOON + number, 1)
        await record_usage(make.database, UsageBatch(networks=(seen,)))
    rows = await make.database.fetch("SELECT network::text FROM usage_networks ORDER BY network")
    assert [row["network"] for row in rows] == ["10.0.3.0/24", "10.0.4.0/24", "10.0.5.0/24"]


async def test_what_cannot_be_stored_is_invalid_and_not_the_stores_fault(make: Maker, busy: Busy) -> None:
    with pytest.raises(Invalid):
        await record_usage(
            make.database, UsageBatch(hours=(HourlyCount(busy.token_id, NOON, "GET /\0", "2xx", 1),))
        )


def week(token_id: str) -> UsageBatch:
    """Two hours of Monday and one of Tuesday."""
    hours = [
        (NOON, "GET /contacts/{contactId}", "2xx", 10),
        (NOON, "GET /contacts/{contactId}", "token_rotated", 2),
        (NOON + HOUR, "POST /contacts/", "4xx", 3),
        (NOON + HOUR, "", "route_unknown", 4),
        (NOON + 24 * HOUR, "POST /contacts/", "upstream_timeout", 1),
    ]
    return UsageBatch(
        uses=(TokenUse(token_id, NOON, NOON + 24 * HOUR),),
        hours=tuple(HourlyCount(token_id, *hour) for hour in hours),
        networks=(
            NetworkUse(token_id, "192.0.2.0/24", NOON, NOON, 12),
            NetworkUse(token_id, "2001:db8::/56", NOON + HOUR, NOON + 24 * HOUR, 8),
        ),
    )


async def test_activity_by_the_hour(make: Maker, busy: Busy) -> None:
    await record_usage(make.database, week(busy.token_id))
    shown = await activity(
        make.database,
        integration_id=busy.integration.id,
        since=at(NOON + 1800),
        until=at(NOON + HOUR + 1),
        bucket=Bucket.HOUR,
    )
    assert (shown.since, shown.until) == (at(NOON), at(NOON + 2 * HOUR)), "the bounds are whole hours"
    assert [(item.at, item.outcome, item.count) for item in shown.requests] == [
        (at(NOON), "2xx", 10),
        (at(NOON), "token_rotated", 2),
        (at(NOON + HOUR), "4xx", 3),
        (at(NOON + HOUR), "route_unknown", 4),
    ]
    assert shown.totals == {"2xx": 10, "token_rotated": 2, "4xx": 3, "route_unknown": 4}
    assert shown.refusals == {"token_rotated": 2, "route_unknown": 4}
    (token,) = shown.tokens
    assert (token.id, token.served, token.refused) == (busy.token_id, 13, 6)
    assert (token.first_used_at, token.last_used_at) == (at(NOON), at(NOON + 24 * HOUR))
    assert [(route.route, route.served, route.refused, route.last_at) for route in shown.routes] == [
        ("GET /contacts/{contactId}", 10, 2, at(NOON)),
        ("POST /contacts/", 3, 0, at(NOON + HOUR)),
    ]
    assert [(seen.network, seen.count) for seen in shown.networks] == [
        ("2001:db8::/56", 8),
        ("192.0.2.0/24", 12),
    ]


async def test_activity_by_the_day_and_of_this_integration_alone(make: Maker, busy: Busy) -> None:
    other = await make.in_state(TokenState.ONE)
    await record_usage(make.database, week(busy.token_id))
    await record_usage(make.database, week(other.tokens[0].id))
    shown = await activity(
        make.database,
        integration_id=busy.integration.id,
        since=at(NOON),
        until=at(NOON + 48 * HOUR),
        bucket=Bucket.DAY,
    )
    midnight = at(NOON - 12 * HOUR)
    assert [(item.at, item.count) for item in shown.requests if item.outcome != "2xx"] == [
        (midnight, 3),
        (midnight, 4),
        (midnight, 2),
        (midnight + timedelta(days=1), 1),
    ]
    assert {item.token_id for item in shown.requests} == {busy.token_id}


async def test_a_dead_token_that_is_still_tried_is_shown(make: Maker, busy: Busy) -> None:
    """Who still uses the old one is asked most when it is dead."""
    await make.operate(busy.integration, Operation.ROTATE_NOW)
    await record_usage(
        make.database, UsageBatch(hours=(HourlyCount(busy.token_id, NOON, "GET /x", "token_revoked", 7),))
    )
    shown = await activity(
        make.database,
        integration_id=busy.integration.id,
        since=at(NOON),
        until=at(NOON + HOUR),
        bucket=Bucket.HOUR,
    )
    new, old = shown.tokens
    assert (old.id, old.ending, old.refused) == (busy.token_id, "revoked", 7)
    assert (new.served, new.refused, new.last_used_at) == (0, 0, None)


@pytest.mark.parametrize(
    ("since", "until", "bucket", "words"),
    [
        (at(NOON), at(NOON), Bucket.HOUR, "not after"),
        (at(NOON), at(NOON - HOUR), Bucket.DAY, "not after"),
        (at(NOON), at(NOON + (MAX_BUCKETS + 1) * HOUR), Bucket.HOUR, "days"),
        (datetime(2026, 6, 1), at(NOON), Bucket.HOUR, "offset"),  # noqa: DTZ001
        (
            datetime.max.replace(tzinfo=UTC) - timedelta(hours=2),
            datetime.max.replace(tzinfo=UTC),
            Bucket.DAY,
            "too far",
        ),
        (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), Bucket.DAY, "more than"),
    ],
)
async def test_bounds_that_make_no_sense(
    make: Maker, busy: Busy, since: datetime, until: datetime, bucket: Bucket, words: str
) -> None:
    with pytest.raises(Invalid, match=words):
        await activity(
            make.database, integration_id=busy.integration.id, since=since, until=until, bucket=bucket
        )


def route(method: str, template: str, *scopes: str) -> Route:
    return Route(
        method=method, template=template, service="s", upstream="u", access=Access.ALL_OF, scopes=scopes
    )


async def test_scopes_that_nobody_needed_are_named(make: Maker, busy: Busy) -> None:
    """A refusal needs no scope, a failure behind the gateway does."""
    await record_usage(make.database, week(busy.token_id))
    routes = [
        route("GET", "/contacts/{contactId}", "contacts.readonly"),
        route("POST", "/contacts/", "contacts.write"),
    ]
    used = await routes_used(make.database, integration_id=busy.integration.id, since=at(NOON + HOUR))
    assert [(use.method, use.template, use.count) for use in used] == [("POST", "/contacts/", 4)]
    scopes = await scopes_used(
        make.database,
        integration_id=busy.integration.id,
        since=at(NOON + HOUR),
        granted=["contacts.readonly", "contacts.write"],
        routes=routes,
    )
    assert scopes == {"contacts.readonly": None, "contacts.write": at(NOON + 24 * HOUR)}


async def test_the_cutover_shows_both_tokens_and_who_is_left(make: Maker, busy: Busy) -> None:
    assert await cutover(make.database, integration_id=busy.integration.id) is None
    rotated = await make.operate(busy.integration, Operation.ROTATE_LATER)
    assert rotated.old is not None
    assert rotated.current is not None
    old, new = rotated.old.id, rotated.current.id
    began = rotated.current.created_at.timestamp()
    hour = int(began) // HOUR * HOUR

    async def seen(token_id: str, network: str, seconds: float, outcome: str = "2xx") -> None:
        await record_usage(
            make.database,
            UsageBatch(
                uses=(TokenUse(token_id, began + seconds, began + seconds),),
                hours=(HourlyCount(token_id, hour, "GET /x", outcome, 1),),
                networks=(NetworkUse(token_id, network, began + seconds, began + seconds, 1),),
            ),
        )

    async def verdict() -> tuple[Verdict, tuple[str, ...]]:
        found = await cutover(make.database, integration_id=busy.integration.id)
        assert found is not None
        return found.judgement.verdict, found.judgement.still_old

    assert await verdict() == (Verdict.NOTHING_USED, ())
    await seen(old, "192.0.2.0/24", 0.1)
    await seen(old, "198.51.100.0/24", 0.2)
    assert await verdict() == (Verdict.NEW_NOT_USED_YET, ())
    await seen(new, "192.0.2.0/24", 0.3)
    assert await verdict() == (Verdict.OLD_STILL_USED, ("198.51.100.0/24",))
    await seen(new, "198.51.100.0/24", 0.4, "scope_missing")
    assert await verdict() == (Verdict.SAFE_TO_EXPIRE, ())

    found = await cutover(make.database, integration_id=busy.integration.id)
    assert found is not None
    assert (found.old.token_id, found.old.served, found.old.refused) == (old, 2, 0)
    assert (found.new.token_id, found.new.served, found.new.refused) == (new, 1, 1)
    assert [(side.route, side.served, side.refused) for side in found.new.routes] == [("GET /x", 1, 1)]
    assert {move.network: move.still_old for move in found.networks} == {
        "192.0.2.0/24": False,
        "198.51.100.0/24": False,
    }
    assert (found.started_at, found.quiet) == (rotated.current.created_at, timedelta(days=1))
    assert found.old.last_used_at == at(began + 0.2)

    await make.run_out(rotated)
    assert await cutover(make.database, integration_id=busy.integration.id) is None


async def test_what_shadows_would_have_refused_is_told_apart_and_counted_in_no_sum(
    make: Maker, busy: Busy
) -> None:
    other = await make.in_state(TokenState.ONE)
    hours = (HourlyCount(busy.token_id, NOON, "GET /x", "2xx", 5),)
    shadows = (
        ShadowCount(busy.token_id, NOON, "GET /x", "scope_missing", 2),
        ShadowCount(busy.token_id, NOON + HOUR, "GET /x", "scope_missing", 1),
        ShadowCount(busy.token_id, NOON, "GET /y", "account_kind", 1),
        ShadowCount(busy.token_id, NOON + 30 * HOUR, "GET /z", "account_kind", 9),
        ShadowCount(other.tokens[0].id, NOON, "GET /x", "scope_missing", 9),
        ShadowCount("tok_gone", NOON, "GET /x", "scope_missing", 9),
    )
    for _ in range(2):
        await record_usage(make.database, UsageBatch(hours=hours, shadows=shadows))
    shown = await activity(
        make.database,
        integration_id=busy.integration.id,
        since=at(NOON),
        until=at(NOON + 2 * HOUR),
        bucket=Bucket.HOUR,
    )
    assert shown.shadow == (
        ShadowActivity(route="GET /x", code="scope_missing", count=6, last_at=at(NOON + HOUR)),
        ShadowActivity(route="GET /y", code="account_kind", count=2, last_at=at(NOON)),
    )
    assert (dict(shown.totals), dict(shown.refusals)) == ({"2xx": 10}, {})
    assert [(route.route, route.served, route.refused) for route in shown.routes] == [("GET /x", 10, 0)]


async def test_old_usage_is_forgotten_and_recent_is_not(
    make: Maker, busy: Busy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_recording, "_PRUNE_BATCH", 2)
    now = (await make.database.fetch("SELECT extract(epoch FROM now())::bigint AS n"))[0]["n"] // HOUR * HOUR
    hours = tuple(HourlyCount(busy.token_id, now - age * HOUR, "", "2xx", 1) for age in range(10))
    networks = tuple(
        NetworkUse(busy.token_id, f"10.0.{age}.0/24", now - age * HOUR, now - age * HOUR, 1)
        for age in range(10)
    )
    shadows = tuple(ShadowCount(one.token_id, one.hour, "", "scope_missing", 1) for one in hours)
    await record_usage(make.database, UsageBatch(hours=hours, shadows=shadows, networks=networks))
    await prune_usage(make.database, timedelta(hours=5, minutes=1))
    (row,) = await make.database.fetch(
        "SELECT (SELECT count(*) FROM usage_hourly) AS hours, (SELECT count(*) FROM usage_networks) AS networks,"
        " (SELECT count(*) FROM usage_shadow) AS shadows"
    )
    assert row["hours"] in {5, 6}
    assert row["shadows"] in {5, 6}
    assert row["networks"] in {5, 6}
