"""The proof that a map's text says what was meant: it is read as the gateway will read it, and each operation compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gateway.core.model import Access, Problem, Route, RouteMap
from gateway.core.route_check import check
from gateway.core.routes import shape
from gateway.openapi.draft import Entry
from gateway.openapi.needs import Needs
from gateway.openapi.old_map import OldEntry
from gateway.settings.errors import ConfigurationError
from gateway.settings.route_map import parse_route_map

Meant = Mapping[tuple[str, str], Entry | OldEntry]
_KINDLESS = frozenset({Access.PUBLIC, Access.DENY})


def prove(text: str, path: Path, meant: Meant) -> tuple[RouteMap, list[Problem]]:
    """The map in `text`, which is to be written to `path`, and its warnings. Raises ConfigurationError when it cannot be
    published, or says anything else than was meant: then nothing may be written."""
    route_map = parse_route_map(path, text.encode())
    problems = check(route_map)
    errors = [problem for problem in problems if not problem.warning]
    if errors:
        raise ConfigurationError(errors)
    read = {(route.method, shape(route.template)): route for route in route_map.routes}
    odd = next((key for key in {*read, *meant} if not _agree(read.get(key), meant.get(key))), None)
    if odd is not None:
        where = read[odd].where if odd in read else str(path)
        message = f"{' '.join(odd)} cannot be changed in this text without changing more; nothing was written"
        raise ConfigurationError([Problem(where=where, message=message)])
    return route_map, problems


def _agree(route: Route | None, meant: Entry | OldEntry | None) -> bool:
    if route is None or meant is None:
        return False
    if isinstance(meant, OldEntry):
        return _without_place(route) == _without_place(meant.route)
    if route.shadow is not None and route.access is Access.AUTHENTICATED and meant.needs.scopes:
        # All that is needed is only tried.
        route = route.shadow
    account = None if meant.needs.access in _KINDLESS else meant.account
    same = meant.needs.same(Needs(route.access, route.scopes))
    return same and (route.account, set(route.versions)) == (account, set(meant.versions))


def _without_place(route: Route) -> Route:
    """The route wherever it stands; a shadow stands where its route does."""
    shadow = None if route.shadow is None else _without_place(route.shadow)
    return replace(route, where="", shadow=shadow)
