"""What a route map changes beside another, by meaning: for each operation who may call it, who serves it, within what.

Names of parameters, the order of entries and the forms they are written in mean nothing. A literal that is new under a
parameter takes requests from it, and one that is gone leaves them to it: what they meet is what is compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.core.admission import Admission, admission
from gateway.core.map_meetings import Meeting, meetings
from gateway.core.model import Route, RouteMap
from gateway.core.routes import shape
from gateway.core.scopes import judged


class Effect(StrEnum):
    """What a change does to those who call: the worst first."""

    OPENED = "opened"  # some pass who were refused
    MOVED = "moved"  # some pass who were refused, and some are refused who passed
    CLOSED = "closed"  # some are refused who passed
    CHANGED = "changed"  # the same callers pass


class Facet(StrEnum):
    """What of an operation can differ."""

    ACCESS = "access"
    ACCOUNT = "account"
    VERSIONS = "versions"
    SHADOW = "shadow"
    SERVICE = "service"
    UPSTREAM = "upstream"
    ROUTE = "route"
    BODY_LIMIT = "body_limit"
    TIMEOUT = "timeout"
    WEBSOCKET = "websocket"


_FACETS: Final[Mapping[Facet, Callable[[Route, Admission], object]]] = {
    Facet.ACCESS: lambda _route, whom: (whom.anonymous, whom.clauses),
    Facet.ACCOUNT: lambda _route, whom: whom.kinds,
    Facet.VERSIONS: lambda _route, whom: whom.versions,
    Facet.SHADOW: lambda route, _whom: None if route.shadow is None else admission(route.shadow),
    Facet.SERVICE: lambda route, _whom: route.service,
    Facet.UPSTREAM: lambda route, _whom: route.upstream,
    Facet.ROUTE: lambda route, _whom: shape(route.template),
    Facet.BODY_LIMIT: lambda route, _whom: route.body_limit,
    Facet.TIMEOUT: lambda route, _whom: route.timeout_seconds,
    Facet.WEBSOCKET: lambda route, _whom: route.websocket,
}
# Where everybody is let through, or nobody, they say nothing.
_OF_CALLERS: Final = frozenset({Facet.ACCOUNT, Facet.VERSIONS})


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationChange:
    """What becomes of requests that meet another route than before, or the same one with other needs.

    `facets` is empty where one of the routes is None.
    """

    meeting: Meeting
    effect: Effect
    facets: tuple[Facet, ...]

    @property
    def method(self) -> str:
        return self.meeting.method

    @property
    def template(self) -> str:
        return self.meeting.template

    @property
    def spelling(self) -> str:
        return self.meeting.spelling

    @property
    def old(self) -> Route | None:
        return self.meeting.old

    @property
    def new(self) -> Route | None:
        return self.meeting.new

    @property
    def service(self) -> str:
        """Who serves it now, or did."""
        route = self.new or self.old
        return route.service if route is not None else ""

    @property
    def opens(self) -> bool:
        """Whether somebody passes who was refused."""
        return self.effect in {Effect.OPENED, Effect.MOVED}

    @property
    def closes(self) -> bool:
        """Whether somebody is refused who passed."""
        return self.effect in {Effect.CLOSED, Effect.MOVED}


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamChange:
    """An upstream of one name with other addresses, or another Host. `operations` counts what it serves, by service."""

    name: str
    old_urls: tuple[str, ...]
    new_urls: tuple[str, ...]
    old_preserve_host: bool
    new_preserve_host: bool
    operations: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeChange:
    """A scope that operations begin or cease to need, or whose words are others. `None`: no words."""

    name: str
    was_needed: bool
    is_needed: bool
    old_words: str | None
    new_words: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MapDiff:
    """Everything that differs. Sorted: by service, the worst effect first, then by path."""

    old_version: str
    new_version: str
    operations: tuple[OperationChange, ...]
    upstreams: tuple[UpstreamChange, ...]
    scopes: tuple[ScopeChange, ...]

    @property
    def opens(self) -> bool:
        """Whether any operation lets somebody pass who was refused."""
        return any(change.opens for change in self.operations)

    @property
    def is_empty(self) -> bool:
        """Whether the two maps mean the same."""
        return not (self.operations or self.upstreams or self.scopes)


def compare(old: RouteMap, new: RouteMap) -> MapDiff:
    """How `new` differs from `old`. Both must be publishable, or ValueError is raised."""
    return MapDiff(
        old_version=old.version,
        new_version=new.version,
        operations=tuple(sorted(_operations(old, new), key=_place)),
        upstreams=tuple(_upstreams(old, new)),
        scopes=tuple(_scopes(old, new)),
    )


def _operations(old: RouteMap, new: RouteMap) -> Iterator[OperationChange]:
    for meeting in meetings(old, new):
        change = _change(meeting) if meeting.is_of_its_method else None
        if change is not None:
            yield change


def _change(meeting: Meeting) -> OperationChange | None:
    was, now = meeting.old, meeting.new
    old, new = admission(was), admission(now)
    opens, closes = not old.includes(new), not new.includes(old)
    facets: tuple[Facet, ...] = ()
    if was is not None and now is not None:
        facets = tuple(
            facet
            for facet, value in _FACETS.items()
            if value(was, old) != value(now, new) and (facet not in _OF_CALLERS or (old.asks and new.asks))
        )
        if not facets:
            return None
    elif not opens and not closes:
        return None
    if opens:
        effect = Effect.MOVED if closes else Effect.OPENED
    else:
        effect = Effect.CLOSED if closes else Effect.CHANGED
    return OperationChange(meeting=meeting, effect=effect, facets=facets)


_ORDER: Final = {effect: place for place, effect in enumerate(Effect)}


def _place(change: OperationChange) -> tuple[str, int, str, str, str]:
    return change.service, _ORDER[change.effect], change.template, change.method, change.spelling


def _upstreams(old: RouteMap, new: RouteMap) -> Iterator[UpstreamChange]:
    for name in sorted(old.upstreams.keys() & new.upstreams.keys()):
        was, now = old.upstreams[name], new.upstreams[name]
        if set(was.urls) == set(now.urls) and was.preserve_host == now.preserve_host:
            continue
        served = Counter(route.service for route in new.routes if route.upstream == name)
        if not served and not any(route.upstream == name for route in old.routes):
            continue
        yield UpstreamChange(
            name=name,
            old_urls=was.urls,
            new_urls=now.urls,
            old_preserve_host=was.preserve_host,
            new_preserve_host=now.preserve_host,
            operations=dict(sorted(served.items())),
        )


def _scopes(old: RouteMap, new: RouteMap) -> Iterator[ScopeChange]:
    needed, needs = _needed(old), _needed(new)
    for name in sorted(needed | needs | old.scopes.keys() | new.scopes.keys()):
        change = ScopeChange(
            name=name,
            was_needed=name in needed,
            is_needed=name in needs,
            old_words=old.scopes.get(name),
            new_words=new.scopes.get(name),
        )
        if change.was_needed != change.is_needed or change.old_words != change.new_words:
            yield change


def _needed(route_map: RouteMap) -> set[str]:
    return {scope for route in judged(route_map.routes) for scope in route.scopes}
