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
    Kind,
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
    forwarded,
    in_time,
    in_turn,
    in_turn_denied,
    never,
    none_arrives,
    statuses_in_turn,
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
    yield _case("refused-401/body-never-comes", (head, Answered()), never(none_arrives), hasty=True)


def _nothing_hidden(*statuses: int, maybe: bool = False) -> Expectation:
    """The answer, then the end: nothing behind it becomes a request."""

    def exact(seen: Observation) -> Problems:
        problems = (
            []
            if seen.answers and seen.answers[0].status in statuses
            else [f"answers: {[a.status for a in seen.answers]} {seen.end}"]
        )
        # A caller that is still sending may lose the answer to a reset: that it stays readable is asked elsewhere.
        return problems + none_arrives(seen)

    return Expectation(exact=exact, service=in_time, closes=not maybe)


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
        follow = in_time_and(exact, none_arrives)
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
    yield _case("pipeline/refusals-then-good", refusal, statuses_in_turn(401, 401, 200), methods=("GET",) * 3)
    bad = request() + lines(b"BAD", HOST) + HIDDEN_REQUEST
    yield _case(
        "pipeline/bad-behind-good", bad, statuses_in_turn(200, 400, closes=True), methods=("GET", "GET")
    )
    one_by_one = tuple(step for _ in range(5) for step in (request(), Settled()))
    yield _case("pipeline/one-by-one", one_by_one, statuses_in_turn(*(200,) * 5), methods=("GET",) * 5)
