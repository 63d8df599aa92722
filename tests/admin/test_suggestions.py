"""Suggestions through the API: only what had time to be used is called unused, and how much was counted is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.core.usage import HourlyCount, ShadowCount, UsageBatch
from gateway.storage import maps
from gateway.storage.lookup import Lookup
from gateway.storage.mutation import mutation
from gateway.storage.usage import record_usage
from tests.admin.conftest import NEW, TESTER, Client, Console
from tests.wiring.standing import MAP

NOW = datetime.now(UTC)
SHADOWED = "      GET /shadowed/{id}: {scope: contacts.readonly, account: any, shadow: {scope: contacts.write, account: agency}}\n"


@pytest.fixture(autouse=True)
def _shadowed_map(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small map, with a route that has a shadow."""
    before = "      GET /impatient:"
    monkeypatch.setattr("tests.wiring.standing.MAP", MAP.replace(before, SHADOWED + before))


def hour(ago: timedelta) -> int:
    return int((NOW - ago).timestamp()) // 3600 * 3600


async def aged(console: Console, operator: Client, days: float, **what: Any) -> tuple[str, str]:
    """An integration that was made so many days ago, and its token's id."""
    account = await console.account()
    reply = await operator.post(f"/accounts/{account.id}/integrations", {**NEW, **what})
    assert reply.status == 201, reply.content
    made = reply.json["integration"]
    await console.database.fetch(
        "UPDATE integrations SET created_at = now() - make_interval(secs => $2) WHERE id = $1",
        made["id"],
        days * 86400.0,
    )
    return made["id"], made["tokens"][0]["id"]


async def calls(console: Console, token: str, *routes: str, days: float = 1, outcome: str = "2xx") -> None:
    at = hour(timedelta(days=days))
    await record_usage(
        console.database,
        UsageBatch(hours=tuple(HourlyCount(token, at, route, outcome, 2) for route in routes)),
    )


async def suggested(client: Client, query: str = "") -> Any:
    reply = await client.get(f"/suggestions{query}")
    assert reply.status == 200, reply.content
    return reply.json


BOTH = {"scopes": ["contacts.readonly", "contacts.write"]}


async def test_scopes_that_were_held_and_not_needed_are_suggested(console: Console, operator: Client) -> None:
    reader, token = await aged(console, operator, 40, **BOTH)
    await calls(console, token, "GET /contacts/{contactId}")
    await calls(console, token, "POST /contacts/", outcome="body_too_large")
    await calls(console, token, "POST /contacts/", days=35)
    idle, _ = await aged(console, operator, 31, name="Idle", **BOTH)
    busy, token = await aged(console, operator, 50, **BOTH)
    await calls(console, token, "GET /contacts/{contactId}", "POST /contacts/")
    suspended, _ = await aged(console, operator, 50, **BOTH)
    await console.database.fetch("UPDATE integrations SET suspended_at = now() WHERE id = $1", suspended)
    await aged(console, operator, 29, **BOTH)
    found = await suggested(operator)
    assert [(one["integration_id"], one["scopes"], one["held"]) for one in found["items"]] == [
        (idle, ["contacts.readonly", "contacts.write"], 2),
        (reader, ["contacts.write"], 2),
    ]
    assert (found["young"], found["next_cursor"]) == (1, None)
    longer = await suggested(operator, "?unused_for=36d")
    assert [one["integration_id"] for one in longer["items"]] == []
    assert longer["young"] == 2
    assert busy not in str(found)


async def test_a_scope_that_was_given_lately_had_no_time_to_be_needed(
    console: Console, operator: Client
) -> None:
    integration, _ = await aged(console, operator, 40, scopes=["contacts.readonly", "locations.readonly"])
    (row,) = await console.database.fetch("SELECT account_id FROM integrations WHERE id = $1", integration)
    path = f"/accounts/{row['account_id']}/integrations/{integration}"
    await operator.patch(path, {"scopes": ["contacts.readonly", "contacts.write"]})
    await operator.patch(path, {"name": "Other"})
    (found,) = (await suggested(operator))["items"]
    assert found["scopes"] == ["contacts.readonly"]


async def test_routes_that_nobody_called_are_suggested(console: Console, operator: Client) -> None:
    _, token = await aged(console, operator, 40)
    await calls(console, token, "GET /contacts/{contactId}", "HEAD /versioned")
    await calls(console, token, "GET /contacts/lookup", outcome="scope_missing")
    await calls(console, token, "PUT /contacts/{contactId}", days=20)
    await calls(console, token, "PATCH /contacts/{contactId}", days=31)
    found = await suggested(operator)
    told = {f"{one['method']} {one['path']}" for one in found["routes"]}
    assert told >= {"PATCH /contacts/{contactId}", "DELETE /contacts/{contactId}", "GET /public/ping"}
    assert told.isdisjoint(
        {
            *(
                "GET /contacts/{contactId}",
                "GET /versioned",
                "GET /contacts/lookup",
                "PUT /contacts/{contactId}",
            ),
            *("POST /oauth/token", "GET /oauth/keys"),
        }
    )
    assert found["counted_routes"] == len(told) + 4
    assert {
        (one["service"], one["needs"]) for one in found["routes"] if one["path"] == "/agencies/{agencyId}"
    } == {("agencies", "agencies.readonly")}


async def test_a_route_that_came_into_the_map_lately_had_no_time_to_be_called(
    console: Console, operator: Client
) -> None:
    """As far as the maps of the past are kept: by the one in use when the time began, else by the oldest."""
    before = MAP.replace("MAIN", "http://127.0.0.1:8").replace("AWAY", "http://127.0.0.1:9")

    async def published(version: str, text: str, days: int) -> None:
        async with mutation(console.database, actor=TESTER) as change:
            await maps.publish(
                change,
                maps.Publication(version=version * 64, text=text, node="n", source="f", note="", counts=None),
            )
        await console.database.fetch(
            "UPDATE maps SET published_at = now() - make_interval(days => $2) WHERE version = $1",
            version * 64,
            days,
        )

    async def left_out() -> tuple[bool, int]:
        found = await suggested(operator)
        return all(one["path"] != "/shadowed/{id}" for one in found["routes"]), found["young_routes"]

    assert await left_out() == (False, 0)
    await published("a", before.replace("      GET /impatient:", SHADOWED + "      GET /impatient:"), 50)
    assert await left_out() == (False, 0)
    await published("b", before, 40)
    await published("c", "no map at all", 20)
    assert await left_out() == (True, 1)
    await console.database.fetch("DELETE FROM maps WHERE published_at < now() - interval '30 days'")
    assert await left_out() == (False, 0)
    await console.database.fetch("DELETE FROM maps")
    await published("d", before, 10)
    await published("e", "no map at all", 5)
    assert await left_out() == (True, 1)


async def test_what_a_shadow_would_refuse_tells_whether_it_can_be_enforced(
    console: Console, operator: Client
) -> None:
    (verdict,) = (await suggested(operator))["shadows"]
    assert verdict == {
        "method": "GET",
        "path": "/shadowed/{id}",
        "tries": "contacts.write, account agency",
        "refusals": {},
        "integrations": 0,
        "most": {},
        "last_at": None,
    }
    one, first = await aged(console, operator, 1)
    other, second = await aged(console, operator, 1)
    at = hour(timedelta(hours=2))
    await record_usage(
        console.database,
        UsageBatch(
            shadows=(
                ShadowCount(first, at, "GET /shadowed/{id}", "account_kind", 3),
                ShadowCount(first, at - 7200, "HEAD /shadowed/{id}", "account_kind", 1),
                ShadowCount(second, at, "GET /shadowed/{id}", "scope_missing", 2),
                ShadowCount(second, at, "GET /gone", "scope_missing", 9),
                ShadowCount(second, hour(timedelta(days=31)), "GET /shadowed/{id}", "scope_missing", 9),
            )
        ),
    )
    (verdict,) = (await suggested(operator))["shadows"]
    assert verdict["refusals"] == {"account_kind": 4, "scope_missing": 2}
    assert (verdict["integrations"], verdict["most"]) == (2, {one: 4, other: 2})
    assert datetime.fromisoformat(verdict["last_at"]).timestamp() == at


async def test_how_much_of_the_time_was_counted_is_said(console: Console, operator: Client) -> None:
    """Nothing is called unused without saying whether anybody looked."""
    found = await suggested(operator)
    assert (found["counting_since"], found["counted_seconds"], found["is_complete"]) == (None, 0, False)

    async def period(begin: float, end: float) -> None:
        await console.database.fetch(
            "INSERT INTO usage_periods (started_at, ended_at)"
            " VALUES (now() - make_interval(days => 1) * $1, now() - make_interval(days => 1) * $2)",
            begin,
            end,
        )

    await period(50.0, 40.0)
    await period(35.0, 10.0)
    found = await suggested(operator)
    assert found["counting_since"] is not None
    assert found["counted_seconds"] == pytest.approx(20 * 86400, abs=5)
    assert not found["is_complete"]
    await period(9.9, 0.0)
    assert (await suggested(operator))["is_complete"]
    await Lookup(console.database).heartbeat("node-1", 1)
    await console.database.fetch("UPDATE nodes SET usage_known_at = now() - make_interval(days => 2)")
    found = await suggested(operator)
    assert (found["is_complete"], round(found["counted_seconds"] / 86400, 1)) == (False, 27.9)


async def test_integrations_come_in_pages_and_the_rest_with_the_first(
    console: Console, operator: Client
) -> None:
    made = [(await aged(console, operator, 40 + days))[0] for days in range(5)]
    seen: list[str] = []
    page = await suggested(operator, "?limit=2")
    assert page["routes"]
    while True:
        assert len(page["items"]) <= 2
        seen += [one["integration_id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        page = await suggested(operator, f"?limit=2&cursor={page['next_cursor']}")
        assert (page["routes"], page["shadows"]) == (None, None)
    assert seen == made


@pytest.mark.parametrize(
    "query", ["?unused_for=30", "?unused_for=1m", "?unused_for=400d", "?cursor=x", "?limit=0"]
)
async def test_a_question_that_is_none_is_refused(operator: Client, query: str) -> None:
    assert (await operator.get(f"/suggestions{query}")).told() == (422, "invalid")
