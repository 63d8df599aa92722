"""The expectations that cases are made of, and what must hold in every case whatever was sent."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from tests.conformance.case import (
    NEXT,
    Arrival,
    Check,
    End,
    Expectation,
    Observation,
    Problems,
)

IDENTITY: Final = b"X-Gateway-"
NAMES: Final = (b"Account-Id", b"Account-Kind", b"Integration-Id", b"Token-Id", b"Scopes", b"Route")
_ADDRESS: Final = re.compile(rb"127\.0\.0\.1|Traceback|gateway/")


def all_of(*checks: Check) -> Check:
    """Whatever any of them minds."""
    return lambda seen: [problem for check in checks for problem in check(seen)]


# What cases expect.


def nothing_arrives(seen: Observation) -> Problems:
    """Nothing but what followed in plain sight."""
    return [
        f"arrived: {arrival.raw[:100]!r}" for arrival in seen.arrivals if not arrival.target.startswith(NEXT)
    ]


def refused(*statuses: int, closes: bool = True, code: str = "") -> Expectation:
    """Not a byte reaches the upstream. Safe elsewhere: nothing, or exactly one reading of it, arrives."""

    def exact(seen: Observation) -> Problems:
        problems = _status(seen, statuses)
        if seen.arrivals:
            problems.append(f"arrived: {seen.arrivals[0].raw[:100]!r}")
        if closes and seen.end is End.OPEN:
            problems.append("the connection stays open")
        if (
            closes
            and seen.answers
            and [value.lower() for value in seen.answers[0].values(b"Connection")] != [b"close"]
        ):
            problems.append("the answer does not say Connection: close")
        if code and (not seen.answers or b'"code":"%b"' % code.encode("ascii") not in seen.answers[0].body):
            problems.append(f"not {code}: {seen.answers[0].body[:200]!r}" if seen.answers else f"no {code}")
        return problems + _own_words(seen)

    return Expectation(exact=exact, service=in_time, closes=closes)


def denied(status: int, code: str, *, closes: bool = False, own_rule: bool = False) -> Expectation:
    """A well-formed request that may not pass: nothing arrives. `own_rule`: others may have another map, or policy."""

    def exact(seen: Observation) -> Problems:
        problems = _status(seen, (status,))
        if seen.answers and code and b'"code":"%b"' % code.encode("ascii") not in seen.answers[0].body:
            problems.append(f"not {code}: {seen.answers[0].body[:200]!r}")
        if closes != (seen.end is not End.OPEN):
            problems.append(f"the connection is {seen.end}")
        return problems + _own_words(seen)

    def all_own(seen: Observation) -> Problems:
        return exact(seen) + nothing_arrives(seen)

    if own_rule:
        return Expectation(exact=all_own, service=in_time, closes=closes)
    return Expectation(exact=exact, safety=nothing_arrives, service=in_time, closes=closes)


def forwarded(
    *,
    target: bytes | None = None,
    method: bytes | None = None,
    body: bytes = b"",
    has: Collection[tuple[bytes, bytes]] = (),
    lacks: Collection[bytes] = (),
    identity: bool = True,
    optional: bool = False,
    rewritten: bool = False,
    closes: bool = False,
) -> Expectation:
    """Exactly one request arrives, as it was meant, and its answer comes back.

    `has` and `lacks` are fields; without `identity` nobody is vouched for. Other products owe the caller the service as
    well, unless it is `optional`; and the target as written here, unless it is `rewritten`.
    """

    def served(seen: Observation) -> Problems:
        return _one(seen, target=None if rewritten else target, method=method, body=body) or _echoed(seen)

    def exact(seen: Observation) -> Problems:
        problems = _one(seen, target=target, method=method, body=body) or _echoed(seen)
        if problems:
            return problems
        arrival = seen.arrivals[0]
        problems += [
            f"{name!r} is {arrival.values(name)}, not {value!r}"
            for name, value in has
            if value not in arrival.values(name)
        ]
        problems += [f"{name!r} arrived: {arrival.values(name)}" for name in lacks if arrival.values(name)]
        problems += _vouched(arrival) if identity else _not_vouched(arrival)
        if closes != (seen.end is not End.OPEN):
            problems.append(f"the connection is {seen.end}")
        return problems

    return Expectation(exact=exact, service=in_time if optional else served, closes=closes)


def answered(
    *statuses: int,
    body: bytes | None = None,
    whole: bool = True,
    closes: bool = False,
    interim: tuple[int, ...] | None = None,
    arrivals: int | None = None,
    has: Collection[tuple[bytes, bytes]] = (),
    lacks: Collection[bytes] = (),
    due: bool = False,
) -> Expectation:
    """What the caller gets. `due`: any product owes it, else it is this project's own choice."""

    def exact(seen: Observation) -> Problems:
        problems = _status(seen, statuses)
        if problems:
            return problems
        answer = seen.answers[0]
        if answer.whole != whole:
            problems.append("the answer looks complete" if answer.whole else "the answer was cut")
        if body is not None and answer.body != body:
            problems.append(f"the body is {answer.body[:80]!r}")
        if interim is not None and answer.interim != interim:
            problems.append(f"interim {answer.interim}")
        if arrivals is not None and len(seen.arrivals) != arrivals:
            problems.append(f"{len(seen.arrivals)} requests arrived")
        problems += [
            f"{name!r} is {answer.values(name)}, not {value!r}"
            for name, value in has
            if answer.values(name) != [value]
        ]
        problems += [f"{name!r} came back" for name in lacks if answer.values(name)]
        if closes and seen.end is End.OPEN:
            problems.append("the connection stays open")
        if not closes and whole and seen.end is not End.OPEN:
            problems.append(f"the connection is {seen.end}")
        return problems + _own_words(seen)

    return Expectation(exact=exact, service=exact if due else in_time, closes=closes)


def cut(*, statuses: Collection[int] = (200,), gone: bool = False) -> Expectation:
    """An answer that cannot be completed must not look complete; `gone`: nothing of it need have come."""

    def exact(seen: Observation) -> Problems:
        problems = [] if gone and not seen.answers else _status(seen, tuple(statuses))
        return problems or looks_whole(seen)

    def looks_whole(seen: Observation) -> Problems:
        return [f"a cut answer looks complete: {seen.received[:120]!r}"] if _complete_200(seen) else []

    return Expectation(exact=exact, service=all_of(in_time, looks_whole), closes=True)


def never(check: Check, *, exact: Check | None = None, closes: bool = False) -> Expectation:
    """A predicate on what was seen, which holds for every product."""
    return Expectation(exact=exact or in_time, safety=check, service=in_time, closes=closes)


def in_time(seen: Observation) -> Problems:
    """It never hangs."""
    return ["hangs: no answer and no end within the bound"] if seen.late else []


def _complete_200(seen: Observation) -> bool:
    return any(answer.whole and answer.status == 200 for answer in seen.answers)


def _status(seen: Observation, statuses: Collection[int]) -> Problems:
    if not seen.answers:
        return [f"no answer (connection {seen.end}): {seen.received[:100]!r}"]
    status = seen.answers[0].status
    return (
        []
        if status in statuses
        else [f"{status} instead of {'/'.join(map(str, statuses))}: {seen.answers[0].body[:200]!r}"]
    )


def _own_words(seen: Observation) -> Problems:
    """Our own answers hold no credential, no upstream address, no trace of the inside."""
    problems: Problems = []
    for answer in seen.answers:
        if answer.values(b"Content-Type") == [b"application/json"] and b'"traceId"' in answer.body:
            if _ADDRESS.search(answer.body) or b"pit_" in answer.body:
                problems.append(f"says too much: {answer.body!r}")
            if len(answer.values(b"X-Request-Id")) != 1:
                problems.append("an answer without X-Request-Id")
    return problems


def _one(seen: Observation, *, target: bytes | None, method: bytes | None, body: bytes) -> Problems:
    if len(seen.arrivals) != 1:
        return [f"{len(seen.arrivals)} requests arrived; the caller got {seen.received[:300]!r} ({seen.end})"]
    arrival = seen.arrivals[0]
    problems: Problems = []
    if target is not None and arrival.target != target:
        problems.append(f"target {arrival.target!r} instead of {target!r}")
    if method is not None and arrival.method != method:
        problems.append(f"method {arrival.method!r}")
    if arrival.body != body or not arrival.whole:
        problems.append(f"body {arrival.body[:60]!r}{'' if arrival.whole else ', cut'}")
    return problems


def _echoed(seen: Observation) -> Problems:
    if not seen.answers or seen.answers[0].status != 200:
        return [f"the caller got {seen.received[:200]!r} ({seen.end})"]
    arrival, answer = seen.arrivals[0], seen.answers[0]
    if arrival.method != b"HEAD" and answer.body != arrival.method + b" " + arrival.target:
        return [f"the answer is {answer.body[:80]!r}"]
    return []


def _vouched(arrival: Arrival) -> Problems:
    problems = [
        f"{(IDENTITY + name)!r} is {arrival.values(IDENTITY + name)}"
        for name in NAMES
        if len([value for value in arrival.values(IDENTITY + name) if value]) != 1
    ]
    if len(arrival.alike(IDENTITY)) != len(NAMES):
        problems.append(f"identity fields: {arrival.alike(IDENTITY)}")
    return problems + _provenance(arrival)


def _not_vouched(arrival: Arrival) -> Problems:
    problems = [f"{name!r} arrived on a public route" for name, _ in arrival.alike(IDENTITY)]
    return problems + _provenance(arrival)


def _provenance(arrival: Arrival) -> Problems:
    wanted = (b"X-Request-Id", b"X-Forwarded-For", b"X-Forwarded-Proto")
    return [f"{name!r} is {arrival.values(name)}" for name in wanted if len(arrival.values(name)) != 1]


def in_turn(*targets: bytes, body: bytes | None = None) -> Expectation:
    """These requests arrive in this order, and each gets its own answer."""

    def served(seen: Observation) -> Problems:
        arrived = [arrival.target for arrival in seen.arrivals]
        if sorted(arrived) != sorted(targets):
            return [f"arrived: {arrived}; the caller got {seen.received[:300]!r}"]
        if body is not None and seen.arrivals[0].body != body:
            return [f"body {seen.arrivals[0].body!r}"]
        bodies = [answer.body.partition(b" ")[2] for answer in seen.answers]
        return [] if bodies == list(targets) else [f"answers in turn: {bodies}"]

    return Expectation(exact=served, service=served)


def in_turn_denied(
    status: int, served_target: bytes, *, denied_at: int = 0, own_rule: bool = False
) -> Expectation:
    """Of two requests on one connection one is refused and the other served: neither speaks for the other."""

    def safety(seen: Observation) -> Problems:
        targets = [arrival.target for arrival in seen.arrivals]
        return [] if set(targets) <= {served_target} and len(targets) <= 1 else [f"arrived: {targets}"]

    def exact(seen: Observation) -> Problems:
        statuses = [answer.status for answer in seen.answers]
        wanted = [200, 200]
        wanted[denied_at] = status
        return (
            [] if statuses == wanted and len(seen.arrivals) == 1 else [f"statuses {statuses}, not {wanted}"]
        )

    return Expectation(exact=all_of(exact, safety), safety=_never if own_rule else safety, service=in_time)


def _never(seen: Observation) -> Problems:
    return []


def statuses_in_turn(*statuses: int, closes: bool = False) -> Expectation:
    """These answers come, in this order."""

    def exact(seen: Observation) -> Problems:
        told = tuple(answer.status for answer in seen.answers)
        return [] if told == statuses else [f"statuses {told}"]

    return Expectation(exact=exact, service=in_time, closes=closes)


def none_arrives(seen: Observation) -> Problems:
    """Nothing at all."""
    return [f"{arrival.target!r} arrived" for arrival in seen.arrivals]
