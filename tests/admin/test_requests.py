"""The records of requests through the API: to whom they are shown, how they are searched, and what is told of each."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from gateway.core.model import AccountKind
from gateway.storage.accounts import Account
from gateway.storage.members import Role
from tests.admin.conftest import NEW, Client, Console
from tests.wiring.recorded import entry, store

MEMBERS = {
    "at",
    "trace_id",
    "account_id",
    "integration_id",
    "token_id",
    "route",
    "status",
    "code",
    "shadow",
    "duration_ms",
    "upstream_ms",
    "bytes_in",
    "bytes_out",
    "client",
    "map_version",
}


class Recorded:
    """An account with an integration, whose requests are stored as a node stores them."""

    def __init__(self, console: Console, account: Account, integration_id: str) -> None:
        self.console = console
        self.account = account
        self.integration_id = integration_id
        self.path = f"/accounts/{account.id}/requests"

    async def add(self, trace: str, **what: Any) -> None:
        mine = {"account": self.account.id, "integration": self.integration_id, "token": "tok_1"}
        await store(self.console.database, entry(trace, **{**mine, **what}))


@pytest.fixture
async def recorded(console: Console, operator: Client) -> Recorded:
    account = await console.account()
    made = await operator.post(f"/accounts/{account.id}/integrations", NEW)
    return Recorded(console, account, made.json["integration"]["id"])


async def traces(client: Client, path: str) -> list[str]:
    reply = await client.get(path)
    assert reply.status == 200, reply.content
    return [item["trace_id"] for item in reply.json["items"]]


async def test_a_record_is_told_whole(recorded: Recorded, operator: Client) -> None:
    await recorded.add("t-1", code="scope_missing", status=403, shadow="account_kind")
    (item,) = (await operator.get(recorded.path)).json["items"]
    assert set(item) == MEMBERS
    assert {
        name: value for name, value in item.items() if name not in {"at", "account_id", "integration_id"}
    } == {
        "trace_id": "t-1",
        "token_id": "tok_1",
        "route": "GET /contacts/{contactId}",
        "status": 403,
        "code": "scope_missing",
        "shadow": "account_kind",
        "duration_ms": 12.3,
        "upstream_ms": 10.0,
        "bytes_in": 5,
        "bytes_out": 7,
        "client": "192.0.2.0/24",
        "map_version": "v1",
    }
    found = (await operator.get(f"{recorded.path}/t-1")).json
    assert found == {**item, "others": 0}
    assert (await operator.get("/requests/t-1")).json == found


async def test_the_newest_of_a_trace_is_told_and_how_many_others_there_are(
    recorded: Recorded, operator: Client
) -> None:
    for ago in (5.0, 1.0, 9.0):
        await recorded.add("again", ago=ago, template=f"/{ago}")
    found = (await operator.get(f"{recorded.path}/again")).json
    assert (found["route"], found["others"]) == ("GET /1.0", 2)
    assert len(await traces(operator, f"{recorded.path}?trace_id=again")) == 3


async def test_the_requests_are_searched_and_paged(recorded: Recorded, operator: Client) -> None:
    await recorded.add("a", ago=1.0)
    await recorded.add("b", ago=2.0, status=404)
    await recorded.add("c", ago=3.0, status=403, code="scope_missing", method="POST")
    await recorded.add("d", ago=4.0, status=0, code="caller_left", token="tok_2")
    await recorded.add("e", ago=5.0, shadow="scope_missing")
    base = recorded.path
    for query, found in {
        "": "abcde",
        "status=404": "b",
        "status=4xx": "bc",
        "status=0": "d",
        "status=5xx": "",
        "code=scope_missing": "c",
        "shadow=scope_missing": "e",
        f"route={quote('POST /contacts/{contactId}')}": "c",
        "token=tok_2": "d",
        f"integration={recorded.integration_id}": "abcde",
        "trace_id=b": "b",
        "from=2000-01-01T00:00:00Z&to=2001-01-01T00:00:00Z": "",
        "from=2000-01-01T00:00:00Z": "abcde",
    }.items():
        assert "".join(await traces(operator, f"{base}?{query}")) == found, query
    seen, cursor = [], ""
    while True:
        page = (await operator.get(f"{base}?limit=2{cursor}")).json
        assert set(page) == {"items", "next_cursor", "searched_to"}
        seen += [item["trace_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("status=teapot", "/status"),
        ("status=600", "/status"),
        ("status=4XX", "/status"),
        ("trace_id=a%20b", "/trace_id"),
        ("trace_id=", "/trace_id"),
        ("from=yesterday", "/from"),
        ("cursor=x", "/cursor"),
        ("limit=201", "/limit"),
        ("path=/x", "/path"),
    ],
)
async def test_what_cannot_be_asked_is_refused(
    recorded: Recorded, operator: Client, query: str, pointer: str
) -> None:
    await recorded.add("a")
    for path in (recorded.path, "/requests"):
        reply = await operator.get(f"{path}?{query}")
        assert reply.told() == (422, "invalid")
        assert [error["pointer"] for error in reply.json["errors"]] == [pointer]


async def test_operators_see_the_requests_of_all_and_of_nobody(recorded: Recorded, operator: Client) -> None:
    await recorded.add("mine", ago=1.0)
    await recorded.add("theirs", ago=2.0, account="acc_other")
    await recorded.add(
        "nobodys", ago=3.0, account="", integration="", token="", status=401, code="token_unknown"
    )
    assert await traces(operator, "/requests") == ["mine", "theirs", "nobodys"]
    assert await traces(operator, f"/requests?account={recorded.account.id}") == ["mine"]
    assert await traces(operator, "/requests?code=token_unknown") == ["nobodys"]
    assert await traces(operator, recorded.path) == ["mine"]


async def test_who_may_manage_the_integrations_sees_their_requests_and_no_others(
    console: Console, recorded: Recorded
) -> None:
    await recorded.add("mine", ago=1.0)
    await recorded.add("theirs", ago=2.0, account="acc_other")
    trusted = await console.person(recorded.account, Role.USER, permission=True)
    for person in (await console.person(recorded.account), trusted):
        assert await traces(person, recorded.path) == ["mine"]
        assert (await person.get(f"{recorded.path}/mine")).status == 200
        assert (await person.get(f"{recorded.path}/theirs")).told() == (404, "not_found")
        for path in ("/requests", "/requests/mine"):
            assert (await person.get(path)).told() == (403, "operator_required")
    agency = await console.account(AccountKind.AGENCY)
    stranger = await console.person(agency)
    for path in (recorded.path, f"{recorded.path}/mine"):
        assert (await stranger.get(path)).told() == (404, "not_found")
    plain = await console.person(recorded.account, Role.USER)
    for path in (recorded.path, f"{recorded.path}/mine"):
        assert (await plain.get(path)).told() == (403, "private_integrations_not_permitted")


async def test_a_key_for_one_account_sees_that_account_alone(console: Console, recorded: Recorded) -> None:
    await recorded.add("mine")
    holder = await console.operator(recorded.account.id)
    assert await traces(holder, recorded.path) == ["mine"]
    assert (await holder.get("/requests")).told() == (403, "operator_required")
    assert (await holder.get("/requests/mine")).told() == (403, "operator_required")


async def test_nobody_else_sees_anything(console: Console, recorded: Recorded) -> None:
    for path in (recorded.path, f"{recorded.path}/x", "/requests", "/requests/x"):
        assert (await console.client().get(path)).told() == (401, "credentials_missing")


async def test_while_labs_is_off_the_account_sees_none_and_operators_do(
    console: Console, operator: Client
) -> None:
    account = await console.account(labs=False)
    recorded = Recorded(console, account, "int_1")
    await recorded.add("mine")
    assert (await operator.get(recorded.path)).told() == (403, "labs_private_integrations_off")
    assert await traces(operator, f"/requests?account={account.id}") == ["mine"]


async def test_what_is_not_there_is_missing(console: Console, recorded: Recorded, operator: Client) -> None:
    for path in ("/requests/never", f"{recorded.path}/never", "/requests/a%20b", f"/requests/{'a' * 129}"):
        reply = await operator.get(path)
        assert reply.told() == (404, "not_found")
        assert reply.json["detail"] == "There is no such request record."
    other = await console.account()
    theirs = await operator.post(f"/accounts/{other.id}/integrations", NEW)
    reply = await operator.get(f"{recorded.path}?integration={theirs.json['integration']['id']}")
    assert reply.told() == (404, "not_found")
