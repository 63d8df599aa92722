"""What a map and the integrations could do without, told from what was called. It knows no clock and no store."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from gateway.core.model import Access, Route
from gateway.core.needed_scopes import needed_scopes
from gateway.core.usage import operation_of, parted

# Nobody is counted on a public route, and nobody is to call a denied one.
_UNCOUNTED = frozenset({Access.PUBLIC, Access.DENY})


def uncalled(routes: Collection[Route], called: Collection[str]) -> tuple[Route, ...]:
    """The routes whose calls are counted, and that were not called. A HEAD that a GET route serves is a call of it."""
    own_heads = {route.template for route in routes if route.method == "HEAD"}
    return tuple(
        route
        for route in routes
        if route.access not in _UNCOUNTED and called_names(route, own_heads).isdisjoint(called)
    )


def called_names(route: Route, own_heads: Collection[str]) -> set[str]:
    """The operations under which calls of a route are counted; `own_heads` are the templates with a HEAD of their own."""
    names = {operation_of(route.method, route.template)}
    if route.method == "GET" and route.template not in own_heads:
        names.add(operation_of("HEAD", route.template))
    return names


def counted_routes(routes: Iterable[Route]) -> int:
    """How many routes there are whose calls are counted."""
    return sum(route.access not in _UNCOUNTED for route in routes)


def unused_scopes(
    held: Collection[str],
    operations: Iterable[str],
    routes: Iterable[Route],
    *,
    granted_lately: Collection[str],
) -> tuple[str, ...]:
    """The scopes that none of these operations needed. One that was granted lately had no time to be."""
    needed = needed_scopes((parted(operation) for operation in operations), frozenset(held), routes)
    used = set().union(*needed.values()) if needed else set()
    return tuple(sorted(set(held) - used - set(granted_lately)))
