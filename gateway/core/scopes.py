"""Which scopes an account may be given: those that a route of the live map needs, for its kind of account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from gateway.core.model import AccountKind, Route, RouteMap


def judged(routes: Iterable[Route]) -> Iterator[Route]:
    """Each route, and behind it its shadow: a scope that is only tried must be there to be granted."""
    for route in routes:
        yield route
        if route.shadow is not None:
            yield route.shadow


def offered(route_map: RouteMap, kind: AccountKind) -> frozenset[str]:
    """The scopes that a token of such an account can use."""
    return frozenset(
        scope for route in judged(route_map.routes) if route.account in (None, kind) for scope in route.scopes
    )


def not_offered(route_map: RouteMap, kind: AccountKind, scopes: Iterable[str]) -> list[str]:
    """One line for each scope that may not be given, with the way out."""
    offers = offered(route_map, kind)
    known = {scope for route in judged(route_map.routes) for scope in route.scopes}
    lines = []
    for scope in sorted(set(scopes) - offers):
        if scope in known:
            lines.append(f"scope {scope} is not for an account of kind {kind.value}")
            continue
        close = get_close_matches(scope, offers, n=1, cutoff=0.7)
        lines.append(f"there is no scope {scope}" + (f"; did you mean {close[0]}?" if close else ""))
    return lines
