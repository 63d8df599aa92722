"""Integrations through the API: what each call answers, in each status it can answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote

import pytest

from gateway.core.model import AccountKind
from tests.admin.conftest import NEW, Client, Console


async def test_an_integration_is_made_with_a_token_that_is_shown_once(
    console: Console, operator: Client
) -> None:
    account = await console.account()
    made = await operator.post(f"/accounts/{account.id}/integrations", NEW)
    assert made.status == 201
    assert set(made.json) == {"integration", "token", "revision"}
    integration, token = made.json["integration"], made.json["token"]
    assert set(token) == {"id", "secret", "hint", "created_at"}
    assert token["secret"].startswith("pit_")
    assert set(integration) == {
        "id",
        "account_id",
        "name",
        "description",
        "scopes",
        "state",
        "tokens",
        "rotation",
        "rotation_due_at",
        "created_at",
        "created_by",
    }
    assert (integration["state"], integration["rotation"]) == ("one", None)
    assert integration["tokens"] == [
        {
            "id": token["id"],
            "hint": token["hint"],
            "role": "current",
            "created_at": token["created_at"],
            "expires_at": None,
            "first_used_at": None,
            "last_used_at": None,
        }
    ]
    assert integration["created_by"]["kind"] == "admin_key"
    assert token["created_at"].endswith("Z")
    due = datetime.fromisoformat(integration["rotation_due_at"]) - datetime.fromisoformat(token["created_at"])
    assert due.days == 90
    assert made.headers["ETag"] == '"1"'
    got = await operator.get(f"/accounts/{account.id}/integrations/{integration['id']}")
    assert (got.status, got.json, got.headers["ETag"]) == (200, integration, '"1"')
    assert token["secret"].encode() not in got.content


async def test_an_integration_can_be_made_without_a_token(console: Console, operator: Client) -> None:
    account = await console.account()
    made = await operator.post(f"/accounts/{account.id}/integrations", {**NEW, "issue_token": False})
    assert (made.status, made.json["token"], made.json["integration"]["state"]) == (201, None, "none")
    assert made.json["integration"]["rotation_due_at"] is None


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"name": "   "}, ["/name"]),
        ({"name": "x" * 101}, ["/name"]),
        ({"name": "a\nb"}, ["/name"]),
        ({"name": "a\0"}, ["/name"]),
        ({"name": 7}, ["/name"]),
        ({"name": None}, ["/name"]),
        ({"description": "x" * 501}, ["/description"]),
        ({"scopes": []}, ["/scopes"]),
        ({"scopes": "contacts.readonly"}, ["/scopes"]),
        ({"scopes": ["contacts.readonly", 3]}, ["/scopes/1"]),
        ({"scope": ["contacts.readonly"]}, ["/scope"]),
        ({"issue_token": "yes"}, ["/issue_token"]),
        ({"name": "", "description": 1, "scopes": []}, ["/name", "/description", "/scopes"]),
    ],
)
async def test_what_is_not_valid_is_named_flaw_by_flaw(
    console: Console, operator: Client, change: dict[str, object], pointers: list[str]
) -> None:
    account = await console.account()
    reply = await operator.post(f"/accounts/{account.id}/integrations", {**NEW, **change})
    assert reply.told() == (422, "invalid")
    assert [error["pointer"] for error in reply.json["errors"]] == pointers
    assert all(error["message"] and error["code"] for error in reply.json["errors"])
    assert (await operator.get(f"/accounts/{account.id}/integrations")).json["items"] == []


async def test_wrong_scopes_are_each_named_with_the_reason(console: Console, operator: Client) -> None:
    account = await console.account()
    scopes = ["contacts.readonly", "contacts.reedonly", "agencies.readonly"]
    for method, path in (("POST", ""), ("PATCH", f"/{(await made(operator, account.id))['id']}")):
        reply = await operator.call(
            method,
            f"/accounts/{account.id}/integrations{path}",
            {**NEW, "scopes": scopes} if method == "POST" else {"scopes": scopes},
        )
        assert reply.told() == (422, "invalid")
        assert [(error["pointer"], error["code"]) for error in reply.json["errors"]] == [
            ("/scopes/1", "scope_unknown"),
            ("/scopes/2", "scope_account_kind"),
        ]
        assert "did you mean contacts.readonly?" in reply.json["errors"][0]["message"]


async def made(client: Client, account_id: str, **changes: object) -> dict[str, Any]:
    reply = await client.post(f"/accounts/{account_id}/integrations", {**NEW, **changes})
    assert reply.status == 201, reply.content
    integration: dict[str, Any] = reply.json["integration"]
    return integration


async def test_an_edit_changes_what_is_sent_and_no_token(console: Console, operator: Client) -> None:
    account = await console.account()
    before = await made(operator, account.id)
    path = f"/accounts/{account.id}/integrations/{before['id']}"
    reply = await operator.patch(path, {"name": " Other ", "scopes": ["contacts.write"], "suspended": True})
    after = reply.json["integration"]
    assert (reply.status, set(reply.json)) == (200, {"integration", "revision"})
    assert (after["name"], after["description"]) == ("Other", NEW["description"])
    assert (after["scopes"], after["state"], after["tokens"]) == (
        ["contacts.write"],
        "suspended",
        before["tokens"],
    )
    assert reply.headers["ETag"] == '"3"'
    resumed = await operator.patch(path, {"suspended": False})
    assert resumed.json["integration"]["state"] == "one"
    assert resumed.json["revision"] > reply.json["revision"]


async def test_an_edit_that_changes_nothing_still_tells_a_revision(
    console: Console, operator: Client
) -> None:
    account = await console.account()
    path = f"/accounts/{account.id}/integrations/{(await made(operator, account.id))['id']}"
    first = await operator.patch(path, {"name": "Sync"})
    second = await operator.patch(path, {})
    assert (first.status, second.status) == (200, 200)
    assert first.json["revision"] == second.json["revision"] > 0


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("if_match", "status"),
    [('"1"', 200), ("*", 200), ('"0", "1"', 200), ('"2"', 412), ("1", 412), ('W/"1"', 412), ("", 412)],
)
async def test_a_change_is_made_only_to_the_version_that_was_seen(
    console: Console, operator: Client, method: str, if_match: str, status: int
) -> None:
    account = await console.account()
    path = f"/accounts/{account.id}/integrations/{(await made(operator, account.id))['id']}"
    body = {"name": "Other"} if method == "PATCH" else None
    reply = await operator.call(method, path, body, headers={"If-Match": if_match})
    assert reply.status == status
    if status == 412:
        assert reply.code == "version_stale"
        after = await operator.get(path)
        assert (after.json["name"], after.json["state"]) == ("Sync", "one")


async def test_a_deleted_integration_leaves_a_tombstone(console: Console, operator: Client) -> None:
    account = await console.account()
    base = f"/accounts/{account.id}/integrations"
    path = f"{base}/{(await made(operator, account.id))['id']}"
    reply = await operator.delete(path)
    assert (reply.status, reply.json["integration"]["state"]) == (200, "deleted")
    assert (reply.json["integration"]["tokens"], set(reply.json)) == ([], {"integration", "revision"})
    assert (await operator.get(path)).json["state"] == "deleted"
    assert (await operator.get(base)).json["items"] == []
    assert len((await operator.get(f"{base}?deleted=true")).json["items"]) == 1
    for method, action, body in (
        ("DELETE", "", None),
        ("PATCH", "", {"name": "x"}),
        ("POST", "/issue", None),
        ("POST", "/rotate", {"old_token": "expire_now"}),
        ("POST", "/expire", None),
    ):
        assert (await operator.call(method, path + action, body)).told() == (409, "integration_deleted")


async def test_a_list_is_paged_newest_first(console: Console, operator: Client) -> None:
    account = await console.account()
    base = f"/accounts/{account.id}/integrations"
    names = [f"n{number}" for number in range(5)]
    for name in names:
        await made(operator, account.id, name=name)
    seen, cursor = [], ""
    while True:
        page = (await operator.get(f"{base}?limit=2{cursor}")).json
        assert set(page) == {"items", "next_cursor"}
        seen += [item["name"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == names[::-1]


async def test_a_list_is_searched(console: Console, operator: Client) -> None:
    account = await console.account()
    for name in ("Order sync", "Order export", "Contacts"):
        await made(operator, account.id, name=name)

    async def found(search: str) -> list[str]:
        reply = await operator.get(f"/accounts/{account.id}/integrations?search={quote(search)}")
        assert reply.status == 200, reply.content
        return [item["name"] for item in reply.json["items"]]

    assert await found("ORDER") == ["Order export", "Order sync"]
    assert await found(" sync  order order") == ["Order sync"]
    assert await found("   ") == ["Contacts", "Order export", "Order sync"]
    assert await found("nothing of the kind") == []
    ten = "order ord rde der or rd de er o r"
    assert await found(f"{ten} zzzzzz") == ["Order export", "Order sync"], "ten words are looked for"


@pytest.mark.parametrize(
    "query",
    [
        "search=%00",
        f"search={'x' * 201}",
        "limit=0",
        "limit=201",
        "limit=x",
        "cursor=x",
        "limit=1&limit=2",
        "unknown=1",
        "deleted=maybe",
    ],
)
async def test_a_wrong_parameter_is_named(console: Console, operator: Client, query: str) -> None:
    account = await console.account()
    reply = await operator.get(f"/accounts/{account.id}/integrations?{query}")
    assert reply.told() == (422, "invalid")
    assert [error["pointer"] for error in reply.json["errors"]] == [f"/{query.partition('=')[0]}"]


async def test_what_is_not_there_or_belongs_to_another_is_missing(console: Console, operator: Client) -> None:
    one, other = await console.account(), await console.account()
    integration = (await made(operator, one.id))["id"]
    for path in (
        f"/accounts/{other.id}/integrations/{integration}",
        f"/accounts/{one.id}/integrations/pi_{'0' * 20}",
        f"/accounts/acc_{'0' * 20}/integrations/{integration}",
        f"/accounts/x/integrations/{integration}",
        f"/accounts/{one.id}/integrations/%00",
    ):
        assert (await operator.get(path)).told() == (404, "not_found")
        assert (await operator.delete(path)).told() == (404, "not_found")
        assert (await operator.patch(path, {"name": "x"})).told() == (404, "not_found")


async def test_the_account_sets_when_a_rotation_is_due(console: Console, operator: Client) -> None:
    account = await console.account()
    integration = await made(operator, account.id)
    await operator.patch(f"/accounts/{account.id}", {"rotation_remind_after_days": 30})
    got = (await operator.get(f"/accounts/{account.id}/integrations/{integration['id']}")).json
    due = datetime.fromisoformat(got["rotation_due_at"]) - datetime.fromisoformat(got["created_at"])
    assert due.days == 30


async def test_scopes_are_those_of_the_live_map(console: Console, operator: Client) -> None:
    reply = await operator.get("/scopes")
    found = {scope["name"]: scope for scope in reply.json}
    assert reply.status == 200
    assert list(found) == sorted(found)
    assert set(found["contacts.write"]) == {"name", "description", "routes", "account"}
    assert "POST /contacts/" in found["contacts.write"]["routes"]
    assert (found["contacts.readonly"]["account"], found["agencies.readonly"]["account"]) == ("any", "agency")
    assert found["locations.readonly"]["account"] == "sub_account"


async def test_an_agency_takes_its_own_scopes(console: Console, operator: Client) -> None:
    agency = await console.account(AccountKind.AGENCY)
    assert (await made(operator, agency.id, scopes=["agencies.readonly"]))["scopes"] == ["agencies.readonly"]


async def test_what_an_integration_did_is_shown(console: Console, operator: Client) -> None:
    account = await console.account()
    path = f"/accounts/{account.id}/integrations/{(await made(operator, account.id))['id']}"
    activity = await operator.get(
        f"{path}/activity?bucket=day&from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00%2B01:00"
    )
    assert activity.status == 200
    assert (activity.json["from"], activity.json["to"]) == ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")
    assert (activity.json["requests"], len(activity.json["tokens"])) == ([], 1)
    assert (await operator.get(f"{path}/activity")).status == 200
    refused = await operator.get(f"{path}/activity?from=2026-01-01T00:00:00Z&to=2020-01-01T00:00:00Z")
    assert refused.json["errors"][0]["code"] == "time_range_refused"
    assert (await operator.get(f"{path}/activity?from=yesterday")).told() == (422, "invalid")
    assert (await operator.get(f"{path}/cutover")).json == {"cutover": None}
    await operator.post(f"{path}/rotate", {"old_token": "expire_later"})
    assert (await operator.get(f"{path}/cutover")).json["cutover"]["verdict"] == "nothing_used"
    used = await operator.get(f"{path}/scopes-used")
    assert used.json["items"] == [{"scope": "contacts.readonly", "last_needed_at": None}]
