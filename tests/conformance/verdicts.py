"""The verdict on a case: what must hold whatever was sent, then what the case expects."""

from __future__ import annotations

from typing import Final

from tests.conformance.case import (
    EVIL,
    HIDDEN,
    LANE,
    NEXT,
    Arrival,
    Case,
    Close,
    End,
    Kind,
    Observation,
    Problems,
    Silence,
    Verdict,
    folded,
)
from tests.conformance.expect import IDENTITY, NAMES
from tests.conformance.readings import areas
from tests.conformance.strict import read_answers

# Where a path could lead to: whoever may do one of them may not do another.
_AREAS: Final = frozenset(
    LANE + b"/" + name
    for name in (b"items", b"lists", b"deep", b"me", b"small", b"dated", b"socket", b"admin", b"public")
) | {b"/admin", b"/etc/passwd"}
_OURS: Final = frozenset(folded(IDENTITY + name) for name in NAMES)


def harmless(seen: Observation, *, requests: int) -> Problems:
    """One meaning for each request that arrives, no spoof, one answer for each request, nothing left for the next caller."""
    problems: Problems = []
    for arrival in seen.arrivals:
        problems += [f"the upstream got {fault}" for fault in arrival.faults]
        problems += _spoofs(arrival)
        if arrival.target.startswith(HIDDEN):
            problems.append("a hidden request arrived")
        problems += _two_areas(arrival)
    if len(seen.arrivals) > requests:
        problems.append(f"{len(seen.arrivals)} requests arrived where {requests} were sent")
    if seen.poison:
        problems.append(f"the next caller got {seen.poison[:120]}")
    problems += [f"the caller got {fault}" for fault in seen.faults]
    return problems


def _spoofs(arrival: Arrival) -> Problems:
    problems = [
        f"{name!r}: {value[:40]!r} arrived"
        for name, value in arrival.alike(IDENTITY)
        if folded(name) in _OURS and (EVIL in value or folded(name) != name.lower())
    ]
    names = [name.lower() for name, _ in arrival.alike(IDENTITY) if folded(name) in _OURS]
    problems += [
        f"{name!r} arrived {names.count(name)} times" for name in set(names) if names.count(name) > 1
    ]
    if b"pit_" in b"".join(value for _, value in arrival.alike(b"Authorization")):
        problems.append("the token arrived")
    return problems


def _two_areas(arrival: Arrival) -> Problems:
    """What was matched must be what any server behind makes of the target."""
    routes = arrival.values(b"X-Gateway-Route")
    if not routes or not arrival.target:
        return []
    matched = areas(routes[0])
    other = areas(arrival.target.partition(b"?")[0]) & _AREAS - matched
    return [f"matched {routes[0]!r}, but {arrival.target!r} may be read as {sorted(other)}"] if other else []


def problems_of(case: Case, seen: Observation, *, exact: bool) -> tuple[Verdict, Problems]:
    """The verdict on a product; `exact` asks for every promise of this project as well."""
    requests = sum(1 for _ in case.methods)
    unsafe = harmless(seen, requests=_allowed_arrivals(case, requests)) + case.expect.safety(seen)
    if _has_surplus(seen) and not _is_unread_body(case, seen) and not _answers_of_next(case, seen):
        unsafe.append(f"bytes after the answer: {seen.surplus[:60]!r}")
    if unsafe:
        return Verdict.UNSAFE, unsafe
    if _has_surplus(seen) and (exact or _is_unread_body(case, seen)):
        return Verdict.BROKEN, [f"bytes after the answer: {seen.surplus[:60]!r}"]
    broken = [f"the next caller got {seen.starved[:160]}"] if seen.starved else []
    broken = broken or case.expect.service(seen) or (case.expect.exact(seen) if exact else [])
    return (Verdict.BROKEN, broken) if broken else (Verdict.SAFE, [])


def _has_surplus(seen: Observation) -> bool:
    """Whether more came back than the answers to what was asked."""
    return bool(seen.surplus and seen.answers and seen.answers[-1].whole and seen.answers[-1].status != 101)


def _is_unread_body(case: Case, seen: Observation) -> bool:
    """Whether a refusal of HEAD brought the content that it must not bring, and then the end."""
    return case.methods[-1] == "HEAD" and seen.answers[-1].status >= 400 and seen.end is not End.OPEN


def _answers_of_next(case: Case, seen: Observation) -> bool:
    """Whether the surplus are answers to what followed in plain sight, for who may have taken that for requests.

    In broken framing only who repaired it, and sent all of it on or refused it for another reason, knows where the
    next request begins.
    """
    if case.kind is Kind.UPSTREAM:
        return False
    knows = seen.answers[0].status in (401, 403, 404) or any(
        arrival.whole and arrival.target != NEXT for arrival in seen.arrivals[:1]
    )
    if case.kind is Kind.FRAMING and not knows:
        return False
    more, rest, faults = read_answers(seen.surplus, ("GET",) * 100, closed=seen.end is not End.OPEN)
    return not rest and not faults and all(told.status >= 400 or told.body == b"GET " + NEXT for told in more)


def _allowed_arrivals(case: Case, requests: int) -> int:
    sent = b"".join(getattr(step, "data", b"") for step in case.steps)
    # A request that was kept from its answer may be sent once more (idempotent, without a body).
    retried = sum(isinstance(action, Close | Silence) for action in case.script)
    return requests + retried + (1 if NEXT + b" " in sent and requests == 1 else 0)
