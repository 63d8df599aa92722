"""`POST /map/diff`: another map beside the one in force, and beside what was recorded."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.admin.management.map_diff_views import map_diff_view
from gateway.core.map_diff import compare
from gateway.core.model import AccountKind
from gateway.core.usage import HourlyCount
from gateway.settings.route_map import load_route_map
from gateway.storage.usage_recording import extend_period, record_hours
from tests.admin.conftest import Client, Console
from tests.wiring.standing import MAP, small_map
from tests.wiring.tenants import Tenants

LIVE = MAP.replace("MAIN", "http://127.0.0.1:8").replace("AWAY", "http://127.0.0.1:9")
STRICTER = LIVE.replace(
    "GET /contacts/{contactId}: contacts.readonly",
    "GET /contacts/{contactId}: [contacts.readonly, contacts.write]",
).replace("GET /public/ping: authenticated", "GET /public/ping: public")


async def test_the_map_in_force_differs_in_nothing_from_itself(operator: Client) -> None:
    reply = await operator.post("/map/diff", {"map": LIVE})
    assert reply.status == 200
    assert (reply.json["operations"], reply.json["opens"], reply.json["traffic"]) == ([], False, None)


async def test_what_differs_is_told_as_the_command_tells_it(operator: Client, tmp_path: Path) -> None:
    reply = await operator.post("/map/diff", {"map": STRICTER})
    (tmp_path / "new.yaml").write_text(STRICTER)
    told = map_diff_view(
        compare(small_map(tmp_path, main="http://127.0.0.1:8"), load_route_map(tmp_path / "new.yaml"))
    )
    assert reply.json == {**told.model_dump(mode="json"), "traffic": None}
    assert reply.json["counts"] == {
        "opened": 1,
        "moved": 0,
        "closed": 1,
        "changed": 0,
        "served_elsewhere": 0,
    }


async def test_a_map_with_errors_is_refused_with_each_and_its_line(operator: Client) -> None:
    wrong = LIVE.replace("account: agency", "account: agencies").replace(
        "GET /hosted/{id}", "FETCH /hosted/{id}"
    )
    reply = await operator.post("/map/diff", {"map": wrong})
    assert reply.told() == (422, "invalid")
    assert {flaw["pointer"] for flaw in reply.json["errors"]} == {"/map"}
    assert [flaw["message"].partition(": ")[0] for flaw in reply.json["errors"]] == ["map:26", "map:38"]
    reply = await operator.post("/map/diff", {"map": "\ud800"})
    assert reply.status in {400, 422}


@pytest.mark.parametrize(
    "body", [{}, {"map": 5}, {"map": LIVE, "traffic": "soon"}, {"map": LIVE, "traffic": "2000d"}]
)
async def test_what_is_not_a_question_is_refused(operator: Client, body: dict[str, Any]) -> None:
    assert (await operator.post("/map/diff", body)).told() == (422, "invalid")


async def test_a_large_map_is_read_and_a_huge_body_is_not(operator: Client) -> None:
    assert (await operator.post("/map/diff", {"map": LIVE + "# " + "x" * 400_000})).status == 200
    assert (await operator.post("/map/diff", {"map": "#" * 1_030_000})).told() == (413, "body_too_large")


async def test_it_is_for_operators_of_all_accounts(console: Console) -> None:
    account = await console.account()
    for client, told in (
        (await console.operator(account.id), (403, "operator_required")),
        (await console.person(account), (403, "operator_required")),
        (console.client(), (401, "credentials_missing")),
    ):
        assert (await client.post("/map/diff", {"map": LIVE, "traffic": "7d"})).told() == told


def hour_of(at: datetime) -> int:
    return int(at.timestamp()) // 3600 * 3600


async def test_every_recorded_request_is_in_one_sum(console: Console, operator: Client) -> None:
    tenants = Tenants(console.database)
    reader, writer, suspended, deleted = await tenants.issue_many(
        [["contacts.readonly"], ["contacts.readonly", "contacts.write"], ["contacts.readonly"], []]
    )
    agency = await tenants.issue("contacts.readonly", kind=AccountKind.AGENCY)
    await tenants.suspend(suspended)
    await tenants.delete(deleted)
    now = hour_of(datetime.now(UTC))
    get = "GET /contacts/{id}"
    counted = [
        (reader, now, get, "2xx", 5),
        (reader, now, get, "upstream_timeout", 2),
        (reader, now - 24 * 3600, "HEAD /contacts/{contactId}", "4xx", 1),
        (reader, now - 8 * 24 * 3600, get, "2xx", 1000),
        (reader, now, "", "route_unknown", 3),
        (reader, now, get, "token_expired", 4),
        (reader, now, "GET /public/ping", "2xx", 6),
        (writer, now, get, "2xx", 7),
        (agency, now, get, "account_kind", 8),
        (suspended, now, get, "2xx", 9),
        (deleted, now, get, "scope_missing", 10),
    ]
    await extend_period(console.database)
    await record_hours(
        console.database,
        [HourlyCount(who.token_id, hour, route, outcome, n) for who, hour, route, outcome, n in counted],
    )
    traffic = (await operator.post("/map/diff", {"map": STRICTER, "traffic": "7d"})).json["traffic"]
    sums = {
        name: traffic[name]
        for name in (
            *("newly_refused", "newly_passing", "undecided", "unchanged"),
            *("without_operation", "not_redecided", "cannot_call"),
        )
    }
    assert sums == {
        "newly_refused": 8,
        "newly_passing": 0,
        "undecided": 0,
        "unchanged": 6 + 7 + 8,
        "without_operation": 3,
        "not_redecided": 4,
        "cannot_call": 19,
    }
    assert traffic["requests"] == sum(sums.values()) == sum(n for *_, n in counted) - 1000
    # The ping becomes public: what is called without a token afterwards is nobody's.
    assert traffic["uncounted_operations"] == 1
    (integration,) = traffic["integrations"]
    assert integration["integration_id"] == reader.integration_id
    assert (integration["account_id"], integration["account_name"]) == (reader.account_id, "sub_account")
    assert (integration["newly_refused"], integration["newly_passing"]) == (8, 0)
    assert [
        (one["operation"], one["requests"], one["outcome"], one["code"], one["scope"], one["condition"])
        for one in traffic["changes"]
    ] == [
        (get, 7, "refused", "scope_missing", "contacts.write", "none"),
        ("HEAD /contacts/{contactId}", 1, "refused", "scope_missing", "contacts.write", "none"),
    ]
    assert traffic["counting_since"] > traffic["since"]
    assert traffic["known_until"] is None


async def test_where_nothing_was_counted_yet_it_says_so(operator: Client) -> None:
    traffic = (await operator.post("/map/diff", {"map": STRICTER, "traffic": "1h"})).json["traffic"]
    assert (traffic["requests"], traffic["counting_since"], traffic["changes"]) == (0, None, [])


async def test_scopes_count_as_they_are_held_now(console: Console, operator: Client) -> None:
    tenants = Tenants(console.database)
    issued = await tenants.issue("contacts.readonly")
    now = hour_of(datetime.now(UTC))
    await record_hours(
        console.database,
        [HourlyCount(issued.token_id, now, "GET /contacts/{contactId}", "2xx", 5)],
    )
    asked = {"map": STRICTER, "traffic": "1h"}
    assert (await operator.post("/map/diff", asked)).json["traffic"]["newly_refused"] == 5
    await tenants.set_scopes(issued, "contacts.readonly", "contacts.write")
    assert (await operator.post("/map/diff", asked)).json["traffic"]["newly_refused"] == 0


async def test_a_new_literal_is_told_as_a_bound(console: Console, operator: Client) -> None:
    tenants = Tenants(console.database)
    issued = await tenants.issue("contacts.readonly")
    now = hour_of(datetime.now(UTC))
    await record_hours(
        console.database,
        [HourlyCount(issued.token_id, now, "GET /contacts/{contactId}", "2xx", 5)],
    )
    new = LIVE.replace(
        "GET /contacts/lookup:", "GET /contacts/search: contacts.write\n      GET /contacts/lookup:"
    )
    traffic = (await operator.post("/map/diff", {"map": new, "traffic": "1h"})).json["traffic"]
    assert (traffic["newly_refused"], traffic["undecided"], traffic["unchanged"]) == (0, 5, 0)
    (one,) = traffic["changes"]
    assert (one["condition"], one["path"], one["requests"]) == ("path", "/contacts/search", 5)
