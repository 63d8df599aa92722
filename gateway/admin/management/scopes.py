"""The scopes of the live route map: what there is to choose from, and whether a choice is one an account may make."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.admin.management.refusals import Flaw, Unprocessable
from gateway.admin.management.views import ScopeView
from gateway.core.model import AccountKind, Route, RouteMap
from gateway.core.scopes import judged, not_offered, offered


class Scopes:
    """Asks for the map at each call, so that a map that was just taken into use counts at once."""

    def __init__(self, live_map: Callable[[], RouteMap]) -> None:
        self._live_map = live_map

    def list(self, kind: AccountKind | None = None) -> list[ScopeView]:
        """Every scope that a route needs, by name; those for accounts of `kind`, where one is given."""
        route_map = self._live_map()
        routes: dict[str, list[Route]] = {}
        for route in judged(route_map.routes):
            for scope in route.scopes:
                routes.setdefault(scope, []).append(route)
        return [
            ScopeView(
                name=scope,
                description=route_map.scopes.get(scope, ""),
                routes=tuple(dict.fromkeys(f"{route.method} {route.template}" for route in routes[scope])),
                account=_kind(routes[scope]),
            )
            for scope in sorted(routes)
            if kind is None or _kind(routes[scope]) in {"any", kind.value}
        ]

    def check(self, kind: AccountKind, scopes: Sequence[str]) -> None:
        """Raises Unprocessable that names each scope an account of this kind cannot hold."""
        route_map = self._live_map()
        offers = offered(route_map, kind)
        wrong = [(place, scope) for place, scope in enumerate(scopes) if scope not in offers]
        if not wrong:
            return
        known = {scope for route in judged(route_map.routes) for scope in route.scopes}
        raise Unprocessable(
            [
                Flaw(
                    pointer=f"/scopes/{place}",
                    message=_sentence(not_offered(route_map, kind, [scope])[0]),
                    code="scope_account_kind" if scope in known else "scope_unknown",
                )
                for place, scope in wrong
            ]
        )


def _kind(routes: Sequence[Route]) -> str:
    kinds = {route.account for route in routes}
    return next(iter(kinds)) or "any" if len(kinds) == 1 else "any"


def _sentence(line: str) -> str:
    return f"{line[0].upper()}{line[1:]}{'' if line.endswith('?') else '.'}"
