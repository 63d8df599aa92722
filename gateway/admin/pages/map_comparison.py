"""What a draft of the route map changes, as the page tells it: the answer in a sentence, then the operations in groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.admin.management.map_diff_views import MapDiffView, OperationChangeView, TrafficView
from gateway.admin.pages.moments import counted
from gateway.admin.pages.scope_choices import service_name
from gateway.core.map_diff import Effect, Facet

# A page of more is read by nobody, and made while requests wait.
_MOST: Final = 500


class Kind(StrEnum):
    """What happens to an operation, in the order in which it is read."""

    OPENED = "opened"
    CLOSED = "closed"
    MOVED = "moved"
    ELSEWHERE = "elsewhere"
    OTHERWISE = "otherwise"


# The heading, and what it means.
KINDS: Final = {
    Kind.OPENED: ("Opened", "Somebody would pass who is refused now."),
    Kind.CLOSED: ("Closed", "Somebody would be refused who passes now."),
    Kind.MOVED: (
        "Moved to other callers",
        "Some would pass who are refused now, and some be refused who pass.",
    ),
    Kind.ELSEWHERE: ("Served elsewhere", "The same callers pass; another upstream or service answers."),
    Kind.OTHERWISE: (
        "Changed otherwise",
        "The same callers pass; limits are others, or what is only tried.",
    ),
}
_OF_EFFECT: Final = {Effect.OPENED: Kind.OPENED, Effect.CLOSED: Kind.CLOSED, Effect.MOVED: Kind.MOVED}
_ELSEWHERE: Final = frozenset({Facet.UPSTREAM, Facet.SERVICE})


@dataclass(frozen=True, slots=True, kw_only=True)
class OfService:
    """The operations of one service to which the same happens."""

    name: str
    operations: tuple[OperationChangeView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Operations to which the same happens. `opens`: each needs a second look. `left_out` counts those not listed."""

    kind: Kind
    count: int
    services: tuple[OfService, ...]
    left_out: int

    @property
    def title(self) -> str:
        return KINDS[self.kind][0]

    @property
    def meaning(self) -> str:
        return KINDS[self.kind][1]

    @property
    def opens(self) -> bool:
        return self.kind in {Kind.OPENED, Kind.MOVED}


def is_same(found: MapDiffView) -> bool:
    """Whether the two maps mean the same."""
    return not (found.operations or found.upstreams or found.scopes)


def kind_of(change: OperationChangeView) -> Kind:
    """What happens to an operation."""
    elsewhere = not _ELSEWHERE.isdisjoint(change.facets)
    return _OF_EFFECT.get(change.effect, Kind.ELSEWHERE if elsewhere else Kind.OTHERWISE)


def groups(found: MapDiffView) -> tuple[Group, ...]:
    """The operations by what happens to them, and by service; no group is empty."""
    of_kind: dict[Kind, list[OperationChangeView]] = {kind: [] for kind in Kind}
    for change in found.operations:
        of_kind[kind_of(change)].append(change)
    return tuple(
        Group(
            kind=kind,
            count=len(changes),
            services=_by_service(changes[:_MOST]),
            left_out=max(0, len(changes) - _MOST),
        )
        for kind, changes in of_kind.items()
        if changes
    )


def _by_service(changes: Sequence[OperationChangeView]) -> tuple[OfService, ...]:
    services: dict[str, list[OperationChangeView]] = {}
    for change in changes:
        services.setdefault(change.service, []).append(change)
    return tuple(OfService(name=service_name(key), operations=tuple(of)) for key, of in services.items())


def answer(found: MapDiffView, time: str) -> str:
    """What it all comes to, in a sentence. `time` is the one whose requests were asked about, such as `last 7 days`."""
    if is_same(found):
        return "The draft means the same as the map in force."
    told = f"The draft {_joined(list(_operations(found)))}"
    if found.traffic is not None:
        told += f"; {_requests(found.traffic, time)}"
    return f"{told}."


def _operations(found: MapDiffView) -> Iterator[str]:
    counts = found.counts
    otherwise = sum(kind_of(change) is Kind.OTHERWISE for change in found.operations)
    told = [
        ("opens", counts.opened, ""),
        ("closes", counts.closed, ""),
        ("moves", counts.moved, " to other callers"),
        ("serves", counts.served_elsewhere, " elsewhere"),
        ("changes", otherwise, " otherwise"),
    ]
    if not found.opens:
        yield "opens nothing"
    noun = "operation"
    for verb, number, end in told:
        if number:
            yield f"{verb} {counted(number, noun) if noun else f'{number:,}'}{end}"
            noun = ""
    if noun:
        yield "changes no operation"


def _requests(traffic: TrafficView, time: str) -> str:
    if not traffic.requests:
        return f"no request was counted in the {time}"
    if traffic.newly_refused:
        integrations = sum(one.newly_refused > 0 for one in traffic.integrations)
        told = (
            f"{counted(traffic.newly_refused, 'request')} of {counted(integrations, 'private integration')}"
            f" in the {time} would newly be refused"
        )
    elif traffic.requests == 1:
        told = f"the one request of the {time} would not newly be refused"
    else:
        told = f"none of the {traffic.requests:,} requests of the {time} would newly be refused"
    more = [f"{traffic.newly_passing:,} would newly pass"] if traffic.newly_passing else []
    if traffic.undecided:
        more.append(f"for {traffic.undecided:,} it depends on what is not recorded")
    return ", ".join([told, *more[:-1]]) + (f" and {more[-1]}" if more else "")


def _joined(parts: Sequence[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def tone(found: MapDiffView) -> str:
    """The colour of the answer. What closes something is good only where requests were counted, and none is refused."""
    traffic, counts = found.traffic, found.counts
    if is_same(found):
        return "quiet"
    if found.opens or (traffic is not None and (traffic.newly_refused or traffic.undecided)):
        return "warn"
    return "quiet" if counts.closed and (traffic is None or not traffic.requests) else "good"
