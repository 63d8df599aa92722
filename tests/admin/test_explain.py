"""Explanations through the API: to whom which question is answered, and that no token is in any answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.admin.management.explain_case import STAGES
from gateway.admin.management.explain_request import ExplainRequest
from gateway.admin.management.explain_steps import _WORDS
from gateway.admin.management.explain_verdict import _WAYS_OUT
from gateway.admin.management.explain_views import Stage
from gateway.core.model import AccountKind
from gateway.core.reasons import Code
from gateway.storage.members import Role
from tests.admin.conftest import NEW, Client, Console
from tests.wiring.tenants import never_issued

DRAFT = """\
upstreams: {u: {urls: ["http://10.0.0.5:9001"]}}
services:
  contacts:
    upstream: u
    routes:
      GET /contacts/{contactId}: contacts.admin
      GET /contacts/export: deny
"""
GET: dict[str, Any] = {"method": "GET", "path": "/contacts/1"}
UPSTREAM_CODES = {
    Code.REQUEST_TIMEOUT,
    Code.RATE_LIMITED,
    Code.UPSTREAM_UNREACHABLE,
    Code.UPSTREAM_BAD_RESPONSE,
    Code.UPSTREAM_TIMEOUT,
    Code.STORE_UNAVAILABLE,
    Code.OVERLOADED,
    Code.INTERNAL_ERROR,
}


def test_the_tables_know_every_stage_and_every_code_that_a_request_alone_can_meet() -> None:
    assert set(STAGES) == set(_WAYS_OUT) == set(Code) - UPSTREAM_CODES
    assert set(_WORDS) == set(Stage)
    assert set(STAGES.values()) == set(Stage) - {Stage.MATCH, Stage.SHADOW, Stage.FORWARD}


async def made(console: Console, operator: Client, **account: Any) -> tuple[str, str, str]:
    """An account, an integration in it and its token."""
    owner = await console.account(**account)
    reply = await operator.post(f"/accounts/{owner.id}/integrations", NEW)
    return owner.id, reply.json["integration"]["id"], reply.json["token"]["secret"]


async def ask(client: Client, **question: Any) -> Any:
    reply = await client.post("/explain", {**GET, **question})
    assert reply.status == 200, reply.content
    return reply.json


def step(told: Any, stage: str) -> tuple[str, str]:
    found = next(one for one in told["steps"] if one["stage"] == stage)
    return found["state"], found["text"]


async def test_a_request_that_is_let_through_is_told_whole(console: Console, operator: Client) -> None:
    _, integration, secret = await made(console, operator)
    told = await ask(operator, token=secret, path="/contacts/c%41?limit=1")
    assert (told["allowed"], told["status"], told["code"], told["way_out"]) == (True, None, None, "")
    assert told["canonical_path"] == "/contacts/cA"
    assert told["caller"]["integration_id"] == integration
    assert told["caller"]["scopes"] == ["contacts.readonly"]
    assert (told["route"]["path"], told["route"]["needs"]) == ("/contacts/{contactId}", "contacts.readonly")
    assert told["route"]["urls"] == ["http://127.0.0.1:8"]
    assert told["route"]["where"].endswith("routes.yaml:12")
    assert [one["stage"] for one in told["steps"]] == [stage.value for stage in Stage]
    assert {one["state"] for one in told["steps"]} == {"passed", "nothing"}
    assert "GET /contacts/cA?limit=1 to the upstream main" in step(told, "forward")[1]
    assert not told["is_draft"]


async def test_a_refusal_names_its_step_its_reason_and_the_way_out(
    console: Console, operator: Client
) -> None:
    told = await ask(operator, method="POST", path="/contacts/", scopes=["contacts.readonly"])
    assert (told["allowed"], told["status"], told["code"]) == (False, 403, "scope_missing")
    assert told["scope"] == "contacts.write"
    assert told["message"] == "The token is not authorized for this scope."
    assert told["way_out"] == "give the integration the scope contacts.write; its token stays"
    assert step(told, "scope") == ("refused", "needs contacts.write; the token has no contacts.write")
    after = [one["state"] for one in told["steps"]][list(Stage).index(Stage.SCOPE) + 1 :]
    assert set(after) == {"unreached"}


@pytest.mark.parametrize(
    ("question", "code", "way_out"),
    [
        ({"path": "/contacts/lookup", "scopes": []}, "scope_missing", "scopes contacts.readonly, locations.readonly"),
        ({"path": "/contacts/either", "scopes": []}, "scope_missing", "one of the scopes contacts.readonly, contacts"),
        ({"scopes": [], "account_kind": "agency"}, "account_kind", "a token of an account of kind sub_account"),
        ({}, "token_missing", "that holds contacts.readonly and belongs to a sub-account"),
        ({"path": "/nowhere/1"}, "token_missing", "that will not do alone: map the operation: what is not in the map"),
        ({"path": "/contacs/lookup", "scopes": []}, "route_unknown", "call /contacts/lookup, or map the operation"),
        ({"method": "PUT", "path": "/public/ping", "scopes": []}, "route_unknown", "use GET, or map PUT for this path"),
        ({"path": "/a//b"}, "path_refused", "proxy.path_allow: [empty_segment]"),
        ({"path": "/a%2Fb/..%2f"}, "path_refused", "proxy.path_allow: [encoded_slash]"),
        ({"path": "/contacts/{contactId}"}, "path_refused", "write a value in place of {contactId}"),
        ({"path": "/%zz"}, "path_refused", "a form that every server reads alike"),
        ({"path": "//a"}, "path_refused", "a form that every server reads alike"),
        ({"path": "/versioned", "scopes": ["contacts.readonly"]}, "version_required", "2021-07-28 or 2021-04-15"),
        (
            {"method": "POST", "path": "/small", "scopes": ["contacts.write"], "body_bytes": 1025},
            "body_too_large", "the body_limit of the route",
        ),
        ({"method": "TRACE"}, "method_refused", "use another method"),
        ({"method": "G T"}, "bad_request", "one way only"),
        ({"headers": {"Host": ["a", "b"]}}, "bad_request", "one way only"),
        ({"path": "/" + "x" * 9000}, "target_too_long", "proxy.limits.target"),
        ({"headers": {"X": ["v"] * 200}}, "head_too_large", "proxy.limits"),
    ],
)  # fmt: skip
async def test_the_way_out_of_each_refusal(
    operator: Client, question: dict[str, Any], code: str, way_out: str
) -> None:
    told = await ask(operator, **question)
    assert told["code"] == code
    assert way_out in told["way_out"]


async def test_the_fields_that_end_at_the_gateway_are_named(operator: Client) -> None:
    fields = {
        "X-Gateway-Scopes": "all",
        "X_HTTP_Method_Override": "PUT",
        "Version": "v1",
        "X-Mine": "1",
        "Host": "a",
    }
    told = await ask(operator, headers=fields)
    assert step(told, "read") == ("passed", "one reading; here end x-gateway-scopes, x_http_method_override")
    assert step(await ask(operator, headers={"X-Mine": "1"}), "read") == ("passed", "one reading")


async def test_who_won_and_why_is_told_of_every_route_that_fits(operator: Client) -> None:
    told = await ask(operator, path="/contacts/lookup")
    assert [(one["method"], one["path"], one["won"], one["text"]) for one in told["candidates"]] == [
        ("GET", "/contacts/lookup", True, "it is the one"),
        ("DELETE", "/contacts/{contactId}", False, "another method"),
        (
            "GET", "/contacts/{contactId}", False,
            "/contacts/lookup has lookup written out where this takes a parameter",
        ),
        ("OPTIONS", "/contacts/{contactId}", False, "another method"),
        ("PATCH", "/contacts/{contactId}", False, "another method"),
        ("PUT", "/contacts/{contactId}", False, "another method"),
    ]  # fmt: skip


async def test_the_state_of_a_token_is_told_with_its_end(console: Console, operator: Client) -> None:
    owner, integration, secret = await made(console, operator)
    base = f"/accounts/{owner}/integrations/{integration}"
    old = (await operator.post(f"{base}/rotate", {"old_token": "expire_later"})).json
    told = await ask(operator, token=secret)
    assert told["allowed"]
    assert "it ends 20" in step(told, "token")[1]
    new = old["token"]["secret"]
    await operator.post(f"{base}/expire", None)
    told = await ask(operator, token=new)
    assert told["code"] == "token_expired"
    assert "ended 20" in step(told, "token")[1]
    assert (await ask(operator, integration_id=integration))["code"] == "token_expired"
    assert (await ask(operator, token=never_issued()))["code"] == "token_unknown"


async def test_an_integration_without_a_token_has_none_to_send(console: Console, operator: Client) -> None:
    owner = await console.account()
    made = await operator.post(f"/accounts/{owner.id}/integrations", {**NEW, "issue_token": False})
    told = await ask(operator, integration_id=made.json["integration"]["id"])
    assert told["code"] == "token_missing"


async def test_a_draft_is_tried_and_the_live_map_stays(operator: Client) -> None:
    told = await ask(operator, map=DRAFT, scopes=["contacts.readonly"])
    assert (told["code"], told["scope"], told["is_draft"]) == ("scope_missing", "contacts.admin", True)
    denied = await ask(operator, map=DRAFT, scopes=["contacts.admin"], path="/contacts/export")
    assert (denied["code"], denied["detail"]) == ("route_unknown", "the map denies it")
    assert denied["way_out"] == "write what it needs in place of deny, if it is to be served"
    live = await ask(operator, scopes=["contacts.readonly"])
    assert live["allowed"]
    assert live["map_version"] != told["map_version"]


async def test_a_large_draft_is_read_and_one_beyond_reason_is_not(operator: Client) -> None:
    told = await ask(operator, map=DRAFT + f"# {'x' * 800_000}\n", scopes=["contacts.admin"])
    assert told["allowed"]
    assert (await operator.post("/explain", {**GET, "map": "#" * 950_000})).told() == (422, "invalid")
    assert (await operator.post("/explain", {**GET, "map": "#" * 1_030_000})).status == 413


async def test_a_draft_with_errors_is_refused_with_each_of_them(operator: Client) -> None:
    broken = DRAFT.replace("contacts.admin", "[]").replace("upstream: u", "upstream: v")
    reply = await operator.post("/explain", {**GET, "map": broken})
    assert reply.told() == (422, "invalid")
    errors = reply.json["errors"]
    assert [(one["pointer"], one["code"]) for one in errors] == [("/map", "map_invalid")] * 2
    assert "map:6: an empty scope list is not open" in errors[0]["message"]
    assert "which is not there" in errors[1]["message"]


@pytest.mark.parametrize(
    "question",
    [
        {"token": "x", "scopes": ["a"]},
        {"token": "x\r\ny"},
        {"path": "/a\nb"},
        {"path": ""},
        {"method": ""},
        {"headers": {"X": "a\r\nY: b"}},
        {"headers": {"X\r\n": "a"}},
        {"body_bytes": -1},
        {"integration_id": "pi_00000000000000000000"},
        {"integration_id": "nonsense"},
        {"nonsense": 1},
        {"trace_id": "x"},
        {"trace_id": "a b"},
    ],
)
async def test_a_question_that_is_none_is_refused(operator: Client, question: dict[str, Any]) -> None:
    assert (await operator.post("/explain", {**GET, **question})).told() == (422, "invalid")


async def test_members_are_told_of_their_own_integrations_and_of_scopes(
    console: Console, operator: Client
) -> None:
    """And neither where the map stands on disk nor where the upstreams are."""
    account = await console.account()
    reply = await operator.post(f"/accounts/{account.id}/integrations", NEW)
    mine, secret = reply.json["integration"]["id"], reply.json["token"]["secret"]
    _, theirs, _ = await made(console, operator)
    admin, user = await console.person(account), await console.person(account, Role.USER)
    limited = await console.operator(account.id)
    for client in (admin, limited):
        told = await ask(client, integration_id=mine)
        assert told["allowed"]
        assert [told["route"][name] for name in ("where", "upstream", "urls")] == ["", "", []]
        assert "upstream main" not in str(told)
        assert "127.0.0.1" not in str(told)
        assert "routes.yaml" not in str(told)
        assert (await client.post("/explain", {**GET, "integration_id": theirs})).told() == (422, "invalid")
        for more in ({"token": secret}, {"map": DRAFT}, {"headers": {"authorization": f"Bearer {secret}"}}):
            reply = await client.post("/explain", {**GET, **more})
            assert reply.told() == (403, "operator_required")
            reply = await client.post("/explain", {**GET, "scopes": [], **more})
            assert reply.status in {403, 422}
    assert (await user.post("/explain", {**GET, "integration_id": mine})).status == 403
    assert (await ask(user, scopes=["contacts.readonly"]))["allowed"]


async def test_no_answer_repeats_a_token(console: Console, operator: Client) -> None:
    _, _, secret = await made(console, operator)
    for question in (
        {"token": secret},
        {"token": secret[:-1]},
        {"path": f"/contacts/{secret}", "token": secret},
        {"path": f"/contacts/{secret}/..", "token": secret},
        {"path": f"/{secret}"},
        {"path": f"/contacts/1?token={secret}", "token": secret},
        {"headers": {"Authorization": [f"Bearer {secret}"] * 2}},
        {"headers": {"X-Token": secret}, "token": secret},
    ):
        reply = await operator.post("/explain", {**GET, **question})
        assert reply.status == 200
        assert secret[8:-4].encode() not in reply.content, question


def test_a_question_becomes_the_head_that_a_client_would_send() -> None:
    asked = ExplainRequest(
        method="PUT",
        path="https://Api.test:8443/a%41?b#c",
        headers={"Version": ("1", "2"), "X": "y"},
        body_bytes=3,
    )
    assert asked.head("pit_x") == (
        b"PUT /a%41?b HTTP/1.1\r\nHost: Api.test:8443\r\nAuthorization: Bearer pit_x\r\n"
        b"Version: 1\r\nVersion: 2\r\nX: y\r\nContent-Length: 3\r\n\r\n"
    )
    bare = ExplainRequest(method="GET", path="http://a.test?b", headers={"HOST": "b.test"})
    assert bare.head(None) == b"GET /?b HTTP/1.1\r\nHOST: b.test\r\n\r\n"
    chunked = ExplainRequest(method="PUT", path="/", headers={"transfer-encoding": "chunked"}, body_bytes=3)
    assert b"Content-Length" not in chunked.head(None)


def test_a_question_does_not_print_its_token() -> None:
    asked = ExplainRequest(
        method="GET", path="/", token="pit_secret", headers={"Authorization": "pit_secret"}
    )
    assert "pit_secret" not in repr(asked)


@pytest.mark.parametrize("kind", AccountKind)
async def test_scopes_are_judged_as_an_account_of_the_kind_that_is_named(
    operator: Client, kind: AccountKind
) -> None:
    told = await ask(operator, path="/agencies/1", scopes=["agencies.readonly"], account_kind=kind.value)
    assert told["allowed"] is (kind is AccountKind.AGENCY)
    assert told["caller"] == {
        "account_id": None,
        "account_kind": kind.value,
        "integration_id": None,
        "token_id": None,
        "scopes": ["agencies.readonly"],
    }


async def record(console: Console, trace_id: str, integration: str | None, **what: Any) -> None:
    """Write down a request as the gateway does."""
    rows = await console.database.fetch(
        "SELECT i.account_id, t.id FROM integrations AS i JOIN tokens AS t ON t.integration_id = i.id WHERE i.id = $1",
        integration,
    )
    await console.database.fetch("SELECT make_request_records(current_date)")
    row = {
        "at": datetime.now(UTC),
        "bytes_in": 0,
        "bytes_out": 0,
        "duration_ms": 1.0,
        "status": 200,
        "trace_id": trace_id,
        "account_id": rows[0]["account_id"] if rows else None,
        "integration_id": integration,
        "token_id": rows[0]["id"] if rows else None,
        "route": "GET /contacts/{contactId}",
        **what,
    }
    places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
    await console.database.fetch(
        f"INSERT INTO request_records ({', '.join(row)}) VALUES ({places})",
        *row.values(),
    )


async def of(client: Client, trace_id: str, **more: Any) -> Any:
    reply = await client.post("/explain", {"trace_id": trace_id, **more})
    assert reply.status == 200, reply.content
    return reply.json


async def test_a_recorded_request_is_judged_again_under_the_present_map(
    console: Console, operator: Client
) -> None:
    owner, integration, _ = await made(console, operator)
    await record(
        console,
        "t1",
        integration,
        route="PUT /contacts/{contactId}",
        status=403,
        code="scope_missing",
        map_version="v1",
    )
    told = await of(operator, "t1")
    assert (told["code"], told["recorded"]["code"]) == ("scope_missing", "scope_missing")
    assert (told["recorded"]["map_version"], told["path"]) == ("v1", "/contacts/~")
    await operator.patch(
        f"/accounts/{owner}/integrations/{integration}", {"scopes": ["contacts.readonly", "contacts.write"]}
    )
    told = await of(operator, "t1")
    assert (told["allowed"], told["recorded"]["status"]) == (True, 403)
    assert "as it is now" in step(told, "credential")[1]
    gone = await of(operator, "t1", map=DRAFT)
    assert (gone["code"], gone["is_draft"], gone["route"]) == ("route_unknown", True, None)
    await operator.post(f"/accounts/{owner}/integrations/{integration}/expire", None)
    assert (await of(operator, "t1"))["code"] == "token_expired"


async def test_what_a_record_does_not_keep_is_taken_as_right_and_said(
    console: Console, operator: Client
) -> None:
    _, integration, _ = await made(console, operator)
    await record(console, "t1", integration, route="GET /versioned")
    told = await of(operator, "t1")
    assert told["allowed"]
    assert step(told, "version") == (
        "nothing",
        "the Version header must be 2021-07-28 or 2021-04-15; what was sent was not recorded",
    )
    await record(console, "t2", integration, route="GET /versioned", code="version_required", status=400)
    assert (await of(operator, "t2"))["code"] == "version_required"
    await record(console, "t4", None, status=401, code="token_missing")
    told = await of(operator, "t4")
    assert (told["code"], told["caller"]) == ("token_missing", None)
    await record(console, "t5", None, route=None, status=404, code="route_unknown")
    reply = await operator.post("/explain", {"trace_id": "t5"})
    assert [one["code"] for one in reply.json["errors"]] == ["no_route"]
    assert "404 route_unknown" in reply.json["errors"][0]["message"]


async def test_the_newest_record_with_a_trace_id_that_one_may_see_is_judged(
    console: Console, operator: Client
) -> None:
    """A caller may send another's trace id: it shows nobody more than his own."""
    account = await console.account()
    reply = await operator.post(f"/accounts/{account.id}/integrations", NEW)
    mine = reply.json["integration"]["id"]
    _, theirs, _ = await made(console, operator)
    await record(console, "same", mine, at=datetime.now(UTC) - timedelta(seconds=2))
    await record(console, "same", theirs)
    await record(console, "nobody", None)
    admin, user = await console.person(account), await console.person(account, Role.USER)
    assert (await of(admin, "same"))["caller"]["integration_id"] == mine
    assert (await of(operator, "same"))["caller"]["integration_id"] == theirs
    for client, trace in ((user, "same"), (admin, "nobody"), (operator, "unknown")):
        refused = await client.post("/explain", {"trace_id": trace})
        assert refused.told() == (422, "invalid")
        assert [one["code"] for one in refused.json["errors"]] == ["not_found"]
    assert (await admin.post("/explain", {"trace_id": "same", "map": DRAFT})).told() == (
        403,
        "operator_required",
    )
