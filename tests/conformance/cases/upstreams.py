"""Upstreams that misbehave: what the caller gets of it, and that the next caller gets nothing of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from tests.conformance.case import (
    AfterAnswer,
    Case,
    Close,
    Expectation,
    Kind,
    Observation,
    Pause,
    Problems,
    ReadBody,
    Say,
    Script,
)
from tests.conformance.cases.writing import case
from tests.conformance.expect import answered, cut, in_time, never
from tests.conformance.messages import OK, POISON, chunks, request, response

_case = partial(case, Kind.UPSTREAM)
_LENGTH: Final = b"Content-Length: 2"
_CHUNKED: Final = b"Transfer-Encoding: chunked"

# Heads with no meaning, or two: the caller gets 502.
_BAD: Final = {
    "length/twice-different": response(_LENGTH, b"Content-Length: 20", body=b"ok" + POISON),
    "length/twice-equal": response(_LENGTH, _LENGTH, body=b"ok"),
    "length/list-equal": response(b"Content-Length: 2, 2", body=b"ok"),
    "length/list-different": response(b"Content-Length: 2, 3", body=b"ok"),
    "length/minus": response(b"Content-Length: -2", body=b"ok"),
    "length/plus": response(b"Content-Length: +2", body=b"ok"),
    "length/hex": response(b"Content-Length: 0x2", body=b"ok"),
    "length/word": response(b"Content-Length: two", body=b"ok"),
    "length/empty": response(b"Content-Length:", body=b"ok"),
    "length/2-64-plus-2": response(b"Content-Length: 18446744073709551618", body=b"ok"),
    "length/over-2-53": response(b"Content-Length: 9007199254740993", body=b"ok"),
    "length/with-coding": response(_LENGTH, _CHUNKED, body=chunks(b"ok")),
    "length/with-coding-first": response(_CHUNKED, _LENGTH, body=chunks(b"ok")),
    "coding/twice": response(_CHUNKED, _CHUNKED, body=chunks(b"ok")),
    "coding/doubled": response(b"Transfer-Encoding: chunked, chunked", body=chunks(b"ok")),
    "coding/gzip": response(b"Transfer-Encoding: gzip", body=b"ok"),
    "coding/gzip-chunked": response(b"Transfer-Encoding: gzip, chunked", body=chunks(b"ok")),
    "coding/identity": response(b"Transfer-Encoding: identity", _LENGTH, body=b"ok"),
    "coding/misspelt": response(b"Transfer-Encoding: xchunked", body=chunks(b"ok")),
    "coding/empty": response(b"Transfer-Encoding:", _LENGTH, body=b"ok"),
    "coding/http-1.0": response(_CHUNKED, version=b"HTTP/1.0", body=chunks(b"ok")),
    "coding/204": response(_CHUNKED, status=b"204 No Content", body=chunks(b"ok")),
    "status/99": response(_LENGTH, status=b"99 Odd", body=b"ok"),
    "status/000": response(_LENGTH, status=b"000 Odd", body=b"ok"),
    "status/600": response(_LENGTH, status=b"600 Odd", body=b"ok"),
    "status/999": response(_LENGTH, status=b"999 Odd", body=b"ok"),
    "status/1000": response(_LENGTH, status=b"1000 Odd", body=b"ok"),
    "status/20": response(_LENGTH, status=b"20 Odd", body=b"ok"),
    "status/2": response(_LENGTH, status=b"2", body=b"ok"),
    "status/word": response(_LENGTH, status=b"OK OK", body=b"ok"),
    "status/minus": response(_LENGTH, status=b"-200 OK", body=b"ok"),
    "status/point": response(_LENGTH, status=b"200.1 OK", body=b"ok"),
    "status/empty": b"HTTP/1.1 \r\nContent-Length: 2\r\n\r\nok",
    "version/2.0": response(_LENGTH, version=b"HTTP/2.0", body=b"ok"),
    "version/1.2": response(_LENGTH, version=b"HTTP/1.2", body=b"ok"),
    "version/0.9": response(_LENGTH, version=b"HTTP/0.9", body=b"ok"),
    "version/lower": response(_LENGTH, version=b"http/1.1", body=b"ok"),
    "version/https": response(_LENGTH, version=b"HTTPS/1.1", body=b"ok"),
    "version/icy": response(_LENGTH, version=b"ICY", body=b"ok"),
    "head/junk": b"hello\r\n\r\n",
    "head/http-0.9-html": b"<html>hello</html>\r\n\r\n",
    "head/request": request(),
    "head/tls": b"\x15\x03\x01\x00\x02\x02\x28",
    "head/ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "head/blank-before": b" HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "head/two-blanks": b"HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\nok",
    "head/no-blank": b"HTTP/1.1200 OK\r\nContent-Length: 2\r\n\r\nok",
    "head/lf-everywhere": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "field/no-colon": response(b"X-A", _LENGTH, body=b"ok"),
    "field/empty-name": response(b": b", _LENGTH, body=b"ok"),
    "field/blank-in-name": response(b"X A: b", _LENGTH, body=b"ok"),
    "field/blank-before-colon": response(b"X-A : b", _LENGTH, body=b"ok"),
    "field/length-blank-before-colon": response(b"Content-Length : 2", body=b"ok"),
    "field/folded": response(b"X-A: b\r\n c", _LENGTH, body=b"ok"),
    "field/folded-tab": response(b"X-A: b\r\n\tc", _LENGTH, body=b"ok"),
    "field/folded-length": response(b"Content-Length:\r\n 2", body=b"ok"),
    "field/blank-before-first": response(b" X-A: b", _LENGTH, body=b"ok"),
    "field/nul-in-value": response(b"X-A: b\0c", _LENGTH, body=b"ok"),
    "field/nul-in-name": response(b"X-\0A: b", _LENGTH, body=b"ok"),
    "field/bare-cr": response(b"X-A: b\rX-B: c", _LENGTH, body=b"ok"),
    "field/bare-cr-split": response(b"X-A: b\r\rHTTP/1.1 200 OK", _LENGTH, body=b"ok"),
    "field/bare-lf": response(b"X-A: b\nX-B: c", _LENGTH, body=b"ok"),
    "field/control": response(b"X-A: \x01", _LENGTH, body=b"ok"),
    "field/escape": response(b"X-A: \x1b[31m", _LENGTH, body=b"ok"),
    "field/delete": response(b"X-A: \x7f", _LENGTH, body=b"ok"),
    "field/name-high-byte": response(b"X-\xe4: b", _LENGTH, body=b"ok"),
    "field/name-parenthesis": response(b"X(A): b", _LENGTH, body=b"ok"),
    "field/name-slash": response(b"X/A: b", _LENGTH, body=b"ok"),
    "reason/nul": response(_LENGTH, status=b"200 O\0K", body=b"ok"),
    "reason/bare-cr": response(_LENGTH, status=b"200 OK\rX-A: b", body=b"ok"),
    "reason/control": response(_LENGTH, status=b"200 O\x01K", body=b"ok"),
    "size/1000-fields": response(*(b"X-%d: a" % number for number in range(1000)), _LENGTH, body=b"ok"),
    "size/field-100k": response(b"X-A: " + b"a" * 100_000, _LENGTH, body=b"ok"),
    "size/field-1m": response(b"X-A: " + b"a" * 1_000_000, _LENGTH, body=b"ok"),
    "size/reason-100k": response(_LENGTH, status=b"200 " + b"a" * 100_000, body=b"ok"),
    "switch/101": response(b"Connection: Upgrade", b"Upgrade: websocket", status=b"101 Switching Protocols"),
    "switch/101-bare": response(status=b"101 Switching Protocols"),
    "switch/101-then-200": response(status=b"101 Switching Protocols") + OK,
    "switch/101-h2c": response(b"Connection: Upgrade", b"Upgrade: h2c", status=b"101 Switching Protocols"),
    "body/204-length": response(_LENGTH, status=b"204 No Content", body=b"ok"),
    "surplus/same-packet": OK + POISON,
    "surplus/same-packet-garbage": OK + b"garbage",
    "surplus/same-packet-crlf": OK + b"\r\nx",
    "surplus/chunked": response(_CHUNKED, body=chunks(b"ok")) + POISON,
    "surplus/204": response(status=b"204 No Content") + POISON,
    "surplus/304": response(status=b"304 Not Modified") + POISON,
    "surplus/zero-length": response(b"Content-Length: 0") + POISON,
}
# Chunked bodies that break; those whose head comes alone have been passed on before it is seen.
_BAD_CHUNKS: Final = {
    "size-g": b"g\r\nok\r\n0\r\n\r\n",
    "size-minus": b"-2\r\nok\r\n0\r\n\r\n",
    "size-0x": b"0x2\r\nok\r\n0\r\n\r\n",
    "size-empty": b"\r\nok\r\n0\r\n\r\n",
    "size-overflow": b"10000000000000002\r\nok\r\n0\r\n\r\n",
    "size-lf": b"2\nok\r\n0\r\n\r\n",
    "size-cr": b"2\rok\r\n0\r\n\r\n",
    "size-blank-before": b" 2\r\nok\r\n0\r\n\r\n",
    "data-too-much": b"2\r\nokay\r\n0\r\n\r\n",
    "data-lf": b"2\r\nok\n0\r\n\r\n",
    "data-no-end": b"2\r\nok0\r\n\r\n",
    "second-size": b"2\r\nok\r\nz\r\nok\r\n0\r\n\r\n",
    "second-data": b"2\r\nok\r\n2\r\nokay\r\n0\r\n\r\n",
    "extension-nul": b"2;a=\0\r\nok\r\n0\r\n\r\n",
    "extension-lf": b"2;a\nb\r\nok\r\n0\r\n\r\n",
    "end-lf": b"2\r\nok\r\n0\n\n",
    "trailer-nul": b"2\r\nok\r\n0\r\nX-A: \0\r\n\r\n",
    "trailer-no-colon": b"2\r\nok\r\n0\r\nX-A\r\n\r\n",
    "trailer-100k": b"2\r\nok\r\n0\r\nX-A: " + b"a" * 100_000 + b"\r\n\r\n",
    "plain-body": b"ok",
}


def cases() -> Iterator[Case]:
    """All of them."""
    for name, data in _BAD.items():
        yield _case(f"bad-{name}", request(), _bad(), script=_saying(data))
        if name.startswith(("switch", "surplus", "coding", "length")):
            yield _case(f"bad-closing-{name}", request(), _bad(), script=(*_saying(data), Close()))
    for name, coded in _BAD_CHUNKS.items():
        data = response(_CHUNKED, body=coded)
        closing = (Close(),) if name == "plain-body" else (AfterAnswer(),)
        yield _case(f"bad-chunk/{name}", request(), _broken(), script=(ReadBody(), Say(data), *closing))
        head, _, body = data.partition(b"\r\n\r\n")
        apart = (ReadBody(), Say(head + b"\r\n\r\n"), Pause(), Say(body), *closing)
        yield _case(f"bad-chunk-later/{name}", request(), _broken(), script=apart)
    yield from _good()


def _saying(data: bytes) -> Script:
    return (ReadBody(), Say(data))


def _bad() -> Expectation:
    """502 here. Elsewhere safe if the caller sees one answer that is well-formed, and the next caller his own."""
    return answered(502, arrivals=1)


def _broken() -> Expectation:
    """502 while nothing has been told, else an end that shows that something is missing."""

    def exact(seen: Observation) -> Problems:
        if [answer.status for answer in seen.answers] == [502]:
            return []
        return cut(gone=True).exact(seen)

    return Expectation(exact=exact, service=in_time)


def _good() -> Iterator[Case]:
    """Odd, and right."""
    for name, data, closing in (
        ("until-close", response(body=b"ok"), True),
        ("until-close-1.0", response(version=b"HTTP/1.0", body=b"ok"), True),
        ("length-1.0", response(_LENGTH, version=b"HTTP/1.0", body=b"ok"), True),
        (
            "keep-alive-1.0",
            response(_LENGTH, b"Connection: keep-alive", version=b"HTTP/1.0", body=b"ok"),
            False,
        ),
        ("close", response(_LENGTH, b"Connection: close", body=b"ok"), True),
        ("close-then-more", response(_LENGTH, b"Connection: close", body=b"ok"), False),
        ("chunked", response(_CHUNKED, body=chunks(b"o", b"k")), False),
        ("chunked-extension", response(_CHUNKED, body=b"2;a=b\r\nok\r\n0;c\r\n\r\n"), False),
        ("chunked-trailer", response(_CHUNKED, body=b"2\r\nok\r\n0\r\nX-A: b\r\n\r\n"), False),
        ("no-reason", b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", False),
        ("reason-utf-8", response(_LENGTH, status="200 Größe".encode(), body=b"ok"), False),
        ("high-bytes", response(_LENGTH, b"X-A: caf\xe9 \xff", body=b"ok"), False),
        ("length-blanks", response(b"Content-Length: \t2 ", body=b"ok"), False),
        ("length-leading-zero", response(b"Content-Length: 02", body=b"ok"), False),
    ):
        script = (*_saying(data), Close()) if closing else _saying(data)
        yield _case(f"good/{name}", request(), answered(200, body=b"ok"), script=script)
    hop = response(
        _LENGTH,
        b"Connection: X-Hop",
        b"X-Hop: a",
        b"Keep-Alive: timeout=5",
        b"Proxy-Authenticate: a",
        b"TE: a",
        b"Trailer: X-A",
        body=b"ok",
    )
    gone = (b"X-Hop", b"Keep-Alive", b"TE", b"Trailer", b"Connection", b"Proxy-Authenticate")
    yield _case("good/hop-by-hop", request(), answered(200, body=b"ok", lacks=gone), script=_saying(hop))
    unasked = response(_LENGTH, b"Upgrade: h2c", b"Connection: Upgrade", body=b"ok")
    yield _case(
        "good/upgrade-offered",
        request(),
        answered(200, body=b"ok", lacks=(b"Upgrade", b"Connection")),
        script=_saying(unasked),
    )
    nominated = response(_LENGTH, b"Connection: Content-Length, close", body=b"ok")
    yield _case("good/length-nominated", request(), answered(200, body=b"ok"), script=_saying(nominated))
    trailers = response(
        _CHUNKED, b"Trailer: Set-Cookie", body=b"2\r\nok\r\n0\r\nSet-Cookie: a=b\r\nContent-Length: 9\r\n\r\n"
    )
    yield _case(
        "good/trailers-are-dropped", request(b"TE: trailers"), never(_no_cookie), script=_saying(trailers)
    )
    for status in (
        b"201 Created",
        b"202 Accepted",
        b"206 Partial Content",
        b"301 Moved",
        b"400 Bad",
        b"401 No",
        b"404 None",
        b"418 Tea",
        b"500 Oh",
        b"503 Busy",
        b"599 Odd",
    ):
        code = int(status[:3])
        data = response(_LENGTH, b"Location: /x", status=status, body=b"ok")
        yield _case(
            f"good/status-{code}", request(), answered(code, body=b"ok", due=True), script=_saying(data)
        )
    set_id = response(_LENGTH, b"X-Request-Id: of-the-upstream", body=b"ok")
    yield _case(
        "good/own-request-id",
        request(b"X-Request-Id: mine"),
        answered(200, has=((b"X-Request-Id", b"mine"),)),
        script=_saying(set_id),
    )


def _no_cookie(seen: Observation) -> Problems:
    return (
        ["a trailer became a header"] if any(answer.values(b"Set-Cookie") for answer in seen.answers) else []
    )
