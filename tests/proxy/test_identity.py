"""What the upstream may believe: the identity fields are the gateway's own, whatever the caller sends, on every route."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.proxy.caller import request
from tests.proxy.recording import Arrival, saying
from tests.wiring.rig import Rig
from tests.wiring.tenants import Issued

NAMES = ("Account-Id", "Account-Kind", "Integration-Id", "Token-Id", "Scopes", "Route")
ROUTES = {
    "scoped": ("GET", "/contacts/c1", "/contacts/{contactId}"),
    "authenticated": ("GET", "/public/ping", "/public/ping"),
    "public": ("POST", "/oauth/token", None),
}


def spellings(name: str) -> Iterator[str]:
    """Ways to write one field name that some server takes for the same: CGI, FastCGI, PHP, WSGI and others."""
    full = f"X-Gateway-{name}"
    yield full
    yield full.lower()
    yield full.upper()
    yield full.swapcase()
    yield full.replace("-", "_")
    yield full.replace("-", "_").lower()
    yield full.replace("-", "_", 1)
    yield "X-Gateway_" + name
    yield full.replace("-", ".")


def forged() -> list[bytes]:
    """Every identity field in every spelling, and names that are not ours yet but look like it."""
    names = [spelling for name in (*NAMES, "Anything") for spelling in spellings(name)]
    return [f"{name}: forged-{number}".encode() for number, name in enumerate(names)]


def identity_of(arrival: Arrival) -> dict[str, bytes]:
    """All fields that a lenient server could take for the gateway's, by their canonical names."""
    found: dict[str, bytes] = {}
    for name, value in arrival.fields:
        alike = re.sub(rb"[^a-z0-9]", b"-", name.lower()).decode()
        if alike.startswith("x-gateway-"):
            assert alike not in found, f"{name!r} stands twice"
            found[alike.removeprefix("x-gateway-")] = value
    return found


def expected(issued: Issued, template: str) -> dict[str, bytes]:
    values = (
        issued.account_id,
        issued.account_kind.value,
        issued.integration_id,
        issued.token_id,
        " ".join(sorted(issued.scopes)),
        template,
    )
    return {name.lower(): value.encode() for name, value in zip(NAMES, values, strict=True)}


@pytest.mark.parametrize("underscores", ["drop", "pass"])
@pytest.mark.parametrize("route", ROUTES)
async def test_forged_identity_never_arrives_in_any_spelling(rig: Rig, route: str, underscores: str) -> None:
    method, path, template = ROUTES[route]
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream, proxy__underscore_headers=underscores)
    caller = await gateway.caller()
    fields = forged()
    token = None if template is None else rig.token
    for batch in _batched(fields, 20):
        assert (await caller.ask(request(method, path, *batch, *batch, token=token))).status == 200
    for arrival in upstream.arrivals:
        want = {} if template is None else expected(rig.standing.full, template)
        assert identity_of(arrival) == want
        assert b"forged" not in arrival.head


def _batched(items: list[bytes], size: int) -> Iterator[list[bytes]]:
    for at in range(0, len(items), size):
        yield items[at : at + size]


@pytest.mark.parametrize(
    "nominated",
    [
        *(f"X-Gateway-{name}" for name in NAMES),
        "x-gateway-account-id, X-GATEWAY-SCOPES",
        "X_Gateway_Account_Id",
        "X-Request-Id",
        "X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host",
        "Host",
        "Content-Length",
        "Transfer-Encoding",
        "Authorization",
        "close, X-Gateway-Account-Id",
        "keep-alive,,X-Gateway-Account-Id,",
    ],
)
async def test_connection_cannot_remove_what_the_gateway_adds(rig: Rig, nominated: str) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    asked = request(
        "POST", "/contacts/", f"Connection: {nominated}".encode(), token=rig.token, body=b"a body"
    )
    assert (await gateway.ask(asked)).status == 200
    arrival = upstream.arrivals[0]
    assert identity_of(arrival) == expected(rig.standing.full, "/contacts/")
    assert arrival.body == b"a body"
    assert arrival.value(b"Content-Length") == b"6"
    assert arrival.value(b"X-Request-Id")
    assert arrival.value(b"X-Forwarded-For") == b"127.0.0.1"
    assert arrival.value(b"X-Forwarded-Proto") == b"http"
    assert arrival.value(b"X-Forwarded-Host") == b"gateway.test"
    assert arrival.value(b"Host") == f"127.0.0.1:{upstream.port}".encode()
    assert arrival.values(b"Connection") == []


async def test_identity_is_each_callers_own_on_one_connection(rig: Rig) -> None:
    """Tokens take turns on one connection, and so do the requests on the one upstream connection."""
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    turns = [rig.standing.full, rig.standing.other, rig.standing.full, rig.standing.reader] * 3
    for issued in turns:
        assert (await caller.ask(request("GET", "/contacts/c1", token=issued.secret))).status == 200
        assert (await caller.ask(request("POST", "/oauth/token"))).status == 200
    assert [identity_of(arrival) for arrival in upstream.arrivals[::2]] == [
        expected(issued, "/contacts/{contactId}") for issued in turns
    ]
    assert [identity_of(arrival) for arrival in upstream.arrivals[1::2]] == [{}] * len(turns)


async def test_an_agencys_kind_is_told(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    assert (await gateway.get("/agencies/a1", token=rig.standing.agency.secret)).status == 200
    assert identity_of(upstream.arrivals[0]) == expected(rig.standing.agency, "/agencies/{agencyId}")
    assert upstream.arrivals[0].value(b"X-Gateway-Account-Kind") == b"agency"


async def test_a_token_without_scopes_is_told_as_such(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    assert (await gateway.get("/public/ping", token=rig.standing.bare.secret)).status == 200
    assert upstream.arrivals[0].value(b"X-Gateway-Scopes") == b""


async def test_the_prefix_is_the_operators_choice_and_guards_its_own_spellings(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream, identity__header_prefix="Acme-Caller-")
    fields = [
        b"acme_caller_account_id: forged",
        b"ACME-CALLER-SCOPES: forged",
        b"X-Gateway-Account-Id: plain",
    ]
    assert (await gateway.get("/contacts/c1", *fields, token=rig.token)).status == 200
    arrival = upstream.arrivals[0]
    assert arrival.value(b"Acme-Caller-Account-Id") == rig.standing.full.account_id.encode()
    assert b"forged" not in arrival.head
    assert arrival.value(b"X-Gateway-Account-Id") == b"plain"


@pytest.mark.parametrize("route", ROUTES)
async def test_the_token_never_reaches_the_upstream(rig: Rig, route: str) -> None:
    method, path, _ = ROUTES[route]
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream, proxy__underscore_headers="pass")
    fields = [
        b"Proxy-Authorization: Bearer " + rig.token.encode(),
        b"proxy_authorization: Bearer " + rig.token.encode(),
        b"Proxy-Connection: keep-alive",
        b"Proxy: http://evil.test",
    ]
    assert (await gateway.ask(request(method, path, *fields, token=rig.token))).status == 200
    arrival = upstream.arrivals[0]
    assert rig.token.encode() not in arrival.head
    assert b"uthorization" not in arrival.head
    assert b"evil.test" not in arrival.head


DROPPED = [
    "X-HTTP-Method-Override",
    "X-HTTP-Method",
    "X-Method-Override",
    "X-Original-URL",
    "X-Original-Host",
    "X-Rewrite-URL",
    "X-Real-IP",
    "X-Client-IP",
    "True-Client-IP",
    "Forwarded",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Server",
    "Keep-Alive",
    "TE",
    "Trailer",
    "Upgrade",
    "Proxy",
]


@pytest.mark.parametrize("underscores", ["drop", "pass"])
@pytest.mark.parametrize("route", ROUTES)
async def test_fields_that_override_or_claim_are_dropped(rig: Rig, route: str, underscores: str) -> None:
    method, path, _ = ROUTES[route]
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream, proxy__underscore_headers=underscores)
    fields = [f"{name}: marker".encode() for name in DROPPED]
    fields += [f"{name.replace('-', '_').lower()}: marker".encode() for name in DROPPED if "-" in name]
    answer = await gateway.ask(request(method, path, *fields, token=rig.token))
    assert answer.status == 200
    arrival = upstream.arrivals[0]
    assert b"marker" not in arrival.head
    assert (arrival.method, arrival.target) == (method, path)


async def test_everything_else_keeps_its_bytes_order_and_repeats(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    sent = [
        b"user-agent: curl/8",
        b"X-A: 1",
        b"x-a: 2",
        b"ACCEPT: */*",
        b"X-A: 1",
        b"Cookie: a=1",
        b"Cookie: b=2",
        b"X-Empty:",
        b"X-Latin: caf\xe9 \xff",
        b"Version: 2021-07-28",
        b"Accept-Encoding: gzip;q=0",
        b"X-Long: " + b"y" * 8000,
        b'If-None-Match: "a", W/"b"',
    ]
    assert (await gateway.get("/contacts/c1?b=%20+%zz&a=1&&=", *sent, token=rig.token)).status == 200
    arrival = upstream.arrivals[0]
    assert arrival.target == "/contacts/c1?b=%20+%zz&a=1&&="
    ours = {b"host", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-request-id"}
    passed = [
        (name, value)
        for name, value in arrival.fields
        if name.lower() not in ours and not name.lower().startswith(b"x-gateway-")
    ]
    assert passed == [(name, value.strip()) for name, _, value in (line.partition(b":") for line in sent)]


async def test_underscore_names_are_dropped_unless_the_operator_lets_them_pass(rig: Rig) -> None:
    upstream = await rig.upstream()
    for choice in ("drop", "pass"):
        gateway = await rig.gateway(upstream, proxy__underscore_headers=choice)
        assert (await gateway.get("/contacts/c1", b"my_field: 1", token=rig.token)).status == 200
    dropped, passed = upstream.arrivals
    assert b"my_field" not in dropped.head
    assert b"my_field: 1\r\n" in passed.head


FORWARDED = [
    b"X-Forwarded-For: 9.9.9.9",
    b"X-Forwarded-Proto: https",
    b"X-Forwarded-Host: public.test",
]


async def test_forwarded_fields_of_a_stranger_are_replaced(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    under = [field.replace(b"-", b"_", 2) for field in FORWARDED]
    assert (await gateway.get("/contacts/c1", *FORWARDED, *under, token=rig.token)).status == 200
    arrival = upstream.arrivals[0]
    assert arrival.value(b"X-Forwarded-For") == b"127.0.0.1"
    assert arrival.value(b"X-Forwarded-Proto") == b"http"
    assert arrival.value(b"X-Forwarded-Host") == b"gateway.test"


async def test_forwarded_fields_of_a_trusted_proxy_are_kept_and_added_to(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream, proxy__trusted_proxies=["127.0.0.0/8"])
    again = b"X-Forwarded-For: 8.8.8.8"
    assert (await gateway.get("/contacts/c1", *FORWARDED, again, token=rig.token)).status == 200
    arrival = upstream.arrivals[0]
    assert arrival.value(b"X-Forwarded-For") == b"9.9.9.9, 8.8.8.8, 127.0.0.1"
    assert arrival.value(b"X-Forwarded-Proto") == b"https"
    assert arrival.value(b"X-Forwarded-Host") == b"public.test"
    # Identity is believed from nobody.
    upstream.take()
    assert (await gateway.get("/contacts/c1", *forged()[:20], token=rig.token)).status == 200
    assert identity_of(upstream.arrivals[0]) == expected(rig.standing.full, "/contacts/{contactId}")


@pytest.mark.parametrize("good", ["a", "abc-DEF_1.2", "x" * 128])
async def test_a_good_request_id_of_the_caller_is_kept_and_echoed(rig: Rig, good: str) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    field = f"x-request-id: {good}".encode()
    for asked in (
        request("GET", "/contacts/c1", field, token=rig.token),
        request("POST", "/oauth/token", field),
    ):
        answer = await gateway.ask(asked)
        assert answer.value(b"X-Request-Id") == good.encode()
    assert [arrival.value(b"X-Request-Id") for arrival in upstream.arrivals] == [good.encode()] * 2
    refused = await gateway.ask(request("GET", "/contacts/c1", field))
    assert (refused.value(b"X-Request-Id"), refused.json["traceId"]) == (good.encode(), good)


@pytest.mark.parametrize(
    "line", [b"GET //x HTTP/1.1", b"TRACE /x HTTP/1.1", b"GET /x#y HTTP/1.1", b"HEAD //x HTTP/1.1"]
)
@pytest.mark.parametrize("first", [True, False])
async def test_a_refusal_of_the_request_as_a_whole_echoes_the_callers_request_id(
    rig: Rig, line: bytes, first: bool
) -> None:
    """Else the caller cannot find it in the log: on a new connection, and after a head that is remembered."""
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    caller = await gateway.caller()
    fields = b"Host: gateway.test\r\nX-Request-Id: theirs-1\r\n\r\n"
    if not first:
        assert (await caller.ask(b"POST /oauth/token HTTP/1.1\r\n" + fields)).status == 200
    refused = await caller.ask(line + b"\r\n" + fields)
    assert refused.value(b"X-Request-Id") == b"theirs-1"
    assert line.startswith(b"HEAD") or refused.json["traceId"] == "theirs-1"
    assert await caller.rest() == b""


@pytest.mark.parametrize(
    "fields",
    [[b"X-Request-Id: a b"], [b"X-Request-Id: one", b"X-Request-Id: two"], [b"X_Request_Id: one"]],
)
async def test_a_refusal_of_the_request_as_a_whole_repeats_no_bad_request_id(
    rig: Rig, fields: list[bytes]
) -> None:
    gateway = await rig.gateway(await rig.upstream())
    refused = await gateway.get("//x", *fields)
    assert re.fullmatch(rb"[0-9a-f]{32}", refused.value(b"X-Request-Id") or b"")


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [b"X-Request-Id:"],
        [b"X-Request-Id: a b"],
        [b"X-Request-Id: " + b"x" * 129],
        [b"X-Request-Id: a/b"],
        [b"X-Request-Id: caf\xe9"],
        [b"X-Request-Id: one", b"X-Request-Id: two"],
        [b"X_Request_Id: one"],
    ],
)
async def test_a_bad_request_id_is_replaced(rig: Rig, fields: list[bytes]) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    answers = [await gateway.get("/contacts/c1", *fields, token=rig.token) for _ in range(2)]
    given = [answer.value(b"X-Request-Id") for answer in answers]
    assert given[0] != given[1]
    for arrival, request_id in zip(upstream.arrivals, given, strict=True):
        assert request_id is not None
        assert re.fullmatch(rb"[0-9a-f]{32}", request_id)
        assert arrival.value(b"X-Request-Id") == request_id


async def test_the_upstreams_own_request_id_does_not_stand_beside_ours(rig: Rig) -> None:
    """One answer, one id: the caller must not have to choose."""
    upstream = await rig.upstream(
        saying(b"HTTP/1.1 200 OK\r\nX-Request-Id: theirs\r\nContent-Length: 2\r\n\r\nok")
    )
    gateway = await rig.gateway(upstream)
    answer = await gateway.get("/contacts/c1", b"X-Request-Id: mine", token=rig.token)
    assert answer.values(b"X-Request-Id") == [b"mine"]


async def test_host_becomes_the_upstreams_unless_it_wants_the_callers(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    for path in ("/contacts/c1", "/hosted/x"):
        asked = request("GET", path, token=rig.token, host="Public.Example:8443")
        assert (await gateway.ask(asked)).status == 200
    own, kept = upstream.arrivals
    assert own.value(b"Host") == f"127.0.0.1:{upstream.port}".encode()
    assert kept.value(b"Host") == b"Public.Example:8443"
    assert own.value(b"X-Forwarded-Host") == kept.value(b"X-Forwarded-Host") == b"Public.Example:8443"


async def test_absolute_form_becomes_origin_form(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    asked = request("GET", "http://gateway.test/contacts/c1?x=1", token=rig.token)
    assert (await gateway.ask(asked)).status == 200
    assert upstream.arrivals[0].target == "/contacts/c1?x=1"


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        ("/contacts/a%7eb", "/contacts/a~b"),
        ("/contacts/%61bc", "/contacts/abc"),
        ("/contacts/%c3%bc", "/contacts/%C3%BC"),
        ("/contacts/a%3ab", "/contacts/a%3Ab"),
        ("/contacts/a+b@c,d=e!$&'()*", "/contacts/a+b@c,d=e!$&'()*"),
        ("/contacts/c1/", "/contacts/c1/"),
        ("/%63ontacts/c1", "/contacts/c1"),
    ],
)
async def test_what_was_matched_is_what_is_forwarded(rig: Rig, sent: str, arrives: str) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    assert (await gateway.get(sent, token=rig.token)).status == 200
    assert upstream.arrivals[0].target == arrives
