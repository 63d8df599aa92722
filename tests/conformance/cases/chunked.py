"""The chunked coding: its grammar, its bounds, and that a broken body never becomes a whole request."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from tests.conformance.case import (
    EVIL,
    NEXT,
    Arrival,
    Arrived,
    Case,
    Expectation,
    Kind,
    Observation,
    Problems,
    Settled,
)
from tests.conformance.cases.writing import case
from tests.conformance.expect import forwarded, in_time, in_turn, never, refused
from tests.conformance.messages import HIDDEN_REQUEST, ITEM, NEXT_REQUEST, chunked, chunks

_case = partial(case, Kind.FRAMING)
_END: Final = b"0\r\n\r\n"

# What stands where `5\r\nhello\r\n` should.
_BAD_CHUNKS: Final = {
    "size-plus": b"+5\r\nhello\r\n",
    "size-minus": b"-5\r\nhello\r\n",
    "size-minus-1": b"-1\r\nhello\r\n",
    "size-0x": b"0x5\r\nhello\r\n",
    "size-x": b"x5\r\nhello\r\n",
    "size-0X": b"0X5\r\nhello\r\n",
    "size-h": b"5h\r\nhello\r\n",
    "size-g": b"g\r\nhello\r\n",
    "size-empty": b"\r\nhello\r\n",
    "size-blank-before": b" 5\r\nhello\r\n",
    "size-tab-before": b"\t5\r\nhello\r\n",
    "size-blank-behind": b"5 \r\nhello\r\n",
    "size-tab-behind": b"5\t\r\nhello\r\n",
    "size-blank-inside": b"5 5\r\nhello\r\n",
    "size-underscore": b"0_5\r\nhello\r\n",
    "size-point": b"5.0\r\nhello\r\n",
    "size-comma": b"5,\r\nhello\r\n",
    "size-quoted": b'"5"\r\nhello\r\n',
    "size-nul": b"5\0\r\nhello\r\n",
    "size-vertical-tab": b"5\x0b\r\nhello\r\n",
    "size-high-byte": b"5\xff\r\nhello\r\n",
    "size-fullwidth": "５".encode() + b"\r\nhello\r\n",
    "size-2-64-plus-5": b"10000000000000005\r\nhello\r\n",
    "size-2-64": b"10000000000000000\r\nhello\r\n",
    "size-2-63": b"8000000000000000\r\nhello\r\n",
    "size-16-f": b"ffffffffffffffff\r\nhello\r\n",
    "size-17-f": b"fffffffffffffffff\r\nhello\r\n",
    "size-2-32-as-overflow-of-17": b"00000000100000005\r\nhello\r\n",
    "size-300-zeros": b"0" * 300 + b"5\r\nhello\r\n",
    "size-ended-by-lf": b"5\nhello\r\n",
    "size-ended-by-cr": b"5\rhello\r\n",
    "size-cr-cr-lf": b"5\r\r\nhello\r\n",
    "size-lf-cr": b"5\n\rhello\r\n",
    "data-ended-by-lf": b"5\r\nhello\n",
    "data-ended-by-cr": b"5\r\nhello\r",
    "data-without-end": b"5\r\nhello",
    "data-too-much": b"5\r\nhello!\r\n",
    "data-far-too-much": b"5\r\nhello world\r\n",
    "data-too-much-by-2": b"5\r\nhelloxx\r\n",
    "data-too-little": b"6\r\nhello\r\n",
    "data-too-little-by-2": b"7\r\nhello\r\n",
    "data-end-twice": b"5\r\nhello\r\n\r\n",
    "extension-without-name": b"5;\r\nhello\r\n",
    "extension-two-semicolons": b"5;;a\r\nhello\r\n",
    "extension-bare-lf": b"5;a\nb\r\nhello\r\n",
    "extension-bare-cr": b"5;a\rb\r\nhello\r\n",
    "extension-ended-by-lf": b"5;a=b\nhello\r\n",
    "extension-nul": b"5;a=\0\r\nhello\r\n",
    "extension-control": b"5;a=\x01\r\nhello\r\n",
    "extension-delete": b"5;a=\x7f\r\nhello\r\n",
    "extension-quote-open": b'5;a="b\r\nhello\r\n',
    "extension-quote-over-lines": b'5;a="\r\n"\r\nhello\r\n',
    "extension-no-value": b"5;a=\r\nhello\r\n",
    "extension-without-semicolon": b"5 a=b\r\nhello\r\n",
    "extension-blank-name": b"5; \r\nhello\r\n",
    "extension-300-bytes": b"5;a=" + b"b" * 300 + b"\r\nhello\r\n",
    "extension-9000-bytes": b"5;a=" + b"b" * 9000 + b"\r\nhello\r\n",
    "extension-100k": b"5;a=" + b"b" * 100_000 + b"\r\nhello\r\n",
}
_GOOD_CHUNKS: Final = {
    "upper-hex": (b"A\r\n0123456789\r\n", b"0123456789"),
    "lower-hex": (b"a\r\n0123456789\r\n", b"0123456789"),
    "leading-zeros": (b"0005\r\nhello\r\n", b"hello"),
    "two": (b"2\r\nhe\r\n3\r\nllo\r\n", b"hello"),
    "ones": (b"1\r\nh\r\n1\r\ne\r\n1\r\nl\r\n1\r\nl\r\n1\r\no\r\n", b"hello"),
    "data-of-crlf": (b"4\r\n\r\n\r\n\r\n", b"\r\n\r\n"),
    "data-like-an-end": (b"5\r\n0\r\n\r\n\r\n", b"0\r\n\r\n"),
    "data-like-a-request": (b"%x\r\n%b\r\n" % (len(HIDDEN_REQUEST), HIDDEN_REQUEST), HIDDEN_REQUEST),
    "extension-name": (b"5;a\r\nhello\r\n", b"hello"),
    "extension-value": (b"5;a=b\r\nhello\r\n", b"hello"),
    "extension-quoted": (b'5;a="b c"\r\nhello\r\n', b"hello"),
    "extension-quoted-semicolon": (b'5;a=";"\r\nhello\r\n', b"hello"),
    "extensions": (b"5;a=b;c;d=e\r\nhello\r\n", b"hello"),
}
_TRAILERS: Final = {
    "plain": b"X-Checksum: abc",
    "content-length": b"Content-Length: 5",
    "transfer-encoding": b"Transfer-Encoding: chunked",
    "host": b"Host: evil.test",
    "authorization": b"Authorization: Bearer evil",
    "cookie": b"Cookie: a=evil",
    "identity": b"X-Gateway-Account-Id: evil",
    "identity-lower": b"x-gateway-account-id: evil",
    "identity-underscore": b"X_Gateway_Account_Id: evil",
    "identity-scopes": b"X-Gateway-Scopes: evil",
    "connection": b"Connection: close",
    "expect": b"Expect: 100-continue",
    "forwarded": b"X-Forwarded-For: evil",
    "method-override": b"X-HTTP-Method-Override: DELETE",
    "request-id": b"X-Request-Id: evil",
    "te": b"TE: trailers",
    "two": b"X-A: 1\r\nX-B: 2",
}
_BAD_TRAILERS: Final = {
    "no-colon": b"X-Checksum",
    "blank-before-colon": b"X-A : b",
    "bare-lf": b"X-A: b\nX-B: c",
    "bare-cr": b"X-A: b\rX-B: c",
    "nul": b"X-A: \0",
    "nul-in-name": b"X-\0A: b",
    "folded": b"X-A: b\r\n c",
    "blank-first": b" X-A: b",
    "empty-name": b": b",
    "request-line": b"GET /@@/items/hidden HTTP/1.1",
    "20k": b"X-A: " + b"b" * 20_000,
    "many": b"\r\n".join(b"X-%d: b" % number for number in range(3000)),
}


def cases() -> Iterator[Case]:
    """All of them."""
    for name, coded in _BAD_CHUNKS.items():
        optional_blank = name in ("size-blank-behind", "size-tab-behind")
        yield _case(
            f"chunk/{name}", chunked(coded + _END + NEXT_REQUEST), _broken_body(refusable=optional_blank)
        )
        late = _late_break()
        yield _case(f"chunk-later/{name}", (chunked(b""), Arrived(), coded + _END + NEXT_REQUEST), late)
    for name, (coded, content) in _GOOD_CHUNKS.items():
        yield _case(f"chunk-valid/{name}", chunked(coded + _END), forwarded(body=content, target=ITEM))
    yield from _broken_second()
    for name, trailer in _TRAILERS.items():
        field = trailer.partition(b":")[0]
        data = chunked(b"5\r\nhello\r\n0\r\n" + trailer + b"\r\n\r\n" + NEXT_REQUEST)
        yield _case(f"trailer/{name}", data, _dropped(field), methods=("GET", "GET"))
    for name, trailer in _BAD_TRAILERS.items():
        data = chunked(b"5\r\nhello\r\n0\r\n" + trailer + b"\r\n\r\n" + NEXT_REQUEST)
        yield _case(f"trailer-bad/{name}", data, _broken_body())
        sent = (chunked(b"5\r\nhello\r\n"), Arrived(), b"0\r\n" + trailer + b"\r\n\r\n" + NEXT_REQUEST)
        yield _case(f"trailer-bad-later/{name}", sent, _late_break())
    yield _case("chunk-end/lf-only", chunked(b"5\r\nhello\r\n0\n\n" + NEXT_REQUEST), _broken_body())
    yield _case("chunk-end/lf-after-0", chunked(b"5\r\nhello\r\n0\n\r\n" + NEXT_REQUEST), _broken_body())
    yield _case("chunk-end/last-lf", chunked(b"5\r\nhello\r\n0\r\n\n" + NEXT_REQUEST), _broken_body())
    yield _case(
        "chunk-end/no-final-crlf-then-request", chunked(b"5\r\nhello\r\n0\r\n" + NEXT_REQUEST), _broken_body()
    )
    yield _case("chunk-end/000", chunked(b"5\r\nhello\r\n000\r\n\r\n"), forwarded(body=b"hello"))
    yield _case("chunk-end/with-extension", chunked(b"5\r\nhello\r\n0;a=b\r\n\r\n"), forwarded(body=b"hello"))
    yield _case("chunk-end/no-final-crlf", chunked(b"5\r\nhello\r\n0\r\n"), refused_late(408), hasty=True)
    yield _case("chunk-end/missing", chunked(b"5\r\nhello\r\n"), refused_late(408), hasty=True)
    data = chunked(chunks(b"hello", b" ", b"world"))
    head = data.index(b"\r\n\r\n") + 4
    pieces = tuple(step for byte in data[head:] for step in (bytes((byte,)), Settled()))
    yield _case("chunk-valid/byte-by-byte", (data[:head], Arrived(), *pieces), forwarded(body=b"hello world"))
    yield _case(
        "chunk-valid/tiny-with-extensions", chunked(b"1;a=b\r\nx\r\n" * 20 + _END), forwarded(body=b"x" * 20)
    )
    yield _case(
        "chunk/extension-flood", chunked((b"1;a=" + b"b" * 200 + b"\r\nx\r\n") * 500 + _END), _broken_body()
    )


def _broken_second() -> Iterator[Case]:
    """The first chunk is whole and has travelled on when the second breaks."""
    for name in (
        "size-g", "size-minus", "size-empty", "size-2-64-plus-5", "data-too-much", "data-without-end", "size-ended-by-lf",
        "extension-bare-lf", "size-nul", "data-end-twice",
    ):  # fmt: skip
        coded = _BAD_CHUNKS[name]
        sent = (chunked(b"5\r\nfirst\r\n"), Arrived(), coded + _END + NEXT_REQUEST)
        yield _case(f"chunk-second/{name}", sent, _late_break())
        yield _case(
            f"chunk-second-at-once/{name}",
            chunked(b"5\r\nfirst\r\n" + coded + _END + NEXT_REQUEST),
            _broken_body(),
        )


def _next_is_none(seen: Observation) -> Problems:
    return ["what followed the broken body became a request"] if _next(seen) else []


def _next(seen: Observation) -> list[Arrival]:
    return [arrival for arrival in seen.arrivals if arrival.target == NEXT]


def _whole(seen: Observation) -> Problems:
    whole = [arrival.body for arrival in seen.arrivals if arrival.whole and arrival.target != NEXT]
    return [f"the broken body became a whole one: {whole[0][:60]!r}"] if whole else []


def _broken_body(*, refusable: bool = False) -> Expectation:
    """Refused at once, before anything is sent on. Elsewhere safe if it is repaired into one whole request."""
    del refusable
    return refused(400)


def _late_break() -> Expectation:
    """The head has travelled on: the upstream must see an aborted request, the caller 400 and the end."""

    def exact(seen: Observation) -> Problems:
        base = refused(400).exact(seen)
        return (
            [problem for problem in base if not problem.startswith("arrived")]
            + _whole(seen)
            + _next_is_none(seen)
        )

    return Expectation(exact=exact, service=in_time, closes=True)


def refused_late(*statuses: int) -> Expectation:
    """Refused after a part of it has travelled on."""

    def exact(seen: Observation) -> Problems:
        base = refused(*statuses).exact(seen)
        return [problem for problem in base if not problem.startswith("arrived")] + _whole(seen)

    return never(_whole, exact=exact, closes=True)


def _dropped(field: bytes) -> Expectation:
    """The trailer ends here, or at least means nothing to anyone behind."""

    def exact(seen: Observation) -> Problems:
        problems = in_turn(ITEM, NEXT, body=b"hello").exact(seen)
        for arrival in seen.arrivals:
            if any(EVIL in value for _, value in arrival.fields) or EVIL in arrival.body:
                problems.append(f"{field!r} became a header: {arrival.fields}")
        return problems

    def safety(seen: Observation) -> Problems:
        return [
            f"{name!r}: {value!r} arrived as a header"
            for arrival in seen.arrivals
            for name, value in arrival.fields
            if EVIL in value
        ]

    return Expectation(exact=exact, safety=safety, service=in_time)
