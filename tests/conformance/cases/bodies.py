"""Bodies and connections: what is read of a refused request, pipelining, 100-continue, limits, slow callers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from tests.conformance.case import (
    LANE,
    NEXT,
    AfterAnswer,
    Answered,
    Arrived,
    Case,
    Check,
    Continued,
    Expectation,
    HalfClose,
    Kind,
    Leave,
    Observation,
    Problems,
    ReadBody,
    Say,
    Settled,
    Trickle,
)
from tests.conformance.cases.writing import case
from tests.conformance.expect import (
    all_of,
    answered,
    denied,
    forwarded,
    in_time,
    in_turn,
    in_turn_denied,
    never,
    refused,
)
from tests.conformance.messages import (
    AUTH,
    HIDDEN_REQUEST,
    HOST,
    ITEM,
    NEXT_REQUEST,
    bare,
    chunked,
    chunks,
    lines,
    post,
    request,
    response,
    sized,
)

_case = partial(case, Kind.BODY)
_KIB: Final = 1024
_EXPECT: Final = b"Expect: 100-continue"
# What is refused once its head is read, and whose body then still stands in the way.
_REFUSALS: Final = {
    "401": (bare, (HOST,), ITEM, 401, "token_missing"),
    "403": (bare, (HOST, AUTH), LANE + b"/admin/1", 403, "account_kind"),
    "404": (bare, (HOST, AUTH), LANE + b"/nothing", 404, "route_unknown"),
    "path": (bare, (HOST, AUTH), LANE + b"/items/a//b", 400, "path_refused"),
}


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _refused_with_body()
    yield from _continue()
    yield from _early_answers()
    yield from _pipelines()
    yield from _limits()
    yield from _slow()
    yield from _leaving()
    yield from _large()


def _filled_with_requests(size: int) -> bytes:
    """A body of which every piece would be a request, were it taken for one."""
    return (HIDDEN_REQUEST * (size // len(HIDDEN_REQUEST) + 1))[:size]


def _refused_with_body() -> Iterator[Case]:
    for name, (_, fields, target, status, _code) in _REFUSALS.items():
        for size in (len(HIDDEN_REQUEST), 4 * _KIB, 64 * _KIB):
            body = _filled_with_requests(size)
            head = bare(*fields, b"Content-Length: %d" % size, method=b"POST", target=target)
            at_once = in_turn_denied(status, NEXT, own_rule=name == "path")
            yield _case(
                f"refused-{name}/drained-{size}", head + body + NEXT_REQUEST, at_once, methods=("GET", "GET")
            )
            later = (head, Answered(), body + NEXT_REQUEST)
            yield _case(f"refused-{name}/drained-later-{size}", later, at_once, methods=("GET", "GET"))
            coded = bare(*fields, b"Transfer-Encoding: chunked", method=b"POST", target=target) + chunks(
                body[: size // 2], body[size // 2 :]
            )
            yield _case(
                f"refused-{name}/drained-chunked-{size}",
                coded + NEXT_REQUEST,
                at_once,
                methods=("GET", "GET"),
            )
        for size in (512 * _KIB, 1024 * _KIB):
            body = _filled_with_requests(size)
            head = bare(*fields, b"Content-Length: %d" % size, method=b"POST", target=target)
            yield _case(f"refused-{name}/closed-{size}", head + body + NEXT_REQUEST, _nothing_hidden(status))
            yield _case(
                f"refused-{name}/closed-later-{size}",
                (head, Answered(), body + NEXT_REQUEST),
                _nothing_hidden(status),
            )
        coded = bare(*fields, b"Transfer-Encoding: chunked", method=b"POST", target=target)
        body = chunks(_filled_with_requests(512 * _KIB))
        yield _case(
            f"refused-{name}/closed-chunked", coded + body + NEXT_REQUEST, _nothing_hidden(status, maybe=True)
        )
        broken = coded + b"z\r\n" + HIDDEN_REQUEST
        yield _case(f"refused-{name}/broken-chunk", broken, _nothing_hidden(status, 400))
        yield _case(
            f"refused-{name}/broken-chunk-later",
            (coded, Answered(), b"z\r\n" + HIDDEN_REQUEST),
            _nothing_hidden(status, 400),
        )
    head = bare(HOST, b"Content-Length: 10", method=b"POST")
    yield _case("refused-401/body-never-comes", (head, Answered()), never(_none_arrives), hasty=True)


def _nothing_hidden(*statuses: int, maybe: bool = False) -> Expectation:
    """The answer, then the end: nothing behind it becomes a request."""

    def exact(seen: Observation) -> Problems:
        problems = (
            []
            if seen.answers and seen.answers[0].status in statuses
            else [f"answers: {[a.status for a in seen.answers]} {seen.end}"]
        )
        # A caller that is still sending may lose the answer to a reset: that it stays readable is asked elsewhere.
        return problems + _none_arrives(seen)

    return Expectation(exact=exact, service=in_time, closes=not maybe)


def _none_arrives(seen: Observation) -> Problems:
    return [f"{arrival.target!r} arrived" for arrival in seen.arrivals]


def _continue() -> Iterator[Case]:
    head = post(b"Content-Length: 5", _EXPECT)
    served = forwarded(method=b"POST", body=b"hello", lacks=(b"Expect",), optional=True)
    yield _case("continue/asked", (head, Continued(), b"hello"), all_interim(served, (100,)))
    yield _case(
        "continue/any-case",
        (post(b"Content-Length: 5", b"Expect: 100-Continue"), Continued(), b"hello"),
        all_interim(served, (100,)),
    )
    yield _case("continue/body-at-once", head + b"hello", served)
    coded = post(b"Transfer-Encoding: chunked", _EXPECT)
    yield _case("continue/chunked", (coded, Continued(), chunks(b"hello")), all_interim(served, (100,)))
    old = post(b"Content-Length: 5", _EXPECT, version=b"HTTP/1.0")
    old_served = forwarded(method=b"POST", body=b"hello", lacks=(b"Expect",), closes=True, optional=True)
    yield _case("continue/http-1.0", (old, Settled(), b"hello"), all_interim(old_served, ()))
    yield _case("continue/without-body", request(_EXPECT), forwarded(lacks=(b"Expect",), optional=True))
    for name, (_, fields, target, status, _code) in _REFUSALS.items():
        head = bare(*fields, b"Content-Length: 5", _EXPECT, method=b"POST", target=target)
        exact = answered(status, interim=(), closes=True, arrivals=0)
        yield _case(f"continue/refused-{name}", (head, Answered()), exact)
        follow = in_time_and(exact, _none_arrives)
        yield _case(
            f"continue/refused-{name}-body-all-the-same", (head, Answered(), b"hello" + NEXT_REQUEST), follow
        )
        coded = bare(*fields, b"Transfer-Encoding: chunked", _EXPECT, method=b"POST", target=target)
        yield _case(f"continue/refused-{name}-chunked", (coded, Answered()), exact)
    for value in (b"200-ok", b"100-continue, x", b"", b"x=y"):
        label = value.decode() or "empty"
        yield _case(
            f"continue/other-{label}",
            post(b"Content-Length: 5", b"Expect: " + value, body=b"hello"),
            forwarded(body=b"hello", lacks=(b"Expect",), optional=True),
        )


def all_interim(expectation: Expectation, interim: tuple[int, ...]) -> Expectation:
    """And exactly these interim responses."""

    def check(seen: Observation) -> Problems:
        seen_interim = seen.answers[0].interim if seen.answers else ()
        return [] if seen_interim == interim else [f"interim {seen_interim}"]

    return Expectation(exact=all_of(expectation.exact, check), service=in_time, closes=expectation.closes)


def in_time_and(expectation: Expectation, check: Check) -> Expectation:
    """With a predicate beside it."""
    return Expectation(exact=all_of(expectation.exact, check), service=in_time, closes=True)


def _early_answers() -> Iterator[Case]:
    """The upstream answers before it has the body: that connection is not used again, the body becomes no request."""
    early = (Say(response(b"Content-Length: 2", status=b"403 Forbidden", body=b"no")), AfterAnswer())
    inside = _filled_with_requests(300)
    head = post(b"Content-Length: %d" % len(inside))
    told = answered(403, body=b"no", closes=True, arrivals=1)
    yield _case("early/length", (head + inside[:10], Arrived(), Answered()), told, script=early)
    yield _case(
        "early/length-then-rest", (head + inside[:10], Arrived(), Answered(), inside[10:]), told, script=early
    )
    yield _case("early/chunked", (chunked(b"5\r\nhello\r\n"), Arrived(), Answered()), told, script=early)
    yield _case(
        "early/chunked-then-rest",
        (chunked(b"5\r\nhello\r\n"), Arrived(), Answered(), b"0\r\n\r\n"),
        told,
        script=early,
    )
    yield _case(
        "early/continue",
        (post(b"Content-Length: 300", _EXPECT), Answered()),
        never(_none_hidden_but_first),
        script=early,
    )
    closing = (
        Say(response(b"Content-Length: 2", b"Connection: close", status=b"403 Forbidden", body=b"no")),
    )
    yield _case(
        "early/whole-body-unread", head + inside, answered(403, body=b"no"), script=(*closing, ReadBody())
    )
    for status in (b"204 No Content", b"304 Not Modified"):
        sent = response(status=status)
        yield _case(
            f"bodiless/{status[:3].decode()}",
            request(),
            answered(int(status[:3]), body=b"", due=True),
            script=(ReadBody(), Say(sent)),
        )
    head_answer = response(b"Content-Length: 1234")
    yield _case(
        "bodiless/head",
        request(method=b"HEAD"),
        answered(200, body=b"", has=((b"Content-Length", b"1234"),), due=True),
        script=(ReadBody(), Say(head_answer)),
    )
    head_chunked = response(b"Transfer-Encoding: chunked")
    yield _case(
        "bodiless/head-chunked",
        request(method=b"HEAD"),
        answered(200, body=b"", due=True),
        script=(ReadBody(), Say(head_chunked)),
    )
    not_modified = response(b"Content-Length: 1234", status=b"304 Not Modified")
    yield _case(
        "bodiless/304-length",
        request(),
        answered(304, body=b"", due=True),
        script=(ReadBody(), Say(not_modified)),
    )
    reset = response(b"Content-Length: 0", status=b"205 Reset Content")
    yield _case("bodiless/205", request(), answered(205, body=b"", due=True), script=(ReadBody(), Say(reset)))


def _none_hidden_but_first(seen: Observation) -> Problems:
    return [f"{arrival.target!r} arrived" for arrival in seen.arrivals[1:]]


def _pipelines() -> Iterator[Case]:
    for count in (2, 20):
        targets = tuple(LANE + b"/items/p%d" % number for number in range(count))
        data = b"".join(request(target=target) for target in targets)
        methods = ("GET",) * count
        yield _case(f"pipeline/{count}-at-once", data, in_turn(*targets), methods=methods)
        yield _case(f"pipeline/{count}-trickled", (Trickle(data),), in_turn(*targets), methods=methods)
    posts = tuple(LANE + b"/items/b%d" % number for number in range(10))
    data = b"".join(sized(b"x" * number, target=target) for number, target in enumerate(posts))
    yield _case("pipeline/10-with-bodies", data, in_turn(*posts), methods=("POST",) * 10)
    data = b"".join(
        chunked(chunks(b"x" * number + b"y"), target=target) for number, target in enumerate(posts)
    )
    yield _case("pipeline/10-chunked", data, in_turn(*posts), methods=("POST",) * 10)
    mixed = sized(b"hello") + chunked(chunks(b"hello"), target=NEXT) + request(target=LANE + b"/items/3")
    yield _case("pipeline/mixed", mixed, in_turn(ITEM, NEXT, LANE + b"/items/3"), methods=("POST",) * 3)
    closing = request(b"Connection: close") + HIDDEN_REQUEST
    yield _case("pipeline/nothing-after-close", closing, forwarded(target=ITEM, closes=True))
    old = request(version=b"HTTP/1.0") + HIDDEN_REQUEST
    yield _case("pipeline/nothing-after-http-1.0", old, forwarded(target=ITEM, closes=True))
    refusal = bare(HOST) + bare(HOST) + NEXT_REQUEST
    yield _case("pipeline/refusals-then-good", refusal, _statuses(401, 401, 200), methods=("GET",) * 3)
    bad = request() + lines(b"BAD", HOST) + HIDDEN_REQUEST
    yield _case("pipeline/bad-behind-good", bad, _statuses(200, 400, closes=True), methods=("GET", "GET"))
    one_by_one = tuple(step for _ in range(5) for step in (request(), Settled()))
    yield _case("pipeline/one-by-one", one_by_one, _statuses(*(200,) * 5), methods=("GET",) * 5)


def _statuses(*statuses: int, closes: bool = False) -> Expectation:
    def exact(seen: Observation) -> Problems:
        told = tuple(answer.status for answer in seen.answers)
        return [] if told == statuses else [f"statuses {told}"]

    return Expectation(exact=exact, service=in_time, closes=closes)


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
        return problems + _none_arrives(seen)

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
            _statuses(200, 408, closes=True),
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
    yield _case("leaving/half-close-in-head", (whole[:30], HalfClose()), never(_none_arrives, closes=True))
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
