"""Upstreams that end too early, say too much, or nothing: no answer looks whole that is not, no byte is the next
caller's.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from tests.conformance.case import (
    AfterAnswer,
    Case,
    Close,
    End,
    Expectation,
    Kind,
    Observation,
    Pause,
    Problems,
    ReadBody,
    Say,
    Silence,
)
from tests.conformance.cases.writing import case
from tests.conformance.expect import all_of, answered, in_time
from tests.conformance.messages import OK, POISON, chunks, request, response, sized

_case = partial(case, Kind.UPSTREAM)
_LENGTH: Final = b"Content-Length: 2"
_CHUNKED: Final = b"Transfer-Encoding: chunked"

_CUT: Final = {
    "length": response(b"Content-Length: 10", body=b"hello"),
    "length-nothing": response(b"Content-Length: 10"),
    "length-one-missing": response(b"Content-Length: 6", body=b"hello"),
    "chunked-nothing": response(_CHUNKED),
    "chunked-in-size": response(_CHUNKED, body=b"5"),
    "chunked-in-data": response(_CHUNKED, body=b"5\r\nhe"),
    "chunked-after-data": response(_CHUNKED, body=b"5\r\nhello\r\n"),
    "chunked-in-end": response(_CHUNKED, body=b"5\r\nhello\r\n0\r\n"),
}
_INTERIM: Final = {
    "100": (b"100 Continue", ()),
    "102": (b"102 Processing", ()),
    "103": (b"103 Early Hints", (103,)),
    "104": (b"104 Odd", ()),
    "199": (b"199 Odd", ()),
}


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _cut_short()
    yield from _surplus()
    yield from _interim()
    yield from _ends()


def _cut_short() -> Iterator[Case]:
    for name, data in _CUT.items():
        for how, reset in (("closed", False), ("reset", True)):
            script = (ReadBody(), Say(data), Pause(), Close(reset))
            yield _case(f"cut-{how}/{name}", request(), _cut_or_502(), script=script)
        yield _case(f"cut-at-once/{name}", request(), _cut_or_502(), script=(ReadBody(), Say(data), Close()))
        yield _case(
            f"cut-http-1.0/{name}",
            request(version=b"HTTP/1.0"),
            _cut_or_502(old=True),
            script=(ReadBody(), Say(data), Pause(), Close()),
        )
    closing = (ReadBody(), Say(response(body=b"hello")), Pause(), Close(reset=True))
    yield _case("cut-reset/until-close", request(), _cut_or_502(), script=closing)
    yield _case(
        "cut-reset/until-close-1.0", request(version=b"HTTP/1.0"), _cut_or_502(old=True), script=closing
    )


def _cut_or_502(*, old: bool = False) -> Expectation:
    def exact(seen: Observation) -> Problems:
        told = [answer.status for answer in seen.answers]
        if told == [502]:
            return []
        return looks_whole(seen)

    def looks_whole(seen: Observation) -> Problems:
        for answer in seen.answers:
            if answer.status != 200 or not answer.whole:
                continue
            lengths = answer.values(b"Content-Length")
            if old and not lengths and seen.end is End.RESET:
                continue
            return [f"a cut answer looks whole: {seen.received[:160]!r} {seen.end}"]
        return []

    return Expectation(exact=exact, service=all_of(in_time, looks_whole), closes=True)


def _surplus() -> Iterator[Case]:
    """Bytes after a response whose end the caller has seen: they are nobody's."""
    clean = answered(200, body=b"ok", due=True)
    for name, data in (
        ("response", POISON),
        ("two-responses", POISON + POISON),
        ("garbage", b"garbage"),
        ("crlf", b"\r\n"),
        ("one-byte", b"H"),
        ("half-head", b"HTTP/1.1 200 OK\r\nX-A: "),
        ("interim", response(status=b"100 Continue")),
        ("408", response(b"Content-Length: 0", b"Connection: close", status=b"408 Request Timeout")),
    ):
        yield _case(
            f"surplus-later/{name}", request(), clean, script=(ReadBody(), Say(OK), AfterAnswer(), Say(data))
        )
    for name, head in (
        ("head", OK),
        ("head-length", response(b"Content-Length: 50")),
        ("head-chunked", response(_CHUNKED, body=chunks(b"ok"))),
    ):
        status = (200,) if name == "head-length" else (200, 502)
        sent = (ReadBody(), Say(head))
        yield _case(
            f"surplus-bodiless/{name}", request(method=b"HEAD"), answered(*status, body=None), script=sent
        )
    poisoned = response(b"Content-Length: 8") + POISON
    yield _case(
        "surplus-bodiless/head-poison",
        request(method=b"HEAD"),
        answered(200, 502),
        script=(ReadBody(), Say(poisoned)),
    )
    for empty in (b"204 No Content", b"304 Not Modified"):
        label = empty[:3].decode()
        later = (ReadBody(), Say(response(status=empty)), AfterAnswer(), Say(POISON))
        yield _case(
            f"surplus-bodiless/{label}-later",
            request(),
            answered(int(label), body=b"", due=True),
            script=later,
        )
        body = (ReadBody(), Say(response(_LENGTH, status=empty, body=b"ok")))
        yield _case(f"surplus-bodiless/{label}-body", request(), answered(int(label), 502), script=body)
    more = response(_LENGTH, body=b"ok" + b"more than was said")
    yield _case("surplus-longer/than-length", request(), answered(502), script=(ReadBody(), Say(more)))
    yield _case(
        "surplus-longer/than-length-post", sized(b"hello"), answered(502), script=(ReadBody(), Say(more))
    )
    apart = (ReadBody(), Say(response(_LENGTH)), Pause(), Say(b"ok" + POISON))
    yield _case("surplus-longer/in-body-packet", request(), answered(200, 502, body=None), script=apart)


def _interim() -> Iterator[Case]:
    for name, (status, passed) in _INTERIM.items():
        once = (ReadBody(), Say(response(b"Link: </a>", status=status)), Say(OK))
        yield _case(f"interim/{name}", request(), answered(200, body=b"ok", interim=passed), script=once)
        apart = (ReadBody(), Say(response(b"Link: </a>", status=status)), Pause(), Say(OK))
        yield _case(
            f"interim-apart/{name}", request(), answered(200, body=b"ok", interim=passed), script=apart
        )
        many = (ReadBody(), Say(response(status=status) * 50), Pause(), Say(OK))
        yield _case(f"interim-50/{name}", request(), answered(200, 502, interim=None), script=many)
        old = request(version=b"HTTP/1.0")
        yield _case(
            f"interim-http-1.0/{name}", old, answered(200, body=b"ok", interim=(), closes=True), script=once
        )
        with_body = (ReadBody(), Say(response(_LENGTH, status=status, body=b"ok") + OK))
        yield _case(f"interim-with-length/{name}", request(), answered(502), script=with_body)
        ending = (ReadBody(), Say(response(status=status)), Pause(), Close())
        yield _case(
            f"interim-then-close/{name}",
            request(),
            answered(502, 200, interim=None, closes=False),
            script=ending,
        )
    yield _case(
        "interim/post-100-unasked",
        sized(b"hello"),
        answered(200, body=b"ok", interim=()),
        script=(ReadBody(), Say(response(status=b"100 Continue") + OK)),
    )
    flood = (ReadBody(), Say(response(b"X-A: " + b"a" * 1000, status=b"103 Early Hints") * 1000), Say(OK))
    yield _case("interim-flood/1m", request(), answered(200, 502), script=flood)
    hop = response(b"Connection: X-Hop", b"X-Hop: a", status=b"103 Early Hints")
    yield _case(
        "interim/103-with-hop-by-hop",
        request(),
        answered(200, body=b"ok"),
        script=(ReadBody(), Say(hop + OK)),
    )


def _ends() -> Iterator[Case]:
    nothing = answered(502)
    for how, reset in (("close", False), ("reset", True)):
        yield _case(f"ends-{how}/before-body-read", sized(b"hello"), nothing, script=(Close(reset),))
        yield _case(f"ends-{how}/after-request", sized(b"hello"), nothing, script=(ReadBody(), Close(reset)))
        yield _case(f"ends-{how}/after-get", request(), nothing, script=(ReadBody(), Close(reset)))
        for name, part in (
            ("one-byte", b"H"),
            ("half-line", b"HTTP/1.1 20"),
            ("line", b"HTTP/1.1 200 OK\r\n"),
            ("half-field", b"HTTP/1.1 200 OK\r\nContent-Le"),
            ("no-empty-line", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"),
        ):
            yield _case(
                f"ends-{how}/in-head-{name}",
                request(),
                nothing,
                script=(ReadBody(), Say(part), Pause(), Close(reset)),
            )
    late = answered(504)
    for name, script in (
        ("at-once", (Silence(),)),
        ("after-request", (ReadBody(), Silence())),
        ("in-head", (ReadBody(), Say(b"HTTP/1.1 200 OK\r\n"), Silence())),
        ("after-100", (ReadBody(), Say(response(status=b"100 Continue")), Silence())),
    ):
        yield _case(f"silent/{name}", request(), late, script=script, hasty=True)
    yield _case("silent/post", sized(b"hello"), late, script=(ReadBody(), Silence()), hasty=True)
    for name in ("length", "chunked-after-data", "chunked-in-data", "length-nothing"):
        script = (ReadBody(), Say(_CUT[name]), Silence())
        yield _case(f"silent-body/{name}", request(), _cut_or_502(), script=script, hasty=True)
    script = (ReadBody(), Say(response(body=b"hello")), Silence())
    yield _case("silent-body/until-close", request(), _cut_or_502(), script=script, hasty=True)
    old = request(version=b"HTTP/1.0")
    yield _case("silent-body/until-close-1.0", old, _cut_or_502(old=True), script=script, hasty=True)
