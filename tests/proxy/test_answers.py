"""The gateway's own answers: for each code its status, fields and members, and that the upstream never hears of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import pytest

from gateway.core.reasons import Code
from tests.proxy.caller import Answer, request
from tests.proxy.recording import saying
from tests.wiring.rig import Rig
from tests.wiring.standing import Standing

INVALID = b'Bearer realm="gateway", error="invalid_token"'
ASK = b'Bearer realm="gateway"'


def phrase(status: int) -> str:
    """RFC 9110's, which Python knows since 3.13."""
    return {413: "Content Too Large", 414: "URI Too Long"}.get(status) or HTTPStatus(status).phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A request and the answer it must get. `closes`: the connection ends with it."""

    code: str
    status: int
    ask: Callable[[Standing], bytes]
    challenge: bytes | None = None
    closes: bool = False
    scope: str | None = None


def get(target: str, *fields: bytes, who: str | None = "full") -> Callable[[Standing], bytes]:
    """A GET with the token of one of the standing integrations, or with the text that `who` names."""

    def ask(standing: Standing) -> bytes:
        token = None
        if who is not None:
            found = getattr(standing, who)
            token = found if isinstance(found, str) else found.secret
        return request("GET", target, *fields, token=token)

    return ask


def credential(value: bytes) -> Callable[[Standing], bytes]:
    return lambda _: request("GET", "/contacts/c1", b"Authorization: " + value)


def raw(data: bytes) -> Callable[[Standing], bytes]:
    return lambda _: data


def long_field(standing: Standing) -> bytes:
    return request("GET", "/contacts/c1", b"X-Long: " + b"a" * 8200, token=standing.full.secret)


def many_fields(standing: Standing) -> bytes:
    return request("GET", "/contacts/c1", *[b"X-A: 1"] * 130, token=standing.full.secret)


def large_head(standing: Standing) -> bytes:
    return request(
        "GET", "/contacts/c1", *[b"X-A%d: " % n + b"a" * 4000 for n in range(9)], token=standing.full.secret
    )


def large_body(standing: Standing) -> bytes:
    return request("POST", "/small", token=standing.full.secret, body=b"a" * 1025)


def large_chunked_body(standing: Standing) -> bytes:
    return request("POST", "/small", token=standing.full.secret, chunks=[b"a" * 1000, b"b" * 25])


def mistyped(standing: Standing) -> bytes:
    secret = standing.full.secret
    return request("GET", "/contacts/c1", token=secret[:-1] + ("a" if secret[-1] != "a" else "b"))


def two_tokens(standing: Standing) -> bytes:
    field = b"Authorization: Bearer " + standing.full.secret.encode()
    return request("GET", "/contacts/c1", field, field)


def comma_list(standing: Standing) -> bytes:
    secret = standing.full.secret.encode()
    return request("GET", "/contacts/c1", b"Authorization: Bearer " + secret + b", Bearer " + secret)


def scope_case(scope: str, ask: Callable[[Standing], bytes]) -> Case:
    challenge = f'Bearer realm="gateway", error="insufficient_scope", scope="{scope}"'.encode()
    return Case(code="scope_missing", status=403, ask=ask, challenge=challenge, scope=scope)


def bad(data: bytes) -> Case:
    return Case(code="bad_request", status=400, ask=raw(data), closes=True)


def path_refused(path: str, *, closes: bool = False) -> Case:
    return Case(code="path_refused", status=400, ask=get(path), closes=closes)


def unauthorized(code: str, ask: Callable[[Standing], bytes]) -> Case:
    return Case(code=code, status=401, ask=ask, challenge=INVALID)


CASES = {
    "no-token": Case(
        code="token_missing",
        status=401,
        ask=get("/contacts/c1", who=None),
        challenge=ASK,
    ),
    "no-token-no-route": Case(
        code="token_missing",
        status=401,
        ask=get("/nothing/here", who=None),
        challenge=ASK,
    ),
    "basic": unauthorized("token_malformed", credential(b"Basic YTpi")),
    "empty": unauthorized("token_malformed", credential(b"")),
    "scheme-alone": unauthorized("token_malformed", credential(b"Bearer")),
    "non-ascii": unauthorized("token_malformed", credential(b"Bearer pit_\xe9")),
    "long": unauthorized("token_malformed", credential(b"Bearer " + b"a" * 300)),
    "mistyped": unauthorized("token_malformed", mistyped),
    "two-fields": unauthorized("token_malformed", two_tokens),
    "comma-list": unauthorized("token_malformed", comma_list),
    "unknown": unauthorized("token_unknown", get("/contacts/c1", who="unknown")),
    "unknown-no-route": unauthorized("token_unknown", get("/nothing/here", who="unknown")),
    "rotated": unauthorized("token_rotated", get("/contacts/c1", who="rotated")),
    "expired": unauthorized("token_expired", get("/contacts/c1", who="expired")),
    "rotated-now": unauthorized("token_revoked", get("/contacts/c1", who="revoked")),
    "rotation-cancelled": unauthorized("token_revoked", get("/contacts/c1", who="cancelled")),
    "deleted": unauthorized("token_revoked", get("/contacts/c1", who="deleted")),
    "suspended": Case(
        code="integration_suspended",
        status=403,
        ask=get("/contacts/c1", who="suspended"),
    ),
    "agency-only": Case(code="account_kind", status=403, ask=get("/agencies/a1")),
    "sub-account-only": Case(code="account_kind", status=403, ask=get("/contacts/c1", who="agency")),
    "no-scope": scope_case("contacts.readonly", get("/contacts/c1", who="bare")),
    "second-of-two": scope_case("locations.readonly", get("/contacts/lookup", who="reader")),
    "any-of": scope_case("contacts.readonly", get("/contacts/either", who="bare")),
    "no-route": Case(code="route_unknown", status=404, ask=get("/nothing/here")),
    "no-such-method": Case(
        code="route_unknown",
        status=404,
        ask=lambda s: request("DELETE", "/versioned", token=s.full.secret),
    ),
    "no-version": Case(code="version_required", status=400, ask=get("/versioned")),
    "wrong-version": Case(
        code="version_required",
        status=400,
        ask=get("/versioned", b"Version: 2020-01-01"),
    ),
    "two-versions": Case(
        code="version_required",
        status=400,
        ask=get("/versioned", b"Version: 2021-07-28", b"Version: 2021-04-15"),
    ),
    "dot-dot": path_refused("/contacts/../agencies"),
    "encoded-dot": path_refused("/contacts/%2e%2e/x"),
    "empty-segment": path_refused("/contacts//c1"),
    "two-slashes": path_refused("//contacts/c1", closes=True),
    "encoded-slash": path_refused("/contacts/a%2Fb"),
    "double-encoding": path_refused("/contacts/%252e"),
    "semicolon": path_refused("/contacts/c1;v=1"),
    "backslash": path_refused("/contacts\\c1"),
    "nul": path_refused("/contacts/%00"),
    "bad-escape": path_refused("/contacts/%zz"),
    "no-http": bad(b"hello\r\n\r\n"),
    "no-host": bad(b"GET /contacts/c1 HTTP/1.1\r\n\r\n"),
    "two-hosts": bad(b"GET /contacts/c1 HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    "two-framings": bad(
        b"POST /contacts/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "two-lengths": bad(
        b"POST /contacts/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na"
    ),
    "signed-length": bad(b"POST /contacts/ HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na"),
    "gzip-coding": bad(b"POST /contacts/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
    "folded-field": bad(b"GET /contacts/c1 HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n b\r\n\r\n"),
    "blank-before-colon": bad(b"GET /contacts/c1 HTTP/1.1\r\nHost: a\r\nX-A : 1\r\n\r\n"),
    "nul-in-field": bad(b"GET /contacts/c1 HTTP/1.1\r\nHost: a\r\nX-A: \x00\r\n\r\n"),
    "bare-lf": bad(b"GET /contacts/c1 HTTP/1.1\nHost: a\n\n\r\n\r\n"),
    "fragment": bad(b"GET /contacts/c1#x HTTP/1.1\r\nHost: a\r\n\r\n"),
    "other-authority": bad(b"GET http://b/contacts/c1 HTTP/1.1\r\nHost: a\r\n\r\n"),
    "asterisk": bad(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
    "connect": Case(
        code="method_refused",
        status=405,
        ask=raw(b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"),
        closes=True,
    ),
    "trace": Case(
        code="method_refused",
        status=405,
        ask=raw(b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"),
        closes=True,
    ),
    "http-2": Case(
        code="protocol_unsupported",
        status=505,
        ask=raw(b"GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
        closes=True,
    ),
    "http-0.9": Case(
        code="protocol_unsupported",
        status=505,
        ask=raw(b"GET / HTTP/0.9\r\nHost: a\r\n\r\n"),
        closes=True,
    ),
    "body-too-large": Case(code="body_too_large", status=413, ask=large_body),
    "chunked-too-large": Case(code="body_too_large", status=413, ask=large_chunked_body),
    "target-too-long": Case(
        code="target_too_long",
        status=414,
        ask=get("/contacts/" + "a" * 8200),
        closes=True,
    ),
    "field-too-large": Case(
        code="head_too_large",
        status=431,
        ask=long_field,
        closes=True,
    ),
    "too-many-fields": Case(
        code="head_too_large",
        status=431,
        ask=many_fields,
        closes=True,
    ),
    "head-too-large": Case(
        code="head_too_large",
        status=431,
        ask=large_head,
        closes=True,
    ),
    "unreachable": Case(code="upstream_unreachable", status=502, ask=get("/away/x")),
}


def judge(case: Case, answer: Answer) -> None:
    """All that the contract says of an answer of the gateway's own."""
    assert (answer.status, answer.code) == (case.status, case.code)
    told = answer.json
    request_id = answer.value(b"X-Request-Id")
    assert request_id is not None
    assert re.fullmatch(rb"[A-Za-z0-9._-]{1,128}", request_id)
    members = {"statusCode", "error", "message", "code", "traceId"} | ({"scope"} if case.scope else set())
    assert set(told) == members
    assert (told["statusCode"], told["code"]) == (case.status, case.code)
    assert told["traceId"] == request_id.decode()
    assert told.get("scope") == case.scope
    assert isinstance(told["message"], str)
    assert told["message"]
    assert told["error"] == answer.reason.decode() == phrase(case.status)
    assert answer.value(b"WWW-Authenticate") == case.challenge
    assert answer.value(b"Retry-After") is None
    assert answer.value(b"Content-Length") == str(len(answer.body)).encode()
    assert answer.closes is case.closes
    # Nothing of ours says what it is made of.
    assert answer.value(b"Server") is None


async def test_each_refusal_is_answered_as_the_contract_says(rig: Rig, subtests: pytest.Subtests) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream, proxy__guessing__free=0)
    for name, case in CASES.items():
        with subtests.test(name):
            caller = await gateway.caller()
            await caller.send(case.ask(rig.standing))
            judge(case, await caller.answer())
            if case.closes:
                assert await caller.rest() == b""
            else:
                assert (await caller.ask(request("GET", "/contacts/next", token=rig.token))).status == 200
            others = [arrival for arrival in upstream.take() if arrival.target != "/contacts/next"]
            # A chunked body may begin its way before it is found to be too large; it never ends it.
            assert not any(arrival.whole for arrival in others)
            assert not others or name == "chunked-too-large"


def test_the_table_has_every_code_that_a_single_request_can_meet() -> None:
    elsewhere = {
        Code.REQUEST_TIMEOUT,  # test_timeouts
        Code.UPSTREAM_TIMEOUT,  # test_timeouts
        Code.UPSTREAM_BAD_RESPONSE,  # test_upstreams
        Code.STORE_UNAVAILABLE,  # e2e/test_outage
        Code.OVERLOADED,  # below
        Code.RATE_LIMITED,  # nothing is counted yet
        Code.INTERNAL_ERROR,  # no request is known to meet it
    }
    assert {Code(case.code) for case in CASES.values()} == set(Code) - elsewhere


async def test_scope_status_401_is_for_callers_that_expect_it(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream, errors__scope_status=401)
    answer = await gateway.get("/contacts/c1", token=rig.standing.bare.secret)
    assert (answer.status, answer.reason, answer.code) == (401, b"Unauthorized", "scope_missing")
    assert answer.json["statusCode"] == 401
    assert answer.json["scope"] == "contacts.readonly"


async def test_the_missing_scope_is_not_named_where_the_operator_says_so(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream, errors__name_missing_scope=False)
    answer = await gateway.get("/contacts/c1", token=rig.standing.bare.secret)
    assert answer.code == "scope_missing"
    assert b"contacts.readonly" not in answer.body
    assert answer.value(b"WWW-Authenticate") == b'Bearer realm="gateway", error="insufficient_scope"'


async def test_a_refused_head_has_no_body(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    answer = await caller.ask(request("HEAD", "/contacts/c1"))
    assert (answer.status, answer.body) == (401, b"")
    assert (await caller.ask(request("HEAD", "/contacts/c1", token=rig.token))).status == 200


async def test_an_answer_of_ours_holds_no_credential_no_address_and_nothing_the_caller_sent(rig: Rig) -> None:
    upstream = await rig.upstream(saying(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"))
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    for asked in (
        request("GET", "/away/marker?marker", b"X-Marker: marker", token=rig.token),
        request("GET", "/contacts/marker", b"X-Marker: marker", token=rig.token),
        request("GET", "/marker/marker", b"X-Marker: marker", token=rig.standing.unknown),
        b"GET /marker HTTP/1.1\r\nHost: a\r\nmarker marker\r\n\r\n",
    ):
        answer = await caller.ask(asked)
        assert answer.status >= 400
        shown = answer.body + repr(answer.fields).encode()
        for secret in (
            b"marker",
            rig.token.encode(),
            str(upstream.port).encode(),
            b"127.0.0.1",
            b"Traceback",
        ):
            assert secret not in shown


async def test_more_connections_than_allowed_are_told_to_come_back(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream, proxy__max_connections=1)
    first = await gateway.caller()
    assert (await first.ask(request("GET", "/contacts/c1", token=rig.token))).status == 200
    second = await gateway.caller()
    answer = await second.answer()
    assert (answer.status, answer.code, answer.closes) == (503, "overloaded", True)
    assert answer.value(b"Retry-After") == b"1"
    assert await second.rest() == b""
    assert (await first.ask(request("GET", "/contacts/c1", token=rig.token))).status == 200


async def test_a_token_is_taken_with_any_case_of_the_scheme_and_blanks_around(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    for value in (b"bearer %b", b"BEARER   %b", b"Bearer %b  \t", b"\t Bearer %b"):
        field = b"Authorization:" + value % rig.token.encode()
        assert (await gateway.get("/contacts/c1", field)).status == 200
    assert all(not arrival.values(b"Authorization") for arrival in upstream.arrivals)


async def test_a_token_anywhere_else_is_not_read(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    token = rig.token.encode()
    for asked in (
        request("GET", f"/contacts/c1?access_token={rig.token}"),
        request("GET", "/contacts/c1", b"Proxy-Authorization: Bearer " + token),
        request("GET", "/contacts/c1", b"Cookie: access_token=" + token),
        request("POST", "/contacts/", body=b"access_token=" + token),
    ):
        assert (await gateway.ask(asked)).code == "token_missing"
    caller = await gateway.caller()
    await caller.send(
        b"POST /contacts/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
        b"Authorization: Bearer " + token + b"\r\n\r\n"
    )
    assert (await caller.answer()).code == "token_missing"
    assert upstream.arrivals == []


async def test_every_request_of_a_connection_is_authorised_anew(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    statuses = [
        (await caller.ask(request("GET", "/contacts/c1", token=token))).status
        for token in (rig.token, None, rig.token, rig.standing.bare.secret, rig.token)
    ]
    assert statuses == [200, 401, 200, 403, 200]
