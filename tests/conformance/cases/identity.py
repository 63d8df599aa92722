"""Who is vouched for: no spelling of a caller's makes an identity header, and none of ours can be taken away."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from tests.conformance.case import EVIL, LANE, Case, Expectation, Kind, Observation, Problems, folded
from tests.conformance.cases.writing import case
from tests.conformance.expect import all_of, forwarded, in_time
from tests.conformance.messages import AUTH, HOST, ITEM, bare, chunks, request

_case = partial(case, Kind.IDENTITY)

_NAMES: Final = (
    b"Account-Id",
    b"Account-Kind",
    b"Integration-Id",
    b"Token-Id",
    b"Scopes",
    b"Route",
    b"Unknown",
    b"",
)
# Each letter or hyphen of the prefix, as someone could write it.
_SPELLINGS: Final = {
    "as-is": b"X-Gateway-Account-Id",
    "lower": b"x-gateway-account-id",
    "upper": b"X-GATEWAY-ACCOUNT-ID",
    "mixed": b"x-GaTeWaY-aCcOuNt-Id",
    "underscores": b"X_Gateway_Account_Id",
    "underscores-upper": b"X_GATEWAY_ACCOUNT_ID",
    "underscore-first": b"X_Gateway-Account-Id",
    "underscore-second": b"X-Gateway_Account-Id",
    "underscore-third": b"X-Gateway-Account_Id",
    "underscore-mixed": b"x_gateway-Account_id",
    "dots": b"X.Gateway.Account.Id",
    "dot-first": b"X.Gateway-Account-Id",
    "dot-second": b"X-Gateway.Account-Id",
    "dot-third": b"X-Gateway-Account.Id",
    "tilde": b"X~Gateway~Account~Id",
    "plus": b"X+Gateway+Account+Id",
    "bang": b"X!Gateway-Account!Id",
    "hash": b"X#Gateway#Account#Id",
    "dollar": b"X$Gateway-Account-Id",
    "percent": b"X%Gateway-Account-Id",
    "ampersand": b"X&Gateway&Account&Id",
    "apostrophe": b"X'Gateway'Account'Id",
    "asterisk": b"X*Gateway*Account*Id",
    "caret": b"X^Gateway^Account^Id",
    "backtick": b"X`Gateway`Account`Id",
    "pipe": b"X|Gateway|Account|Id",
}
_DROPPED: Final = (
    b"X-Forwarded-For", b"X-Forwarded-Proto", b"X-Forwarded-Host", b"X-Forwarded-Port", b"X-Forwarded-Prefix", b"X-Forwarded-Server",
    b"X-Forwarded-User", b"X-Forwarded-Email", b"X-Forwarded-Ssl", b"X-Forwarded-Scheme", b"X-Forwarded-Uri", b"X-Forwarded-Method",
    b"Forwarded", b"X-Real-IP", b"X-Client-IP", b"True-Client-IP", b"X-Original-URL", b"X-Original-URI",
    b"X-Original-Host", b"X-Original-Method", b"X-Original-Forwarded-For", b"X-Rewrite-URL", b"X-HTTP-Method-Override",
    b"X-HTTP-Method", b"X-Method-Override", b"Proxy", b"Proxy-Connection", b"Proxy-Authorization", b"Proxy-Authenticate",
    b"Proxy-Foo", b"Keep-Alive", b"TE", b"Trailer", b"Upgrade",
)  # fmt: skip
_OPTIONS_ABUSED: Final = (
    b"X-Gateway-Account-Id", b"x-gateway-account-id", b"X-Gateway-Scopes", b"X-Gateway-Route", b"X_Gateway_Account_Id",
    b"X-Request-Id", b"X-Forwarded-For", b"X-Forwarded-Proto", b"X-Forwarded-Host", b"Host", b"Authorization", b"Content-Length",
    b"Transfer-Encoding", b"Connection", b"Via", b"Expect", b"*", b"GET",
)  # fmt: skip
_SPOOF: Final = tuple(b"X-Gateway-" + name + b": evil" for name in _NAMES)


def cases() -> Iterator[Case]:
    """All of them."""
    for name, spelling in _SPELLINGS.items():
        for place, fields in (
            ("before", (spelling + b": evil", HOST, AUTH)),
            ("behind", (HOST, AUTH, spelling + b": evil")),
        ):
            yield _case(f"spelling-{place}/{name}", bare(*fields), _not_spoofed())
        public = bare(HOST, spelling + b": evil", target=LANE + b"/public/ping")
        yield _case(f"spelling-public/{name}", public, _not_spoofed(identity=False))
        me = bare(HOST, AUTH, spelling + b": evil", target=LANE + b"/me")
        yield _case(f"spelling-authenticated/{name}", me, _not_spoofed())
    for ours in _NAMES:
        label = ours.decode().lower() or "prefix-alone"
        yield _case(f"ours/{label}", request(b"X-Gateway-" + ours + b": evil"), _not_spoofed())
        yield _case(
            f"ours-underscore/{label}",
            request(b"X_Gateway_" + ours.replace(b"-", b"_") + b": evil"),
            _not_spoofed(),
        )
    yield _case("all-at-once", request(*_SPOOF), _not_spoofed())
    yield _case(
        "all-at-once-public", bare(HOST, *_SPOOF, target=LANE + b"/public/ping"), _not_spoofed(identity=False)
    )
    yield _case("all-twice", request(*_SPOOF, *_SPOOF), _not_spoofed())
    yield _case("all-spellings", request(*(name + b": evil" for name in _SPELLINGS.values())), _not_spoofed())
    yield _case("repeats-100", request(*(b"X-Gateway-Account-Id: evil",) * 100), _not_spoofed())
    yield _case("empty-value", request(b"X-Gateway-Account-Id:"), _not_spoofed())
    yield _case("comma-value", request(b"X-Gateway-Scopes: evil, evil"), _not_spoofed())
    yield _case(
        "with-body",
        request(b"Content-Length: 5", *_SPOOF, method=b"POST", body=b"hello"),
        _not_spoofed(body=b"hello"),
    )
    yield _case("on-head", request(*_SPOOF, method=b"HEAD"), _not_spoofed())
    yield _case("http-1.0", request(*_SPOOF, version=b"HTTP/1.0"), _not_spoofed(closes=True))
    yield _case("absolute-form", request(*_SPOOF, target=b"http://gateway.test/@@/items/1"), _not_spoofed())
    yield _case("prefix-of-ours", request(b"X-Gatewa: evil"), forwarded(has=((b"X-Gatewa", b"evil"),)))
    yield _case("prefix-longer", request(b"X-Gateways: evil"), forwarded(has=((b"X-Gateways", b"evil"),)))
    yield _case("scopes-sorted", request(), forwarded(has=((b"X-Gateway-Scopes", b"items.write"),)))
    yield _case("route-is-template", request(), forwarded(has=((b"X-Gateway-Route", b"/@@/items/{id}"),)))
    yield _case("kind", request(), forwarded(has=((b"X-Gateway-Account-Kind", b"sub_account"),)))
    yield from _trailers()
    yield from _nominated()
    yield from _claims()
    yield from _request_ids()


def _trailers() -> Iterator[Case]:
    for name in ("as-is", "lower", "underscores", "dots"):
        spelling = _SPELLINGS[name]
        coded = b"5\r\nhello\r\n0\r\n" + spelling + b": evil\r\n\r\n"
        for announced in (b"Trailer: " + spelling, b"X-A: b"):
            label = "announced" if announced.startswith(b"Trailer") else "unannounced"
            fields = (b"Transfer-Encoding: chunked", b"TE: trailers", announced)
            sent = request(*fields, method=b"POST", body=coded)
            yield _case(f"trailer-{label}/{name}", sent, _not_spoofed(body=b"hello"))
    public = bare(
        HOST,
        b"Transfer-Encoding: chunked",
        method=b"POST",
        target=LANE + b"/public/ping",
        body=b"0\r\n" + _SPOOF[0] + b"\r\n\r\n",
    )
    yield _case("trailer-public", public, _not_spoofed(identity=False))


def _nominated() -> Iterator[Case]:
    for option in _OPTIONS_ABUSED:
        label = option.decode()
        sent = request(b"Connection: " + option)
        yield _case(f"nominated/{label}", sent, _still_there())
        yield _case(
            f"nominated-close/{label}", request(b"Connection: close, " + option), _still_there(closes=True)
        )
        body = request(b"Content-Length: 5", b"Connection: " + option, method=b"POST", body=b"hello")
        yield _case(f"nominated-body/{label}", body, _still_there(body=b"hello"))
    chunked_body = request(
        b"Transfer-Encoding: chunked", b"Connection: Transfer-Encoding", method=b"POST", body=chunks(b"hello")
    )
    yield _case("nominated-chunked/transfer-encoding", chunked_body, _still_there(body=b"hello"))
    everything = b", ".join(_OPTIONS_ABUSED)
    yield _case("nominated/everything", request(b"Connection: " + everything), _still_there())
    yield _case(
        "nominated/everything-and-spoofed", request(b"Connection: " + everything, *_SPOOF), _not_spoofed()
    )
    yield _case(
        "nominated/many-fields",
        request(*(b"Connection: " + option for option in _OPTIONS_ABUSED)),
        _still_there(),
    )
    dropped = forwarded(lacks=(b"X-Hop", b"X-Other"))
    yield _case(
        "nominated/own-field", request(b"Connection: X-Hop, x-other", b"X-Hop: a", b"X-Other: b"), dropped
    )
    yield _case(
        "nominated/own-field-behind", request(b"X-Hop: a", b"Connection: x-hop"), forwarded(lacks=(b"X-Hop",))
    )
    yield _case(
        "nominated/cookie", request(b"Cookie: a=b", b"Connection: Cookie"), forwarded(lacks=(b"Cookie",))
    )
    yield _case(
        "nominated/blanks-and-commas",
        request(b"X-Hop: a", b"Connection: ,, X-Hop ,,"),
        forwarded(lacks=(b"X-Hop",)),
    )
    yield _case("nominated/quoted", request(b"X-Hop: a", b'Connection: "X-Hop"'), forwarded())
    yield _case(
        "nominated/long",
        request(b"Connection: " + b", ".join(b"x%d" % number for number in range(800))),
        forwarded(),
    )


def _claims() -> Iterator[Case]:
    for name in _DROPPED:
        yield _case(f"claim/{name.decode().lower()}", request(name + b": evil"), _claim_is_gone(name))
        if b"-" in name and name != b"Keep-Alive":
            alike = name.replace(b"-", b"_")
            yield _case(
                f"claim-underscore/{name.decode().lower()}", request(alike + b": evil"), _claim_is_gone(name)
            )
    yield _case(
        "claim/twice",
        request(b"X-Forwarded-For: evil", b"X-Forwarded-For: evil"),
        _claim_is_gone(b"X-Forwarded-For"),
    )
    yield _case("claim/list", request(b"X-Forwarded-For: evil, 10.0.0.1"), _claim_is_gone(b"X-Forwarded-For"))
    for_us = forwarded(
        has=(
            (b"X-Forwarded-For", b"127.0.0.1"),
            (b"X-Forwarded-Proto", b"http"),
            (b"X-Forwarded-Host", b"gateway.test"),
        )
    )
    yield _case(
        "claim/replaced",
        request(b"X-Forwarded-For: 1.2.3.4", b"X-Forwarded-Proto: https", b"X-Forwarded-Host: evil.test"),
        for_us,
    )
    for name in (b"X_A", b"_", b"a_b_c", b"Content_Type", b"Cookie_"):
        sent = request(name + b": evil")
        yield _case(f"underscore/{name.decode().lower()}", sent, forwarded(lacks=(name,), optional=True))


def _request_ids() -> Iterator[Case]:
    for value in (b"abc", b"A.b_c-9", b"1", b"a" * 128):
        sent = request(b"X-Request-Id: " + value)
        yield _case(
            f"request-id-kept/{value[:10].decode()}",
            sent,
            forwarded(has=((b"X-Request-Id", value),), optional=True),
        )
    for name, value in (
        ("empty", b""),
        ("blank", b"a b"),
        ("129", b"a" * 129),
        ("slash", b"a/b"),
        ("quote", b'a"b'),
        ("comma", b"a,b"),
        ("high-byte", b"a\xff"),
        ("angle", b"<script>"),
        ("escape", b"%0a"),
    ):
        yield _case(f"request-id-new/{name}", request(b"X-Request-Id: " + value), _new_id(value))
    yield _case("request-id-new/twice", request(b"X-Request-Id: a", b"X-Request-Id: b"), _new_id(b"a"))
    yield _case("request-id-new/underscore", request(b"X_Request_Id: evil"), _new_id(b"evil"))


def _not_spoofed(*, identity: bool = True, body: bytes = b"", closes: bool = False) -> Expectation:
    """Served, with no trace of the claim. That nothing spoofed arrives is asked of every case, of every product."""
    served = forwarded(identity=identity, body=body, closes=closes, optional=True)
    return Expectation(exact=all_of(served.exact, _no_evil), service=in_time, closes=closes)


def _no_evil(seen: Observation) -> Problems:
    return [
        f"{name!r}: {value!r} arrived"
        for arrival in seen.arrivals
        for name, value in arrival.alike(b"X-Gateway-")
        if EVIL in value
    ]


def _still_there(*, body: bytes = b"", closes: bool = False) -> Expectation:
    """What Connection names cannot take away what the upstream relies on."""
    served = forwarded(target=ITEM, body=body, closes=closes)

    def safety(seen: Observation) -> Problems:
        return [
            f"{name!r} was taken away"
            for arrival in seen.arrivals
            for name in (b"X-Gateway-Account-Id", b"X-Gateway-Route", b"Host")
            if not any(arrival.values(name))
        ] + [f"body {arrival.body!r}" for arrival in seen.arrivals if arrival.body != body]

    return Expectation(exact=served.exact, safety=safety, service=in_time, closes=closes)


def _claim_is_gone(name: bytes) -> Expectation:
    served = forwarded(optional=True)

    def exact(seen: Observation) -> Problems:
        return served.exact(seen) + [
            f"{field!r}: {value!r} arrived"
            for arrival in seen.arrivals
            for field, value in arrival.fields
            if EVIL in value and folded(field) == folded(name)
        ]

    return Expectation(exact=exact, service=in_time)


def _new_id(value: bytes) -> Expectation:
    served = forwarded(optional=True)

    def exact(seen: Observation) -> Problems:
        problems = served.exact(seen)
        if not problems and value in seen.arrivals[0].values(b"X-Request-Id"):
            problems.append(f"{value!r} was taken for a request id")
        if not problems and seen.answers[0].values(b"X-Request-Id") != seen.arrivals[0].values(
            b"X-Request-Id"
        ):
            problems.append("the answer carries another id")
        return problems

    return Expectation(exact=exact, service=in_time)
