"""Connections: limits, slow callers, callers that leave, and much to carry."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from tests.conformance.case import (
    LANE,
    AfterAnswer,
    Answered,
    Arrived,
    Case,
    Expectation,
    HalfClose,
    Kind,
    Leave,
    Observation,
    Problems,
    ReadBody,
    Say,
    Settled,
)
from tests.conformance.cases.writing import case
from tests.conformance.expect import (
    all_of,
    answered,
    denied,
    forwarded,
    in_time,
    never,
    none_arrives,
    refused,
    statuses_in_turn,
)
from tests.conformance.messages import (
    HIDDEN_REQUEST,
    HOST,
    ITEM,
    bare,
    chunked,
    chunks,
    post,
    request,
    response,
    sized,
)

_case = partial(case, Kind.BODY)
_KIB: Final = 1024
_EXPECT: Final = b"Expect: 100-continue"


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _limits()
    yield from _slow()
    yield from _leaving()
    yield from _large()


def _limits() -> Iterator[Case]:
    base = len(b"/@@/items/1?")
    for size, expectation in (
        (8 * _KIB, forwarded(target=b"/@@/items/1?" + b"a" * (8 * _KIB - base), optional=True)),
        (8 * _KIB + 1, refused(414, code="target_too_long")),
        (20 * _KIB, refused(414, code="target_too_long")),
        (200 * _KIB, refused(414, code="target_too_long")),
    ):
        yield _case(
            f"limit/target-{size}", request(target=b"/@@/items/1?" + b"a" * (size - base)), expectation
        )
    value = b"a" * (8 * _KIB - len(b"X-A"))
    yield _case("limit/field-8k", request(b"X-A: " + value[:-10]), forwarded(optional=True))
    yield _case(
        "limit/field-over", request(b"X-A: " + b"a" * (8 * _KIB + 1)), refused(431, code="head_too_large")
    )
    yield _case("limit/field-name-over", request(b"X" * (9 * _KIB) + b": a"), refused(431))
    for count in (128, 129, 1000):
        fields = tuple(b"X-%d: a" % number for number in range(count - 2))
        expectation = forwarded(optional=True) if count <= 128 else refused(431, code="head_too_large")
        yield _case(f"limit/fields-{count}", request(*fields), expectation)
    yield _case(
        "limit/head-31k",
        request(*(b"X-%d: " % number + b"a" * 1000 for number in range(30))),
        forwarded(optional=True),
    )
    yield _case(
        "limit/head-33k", request(*(b"X-%d: " % number + b"a" * 1000 for number in range(33))), refused(431)
    )
    yield _case(
        "limit/head-1m", request(*(b"X-%d: " % number + b"a" * 8000 for number in range(128))), refused(431)
    )
    yield _case(
        "limit/head-without-end",
        (b"GET " + ITEM + b" HTTP/1.1\r\n" + b"X: " + b"a" * (100 * _KIB)),
        refused(431),
    )
    yield _case("limit/line-without-end", (b"GET /" + b"a" * (100 * _KIB)), refused(414))
    small = LANE + b"/small/1"
    yield _case("limit/body-at", sized(b"a" * 1024, target=small), forwarded(body=b"a" * 1024, optional=True))
    yield _case("limit/body-over", sized(b"a" * 1025, target=small), denied_own(413))
    yield _case("limit/body-over-head-only", post(b"Content-Length: 1025", target=small), denied_own(413))
    yield _case(
        "limit/body-over-continue",
        (post(b"Content-Length: 1025", _EXPECT, target=small), Answered()),
        answered(413, interim=(), closes=True, arrivals=0),
    )
    yield _case(
        "limit/chunked-at",
        chunked(chunks(b"a" * 1024), target=small),
        forwarded(body=b"a" * 1024, optional=True),
    )
    yield _case("limit/chunked-over", chunked(chunks(b"a" * 1025), target=small), denied_own(413))
    later = (chunked(b"400\r\n" + b"a" * 1024 + b"\r\n", target=small), Arrived(), b"1\r\nb\r\n0\r\n\r\n")
    yield _case("limit/chunked-over-later", later, _never_whole(413))
    yield _case("limit/body-100m-plus-1", post(b"Content-Length: 104857601"), denied_own(413, closes=True))


def denied_own(status: int, *, closes: bool = False) -> Expectation:
    """A limit of this project's: others may have another."""
    own = denied(status, "body_too_large")

    def exact(seen: Observation) -> Problems:
        problems = [problem for problem in own.exact(seen) if not problem.startswith("the connection")]
        return problems + none_arrives(seen)

    return Expectation(exact=exact, service=in_time, closes=closes)


def _never_whole(status: int) -> Expectation:
    def exact(seen: Observation) -> Problems:
        whole = [arrival.body[:40] for arrival in seen.arrivals if arrival.whole]
        told = [answer.status for answer in seen.answers]
        return ([f"became whole: {whole}"] if whole else []) + (
            [] if told == [status] else [f"statuses {told}"]
        )

    return Expectation(exact=exact, service=in_time)


def _slow() -> Iterator[Case]:
    """With time-outs of 400 ms, nothing may take three seconds."""
    whole = request()
    for name, data in (
        ("one-byte", whole[:1]),
        ("method", whole[:3]),
        ("half-line", whole[:10]),
        ("line", whole[: whole.index(b"\r\n") + 2]),
        ("half-field", whole[:60]),
        ("no-empty-line", whole[:-2]),
        ("last-byte-missing", whole[:-1]),
    ):
        yield _case(f"slow/head-{name}", data, refused(408, code="request_timeout"), hasty=True)
        yield _case(
            f"slow/second-head-{name}",
            (request(), Answered(), data),
            statuses_in_turn(200, 408, closes=True),
            methods=("GET", "GET"),
            hasty=True,
        )
    yield _case("slow/nothing-sent", (b"", Settled()), _ends_silently(), hasty=True)
    yield _case("slow/empty-line-only", b"\r\n", _ends_silently(), hasty=True)
    yield _case("slow/idle-after-answer", (request(), Answered()), _ends_after(200), hasty=True)
    body = sized(b"hello")
    yield _case("slow/body-missing", body[:-5], _cut_body(408), hasty=True)
    yield _case("slow/body-half", body[:-2], _cut_body(408), hasty=True)
    for name, coded in (
        ("nothing", b""),
        ("half-size", b"5"),
        ("size-cr", b"5\r"),
        ("size", b"5\r\n"),
        ("half-data", b"5\r\nhe"),
        ("data", b"5\r\nhello"),
        ("data-cr", b"5\r\nhello\r"),
        ("data-crlf", b"5\r\nhello\r\n"),
        ("last-size", b"5\r\nhello\r\n0"),
        ("last-line", b"5\r\nhello\r\n0\r\n"),
        ("trailer", b"5\r\nhello\r\n0\r\nX-A: b"),
        ("trailer-line", b"5\r\nhello\r\n0\r\nX-A: b\r\n"),
    ):
        yield _case(f"slow/chunked-{name}", chunked(coded), _cut_body(408), hasty=True)
    yield _case(
        "slow/refused-body-missing",
        bare(HOST, b"Content-Length: 5", method=b"POST"),
        _ends_after(401),
        hasty=True,
    )


def _ends_silently() -> Expectation:
    def exact(seen: Observation) -> Problems:
        ended = seen.end.value != "open"
        return (
            []
            if ended and (not seen.answers or seen.answers[0].status == 408)
            else [f"{seen.end}: {seen.received!r}"]
        )

    return Expectation(exact=exact, service=in_time, closes=True)


def _ends_after(status: int) -> Expectation:
    def exact(seen: Observation) -> Problems:
        told = [answer.status for answer in seen.answers]
        return [] if told == [status] and seen.end.value != "open" else [f"{told}, {seen.end}"]

    return Expectation(exact=exact, service=in_time, closes=True)


def _cut_body(status: int) -> Expectation:
    def whole(seen: Observation) -> Problems:
        return [f"{arrival.body!r} became whole" for arrival in seen.arrivals if arrival.whole]

    return never(whole, exact=all_of(_ends_after(status).exact, whole), closes=True)


def _leaving() -> Iterator[Case]:
    whole = request()
    for name, steps in (
        ("in-head", (whole[:30], Settled(), Leave())),
        ("after-head", (whole, Leave())),
        ("in-body", (sized(b"hello")[:-2], Arrived(), Leave())),
        ("in-chunk", (chunked(b"5\r\nhe"), Arrived(), Leave())),
        ("after-chunk", (chunked(b"5\r\nhello\r\n"), Arrived(), Leave())),
        ("in-trailer", (chunked(b"5\r\nhello\r\n0\r\n"), Arrived(), Leave())),
    ):
        yield _case(f"leaving/{name}", steps, never(_no_part_is_whole))
    yield _case(
        "leaving/half-close-in-body",
        (sized(b"hello")[:-2], Arrived(), HalfClose()),
        never(_no_part_is_whole, closes=True),
    )
    yield _case(
        "leaving/half-close-in-chunk",
        (chunked(b"5\r\nhello\r\n"), Arrived(), HalfClose()),
        never(_no_part_is_whole, closes=True),
    )
    yield _case("leaving/half-close-in-head", (whole[:30], HalfClose()), never(none_arrives, closes=True))
    yield _case(
        "leaving/while-answering",
        (whole, Arrived(), Leave()),
        never(_no_part_is_whole),
        script=(Say(response(b"Content-Length: 10", body=b"hel")), AfterAnswer()),
    )


def _no_part_is_whole(seen: Observation) -> Problems:
    return [f"{a.body!r} became whole" for a in seen.arrivals if a.whole and a.method == b"POST"]


def _large() -> Iterator[Case]:
    body = bytes(range(256)) * (4 * _KIB)
    yield _case("large/1m-length", sized(body), forwarded(body=body))
    yield _case(
        "large/1m-chunked",
        chunked(chunks(*(body[at : at + 7777] for at in range(0, len(body), 7777)))),
        forwarded(body=body),
    )
    answer = response(b"Content-Length: %d" % len(body), body=body)
    yield _case(
        "large/answer-length", request(), answered(200, body=body, due=True), script=(ReadBody(), Say(answer))
    )
    answer = response(
        b"Transfer-Encoding: chunked",
        body=chunks(*(body[at : at + 7777] for at in range(0, len(body), 7777))),
    )
    yield _case(
        "large/answer-chunked",
        request(),
        answered(200, body=body, due=True),
        script=(ReadBody(), Say(answer)),
    )
    hidden = request(b"Content-Length: %d" % len(HIDDEN_REQUEST), body=HIDDEN_REQUEST)
    yield _case("request-in-body/get", hidden, forwarded(body=HIDDEN_REQUEST, target=ITEM))
