"""Upgrades: WebSocket where it is mapped and proved, nothing else ever."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from tests.conformance.case import (
    HIDDEN,
    LANE,
    NEXT,
    Accept,
    Answered,
    Arrived,
    Case,
    Expectation,
    Kind,
    Observation,
    Problems,
    ReadBody,
    Say,
    Settled,
)
from tests.conformance.cases.writing import case
from tests.conformance.expect import answered, denied, forwarded, in_time, in_turn, refused
from tests.conformance.messages import HIDDEN_REQUEST, HOST, ITEM, NEXT_REQUEST, bare, request, response

_case = partial(case, Kind.UPGRADE)
_SOCKET: Final = LANE + b"/socket"
_KEY: Final = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
_UPGRADE: Final = b"Upgrade: websocket"
_OPTION: Final = b"Connection: Upgrade"
_VERSION: Final = b"Sec-WebSocket-Version: 13"
_FIELDS: Final = (_OPTION, _UPGRADE, _KEY, _VERSION)
# A masked text frame: "hi" under a mask of zeros.
_FRAME: Final = b"\x81\x82\0\0\0\0hi"


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _tunnels()
    yield from _no_tunnels()
    yield from _other_protocols()
    yield from _pipelined()


def _tunnels() -> Iterator[Case]:
    shake = request(*_FIELDS, target=_SOCKET)
    yield _case("websocket/opens", shake, _opened(), script=(Accept(),))
    yield _case(
        "websocket/echoes", (shake, Answered(), _FRAME, Settled()), _opened(_FRAME), script=(Accept(),)
    )
    yield _case(
        "websocket/first-frame-pipelined",
        (shake + _FRAME, Answered(), Settled()),
        _opened(_FRAME),
        script=(Accept(),),
    )
    any_case = request(
        b"connection: keep-alive, UPGRADE", b"upgrade: WebSocket", _KEY, _VERSION, target=_SOCKET
    )
    yield _case("websocket/any-case", any_case, _opened(), script=(Accept(),))
    spoof = request(*_FIELDS, b"X-Gateway-Account-Id: evil", target=_SOCKET)
    yield _case("websocket/spoofed", spoof, _opened(), script=(Accept(),))


def _no_tunnels() -> Iterator[Case]:
    shake = request(*_FIELDS, target=_SOCKET)
    yield _case("proof/wrong", shake, _never_opened(502), script=(Accept(b"wrong"),))
    yield _case("proof/empty", shake, _never_opened(502), script=(Accept(b""),))
    yield _case(
        "proof/of-another-key", shake, _never_opened(502), script=(Accept(b"HSmrc0sMlYUkAGmm5OPpG2HaGWk="),)
    )
    bare_101 = response(status=b"101 Switching Protocols")
    yield _case("proof/missing", shake, _never_opened(502), script=(ReadBody(), Say(bare_101)))
    other = response(
        _OPTION,
        b"Upgrade: h2c",
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        status=b"101 Switching Protocols",
    )
    yield _case("proof/other-protocol", shake, _never_opened(502), script=(ReadBody(), Say(other)))
    refusal = response(b"Content-Length: 2", status=b"403 Forbidden", body=b"no")
    yield _case("refused-by-upstream", shake, answered(403, body=b"no"), script=(ReadBody(), Say(refusal)))
    yield _case(
        "refused-by-upstream-200",
        shake,
        answered(200),
        script=(ReadBody(), Say(response(b"Content-Length: 2", body=b"ok"))),
    )
    yield _case("without-token", bare(HOST, *_FIELDS, target=_SOCKET), denied(401, "token_missing"))
    yield _case(
        "without-token-and-frames",
        bare(HOST, *_FIELDS, target=_SOCKET) + _FRAME,
        refused_after(401),
        methods=("GET", "GET"),
    )
    dropped = forwarded(lacks=(b"Upgrade", b"Connection"), optional=True)
    yield _case("unmarked/served-without", request(*_FIELDS), dropped)
    yield _case("unmarked/101-anyway", request(*_FIELDS), _never_opened(502), script=(Accept(),))
    yield _case(
        "unmarked/public",
        bare(HOST, *_FIELDS, target=LANE + b"/public/ping"),
        forwarded(lacks=(b"Upgrade",), identity=False, optional=True),
    )
    for name, fields in (
        ("no-key", (_OPTION, _UPGRADE, _VERSION)),
        ("bad-key", (_OPTION, _UPGRADE, b"Sec-WebSocket-Key: x", _VERSION)),
        ("two-keys", (_OPTION, _UPGRADE, _KEY, _KEY, _VERSION)),
        ("no-option", (_UPGRADE, _KEY, _VERSION)),
        ("option-close", (b"Connection: close", _UPGRADE, _KEY, _VERSION)),
        ("no-upgrade", (_OPTION, _KEY, _VERSION)),
        ("list", (_OPTION, b"Upgrade: websocket, h2c", _KEY, _VERSION)),
        ("two-fields", (_OPTION, _UPGRADE, b"Upgrade: h2c", _KEY, _VERSION)),
        ("misspelt", (_OPTION, b"Upgrade: websockets", _KEY, _VERSION)),
        ("with-length", (*_FIELDS, b"Content-Length: 0")),
    ):
        closes = name == "option-close"
        optional = forwarded(
            lacks=(b"Upgrade",) if name != "with-length" else (), optional=True, closes=closes
        )
        yield _case(f"handshake/{name}", request(*fields, target=_SOCKET), optional)
        yield _case(
            f"handshake-101/{name}",
            request(*fields, target=_SOCKET),
            _never_opened(502, maybe=name == "with-length"),
            script=(Accept(),),
        )
    yield _case(
        "handshake/http-1.0",
        request(*_FIELDS, target=_SOCKET, version=b"HTTP/1.0"),
        forwarded(lacks=(b"Upgrade",), closes=True, optional=True),
    )
    body = request(*_FIELDS, b"Content-Length: 5", target=_SOCKET, body=b"hello")
    yield _case("handshake/with-body", body, forwarded(lacks=(b"Upgrade",), body=b"hello", optional=True))
    yield _case(
        "handshake/head",
        request(*_FIELDS, method=b"HEAD", target=_SOCKET),
        forwarded(lacks=(b"Upgrade",), optional=True),
    )
    yield _case(
        "handshake/post",
        request(*_FIELDS, method=b"POST", target=_SOCKET),
        denied(404, "route_unknown", own_rule=True),
    )


def _other_protocols() -> Iterator[Case]:
    settings = b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    dropped = forwarded(lacks=(b"Upgrade", b"HTTP2-Settings"), target=ITEM, optional=True)
    h2c = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", settings)
    yield _case("h2c/dropped", request(*h2c), dropped)
    yield _case(
        "h2c/without-settings-option",
        request(b"Connection: Upgrade", b"Upgrade: h2c", settings),
        forwarded(lacks=(b"Upgrade",), optional=True),
    )
    yield _case(
        "h2c/on-socket-route", request(*h2c, target=_SOCKET), forwarded(lacks=(b"Upgrade",), optional=True)
    )
    switched = response(_OPTION, b"Upgrade: h2c", status=b"101 Switching Protocols")
    yield _case("h2c/101-anyway", request(*h2c), _never_opened(502), script=(ReadBody(), Say(switched)))
    yield _case("h2c/preface-behind", request(*h2c) + preface, _no_second_life(), methods=("GET", "GET"))
    yield _case(
        "h2c/with-body",
        request(*h2c, b"Content-Length: 5", body=b"hello"),
        forwarded(lacks=(b"Upgrade",), body=b"hello", optional=True),
    )
    for protocol in (b"TLS/1.0", b"HTTP/2.0", b"h2", b"IRC/6.9", b"connect-udp", b"*", b"", b"websocket/13"):
        label = protocol.decode() or "empty"
        sent = request(_OPTION, b"Upgrade: " + protocol)
        yield _case(f"other/{label}", sent, forwarded(lacks=(b"Upgrade",), optional=True))
    yield _case("prior-knowledge", preface, refused(400, 505))


def _pipelined() -> Iterator[Case]:
    """Bytes behind an upgrade that does not happen are requests like any other; behind one that does, none are."""
    for name, fields in (
        ("h2c", (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk")),
        ("websocket-unmarked", _FIELDS),
        ("unknown", (_OPTION, b"Upgrade: foo")),
    ):
        both = in_turn(ITEM, NEXT)
        loose = Expectation(exact=both.exact, service=in_time)
        yield _case(f"pipelined/{name}", request(*fields) + NEXT_REQUEST, loose, methods=("GET", "GET"))
        spoofed = request(*fields) + request(b"X-Gateway-Account-Id: evil", target=NEXT)
        yield _case(f"pipelined-spoof/{name}", spoofed, loose, methods=("GET", "GET"))
        unauthorised = request(*fields) + bare(HOST, target=NEXT)
        yield _case(
            f"pipelined-without-token/{name}", unauthorised, _second_is_refused(), methods=("GET", "GET")
        )
    shake = request(*_FIELDS, target=_SOCKET)
    inside = (shake, Answered(), HIDDEN_REQUEST, Settled())
    yield _case("pipelined/inside-tunnel", inside, _opened(HIDDEN_REQUEST), script=(Accept(),))
    refusal = response(b"Content-Length: 2", status=b"403 Forbidden", body=b"no")
    bad_frames = (shake, Arrived(), _FRAME + HIDDEN_REQUEST)
    yield _case(
        "pipelined/frames-after-refusal",
        bad_frames,
        refused_after(403, arrivals=1),
        methods=("GET", "GET"),
        script=(ReadBody(), Say(refusal)),
    )


def refused_after(status: int, *, arrivals: int = 0) -> Expectation:
    """Refused; what was sent for the tunnel is no request, though it may be answered as a bad one."""

    def safety(seen: Observation) -> Problems:
        return [f"{arrival.target!r} arrived" for arrival in seen.arrivals[arrivals:]]

    def exact(seen: Observation) -> Problems:
        told = [answer.status for answer in seen.answers]
        return safety(seen) + ([] if told[:1] == [status] else [f"statuses {told}"])

    return Expectation(exact=exact, safety=safety, service=in_time, closes=True)


def _opened(echoed: bytes = b"") -> Expectation:
    def exact(seen: Observation) -> Problems:
        told = [answer.status for answer in seen.answers]
        if told != [101]:
            return [f"statuses {told}: {seen.received[:200]!r}"]
        if seen.surplus != echoed or seen.arrivals[0].tunnelled != echoed:
            return [f"through the tunnel: {seen.arrivals[0].tunnelled!r}, back: {seen.surplus!r}"]
        return []

    def safety(seen: Observation) -> Problems:
        return [
            f"{arrival.target!r} arrived" for arrival in seen.arrivals if arrival.target in (HIDDEN, NEXT)
        ]

    return Expectation(exact=exact, safety=safety, service=in_time)


def _never_opened(status: int, *, maybe: bool = False) -> Expectation:
    """No tunnel for what was not asked for, or not proved."""

    def exact(seen: Observation) -> Problems:
        told = [answer.status for answer in seen.answers]
        return [] if told == [status] or (maybe and told == [101]) else [f"statuses {told}"]

    return Expectation(exact=exact, service=in_time)


def _second_is_refused() -> Expectation:
    def safety(seen: Observation) -> Problems:
        return ["a request without a token arrived"] if any(a.target == NEXT for a in seen.arrivals) else []

    def exact(seen: Observation) -> Problems:
        told = [answer.status for answer in seen.answers]
        return [] if told == [200, 401] else [f"statuses {told}"]

    return Expectation(exact=exact, safety=safety, service=in_time)


def _no_second_life() -> Expectation:
    def exact(seen: Observation) -> Problems:
        told = [answer.status for answer in seen.answers]
        return [] if told[:1] == [200] and len(seen.arrivals) == 1 else [f"statuses {told}"]

    return Expectation(exact=exact, service=in_time)
