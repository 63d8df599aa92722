"""Calls from web pages: preflights answered here for what is mapped and allowed, and answers that a page may read."""

from __future__ import annotations

import pytest

from tests.proxy.caller import Answer, request
from tests.proxy.recording import saying
from tests.wiring.rig import Gateway, Rig

APP = "https://app.example.com"
OTHER = "https://other.example.com"


def origin(name: str) -> bytes:
    return b"Origin: " + name.encode()


def asking(method: str = "GET", headers: str = "authorization, content-type") -> list[bytes]:
    return [
        b"Access-Control-Request-Method: " + method.encode(),
        b"Access-Control-Request-Headers: " + headers.encode(),
    ]


async def preflight(
    gateway: Gateway, target: str, *, name: str = APP, method: str = "GET", token: str | None = None
) -> Answer:
    return await gateway.ask(request("OPTIONS", target, origin(name), *asking(method), token=token))


@pytest.mark.parametrize(
    ("target", "method"),
    [
        ("/agencies/a1", "GET"),
        ("/agencies/a1", "HEAD"),
        ("/contacts/", "POST"),
        ("/contacts", "POST"),
        ("/public/ping?x=1", "GET"),
        ("/oauth/token", "POST"),
        ("/away/a1", "GET"),
    ],
)
async def test_a_preflight_of_a_mapped_operation_is_answered_without_a_token(
    rig: Rig, target: str, method: str
) -> None:
    """And without the upstream: also one that is away."""
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream, proxy__cors={"allow_origins": [APP]})
    answer = await preflight(gateway, target, method=method)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.value(b"Access-Control-Allow-Origin") == APP.encode()
    assert answer.value(b"Access-Control-Allow-Methods") == method.encode()
    assert answer.value(b"Access-Control-Allow-Headers") == b"authorization, content-type"
    assert answer.value(b"Vary") == b"Origin"
    assert answer.value(b"X-Request-Id")
    assert answer.value(b"Content-Length") is None
    assert not upstream.arrivals


async def test_a_preflight_is_answered_also_where_options_is_an_operation_of_its_own(rig: Rig) -> None:
    """A browser sends no token with it, so there is nothing else that could answer."""
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream, proxy__cors={"allow_origins": [APP]})
    answer = await preflight(gateway, "/contacts/c1", method="PUT")
    assert (answer.status, answer.value(b"Access-Control-Allow-Methods")) == (204, b"PUT")
    # An OPTIONS that is no preflight is the operation.
    answered = await gateway.ask(request("OPTIONS", "/contacts/c1", origin(APP), token=rig.token))
    assert (answered.status, answered.body) == (200, b"ok")


@pytest.mark.parametrize(
    ("target", "name", "method"),
    [
        ("/nowhere", APP, "GET"),
        ("/agencies/a1", APP, "DELETE"),
        ("/agencies/a1", OTHER, "GET"),
        ("/agencies/a1", "null", "GET"),
        ("/agencies/a1", APP + ".evil.example", "GET"),
        ("/agencies/a1", APP, "get"),
        ("/agencies//a1", APP, "GET"),
        ("/agencies/%2e%2e", APP, "GET"),
    ],
)
async def test_any_other_preflight_is_an_ordinary_request(
    rig: Rig, target: str, name: str, method: str
) -> None:
    """Whoever has no token does not learn which routes there are."""
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream, proxy__cors={"allow_origins": [APP]})
    answer = await preflight(gateway, target, name=name, method=method)
    assert answer.status in (400, 401)
    assert answer.value(b"Access-Control-Allow-Methods") is None
    assert answer.value(b"Access-Control-Allow-Origin") == (APP.encode() if name == APP else None)
    assert not upstream.arrivals


async def test_two_origins_or_two_methods_are_no_preflight(rig: Rig) -> None:
    gateway = await rig.gateway(await rig.upstream(), proxy__cors={"allow_origins": [APP]})
    twice = request("OPTIONS", "/agencies/a1", origin(APP), *asking(), *asking("POST"))
    assert (await gateway.ask(twice)).status == 401


async def test_without_the_setting_nothing_is_answered_and_nothing_is_added(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    assert (await preflight(gateway, "/agencies/a1")).code == "token_missing"
    answer = await gateway.get("/contacts/c1", origin(APP), token=rig.token)
    assert answer.status == 200
    assert not [name for name, _ in answer.fields if name.lower().startswith(b"access-control-")]


async def test_a_preflight_leaves_its_connection_usable(rig: Rig) -> None:
    gateway = await rig.gateway(await rig.upstream(), proxy__cors={"allow_origins": [APP]})
    caller = await gateway.caller()
    asked = request("OPTIONS", "/agencies/a1", origin(APP), *asking())
    real = request("GET", "/contacts/c1", origin(APP), token=rig.token)
    await caller.send(asked + real + asked)
    assert [(await caller.answer(method)).status for method in ("OPTIONS", "GET", "OPTIONS")] == [
        204,
        200,
        204,
    ]


@pytest.mark.parametrize("listed", [[APP], ["*"], [OTHER, APP]])
async def test_a_page_may_read_what_the_upstream_answers(rig: Rig, listed: list[str]) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream, proxy__cors={"allow_origins": listed})
    answer = await gateway.get("/contacts/c1", origin(APP), token=rig.token)
    assert (answer.status, answer.body) == (200, b"ok")
    expected = b"*" if listed == ["*"] else APP.encode()
    assert answer.value(b"Access-Control-Allow-Origin") == expected
    assert b"X-Request-Id" in (answer.value(b"Access-Control-Expose-Headers") or b"")
    assert upstream.arrivals[0].value(b"Origin") == APP.encode(), "the upstream may look at it too"


async def test_the_upstreams_own_cors_fields_do_not_stand_beside_ours(rig: Rig) -> None:
    """Two values would make a browser refuse the answer; and a wider one would undo the setting."""
    own = (
        b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\naccess-control-allow-credentials: true\r\n"
        b"Access-Control-Expose-Headers: X-Theirs\r\nVary: Accept-Encoding\r\nContent-Length: 2\r\n\r\nok"
    )
    upstream = await rig.upstream(saying(own))
    gateway = await rig.gateway(upstream, proxy__cors={"allow_origins": [APP]})
    answer = await gateway.get("/contacts/c1", origin(APP), token=rig.token)
    assert answer.value(b"Access-Control-Allow-Origin") == APP.encode()
    assert answer.values(b"Access-Control-Allow-Credentials") == []
    assert len(answer.values(b"Access-Control-Expose-Headers")) == 1
    assert answer.values(b"Vary") == [b"Accept-Encoding", b"Origin"]


@pytest.mark.parametrize(
    ("target", "token", "code"),
    [
        ("/contacts/c1", None, "token_missing"),
        ("/contacts/c1", "nonsense", "token_malformed"),
        ("/contacts/c1", "unknown", "token_unknown"),
        ("/contacts/lookup", "reader", "scope_missing"),
        ("/agencies/a1", "full", "account_kind"),
        ("/nowhere", "full", "route_unknown"),
        ("/versioned", "full", "version_required"),
        ("/contacts/%2e%2e", "full", "path_refused"),
        ("/away/a1", "full", "upstream_unreachable"),
    ],
)
async def test_a_page_may_read_why_it_was_refused(
    rig: Rig, target: str, token: str | None, code: str
) -> None:
    standing = rig.standing
    known = {"unknown": standing.unknown, "reader": standing.reader.secret, "full": standing.full.secret}
    gateway = await rig.gateway(await rig.upstream(), proxy__cors={"allow_origins": [APP]})
    secret = known.get(token, token) if token is not None else None
    answer = await gateway.get(target, origin(APP), token=secret)
    assert (answer.code, answer.value(b"Access-Control-Allow-Origin")) == (code, APP.encode())
    stranger = await gateway.get(target, origin(OTHER), token=secret)
    assert (stranger.code, stranger.value(b"Access-Control-Allow-Origin")) == (code, None)


async def test_answers_to_listed_origins_and_to_others_are_told_apart_by_caches(rig: Rig) -> None:
    """A shared cache that kept the answer to a stranger must not give it to a page that may read."""
    gateway = await rig.gateway(await rig.upstream(), proxy__cors={"allow_origins": [APP]})
    for fields in ([origin(APP)], [origin(OTHER)], []):
        answer = await gateway.get("/contacts/c1", *fields, token=rig.token)
        assert answer.values(b"Vary") == [b"Origin"]
