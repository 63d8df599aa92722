"""What operators could tighten: judged from what was used and what was not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

from gateway.admin.management.access import require_operator
from gateway.admin.management.principal import Principal
from gateway.admin.management.refusals import translated
from gateway.admin.management.route_words import needs, tried
from gateway.admin.management.store import Store
from gateway.admin.management.suggestion_views import (
    ShadowVerdictView,
    SuggestionsView,
    UncalledRouteView,
    UnusedScopesView,
)
from gateway.core.model import Route, RouteMap
from gateway.core.suggestions import called_names, counted_routes, uncalled, unused_scopes
from gateway.core.usage import operation_of
from gateway.settings.errors import ConfigurationError
from gateway.storage import maps, suggestions
from gateway.storage.suggestions import Holder, ShadowRefusals

DEFAULT: Final = timedelta(days=30)
_ENOUGH: Final = 0.99
_MOST: Final = 20


class Suggestions:
    """Reads what was recorded. `read_map` raises ConfigurationError; `now` is the wall clock."""

    def __init__(
        self,
        store: Store,
        *,
        live_map: Callable[[], RouteMap],
        read_map: Callable[[str], RouteMap],
        now: Callable[[], datetime],
    ) -> None:
        self._reading = store.reading
        self._read_map = read_map
        self._live_map = live_map
        self._now = now

    async def list(
        self, principal: Principal, *, unused_for: timedelta = DEFAULT, limit: int, cursor: str | None = None
    ) -> SuggestionsView:
        """What was not used for so long, for operators: integrations a page at a time, newest first, the rest at once.

        A page is of `limit` integrations that were looked at, and shows those that hold what they did not need.
        """
        require_operator(principal)
        until = self._now()
        since = until - unused_for
        live = self._live_map()
        routes = live.routes
        found = await suggestions.counted(self._reading, since, until)
        items, following = await self._integrations(routes, since, limit, cursor)
        is_first = cursor is None
        young = await self._young_routes(live, since) if is_first else frozenset()
        return SuggestionsView(
            since=since,
            until=until,
            counting_since=found.counting_since,
            counted_seconds=found.counted.total_seconds(),
            is_complete=found.counted >= _ENOUGH * unused_for,
            items=items,
            next_cursor=following,
            young=await suggestions.young(self._reading, since),
            routes=await self._routes(routes, young, since, until) if is_first else None,
            young_routes=len(young),
            counted_routes=counted_routes(routes),
            shadows=await self._shadows(routes, since) if is_first else None,
        )

    async def _integrations(
        self, routes: Collection[Route], since: datetime, limit: int, cursor: str | None
    ) -> tuple[tuple[UnusedScopesView, ...], str | None]:
        with translated():
            page = await suggestions.holders(self._reading, older_than=since, limit=limit, cursor=cursor)
        ids = [holder.id for holder in page.items]
        used = await suggestions.used(self._reading, ids, since)
        granted = await suggestions.granted(self._reading, ids, since)
        found: list[UnusedScopesView] = []
        for holder in page.items:
            unused = unused_scopes(
                holder.scopes,
                used.get(holder.id, ()),
                routes,
                granted_lately=granted.get(holder.id, ()),
            )
            if unused:
                found.append(_view(holder, unused))
        return tuple(found), page.next

    async def _young_routes(self, live: RouteMap, since: datetime) -> frozenset[Route]:
        """The routes that came into the map since then, as far as the maps are kept."""
        found = await maps.earliest_since(self._reading, since)
        if found is None or found[0].version == live.version:
            return frozenset()
        try:
            before = await asyncio.to_thread(self._read_map, found[1])
        except ConfigurationError:
            return frozenset()  # it was kept, and could not be read then either
        known = {(route.method, route.template) for route in before.routes}
        return frozenset(route for route in live.routes if (route.method, route.template) not in known)

    async def _routes(
        self, routes: Collection[Route], young: Collection[Route], since: datetime, until: datetime
    ) -> tuple[UncalledRouteView, ...]:
        wanted = {operation_of(route.method, route.template) for route in uncalled(routes, ())}
        called = await suggestions.called(self._reading, since, until, wanted=wanted)
        return tuple(
            UncalledRouteView(
                method=route.method, path=route.template, service=route.service, needs=needs(route)
            )
            for route in uncalled(routes, called)
            if route not in young
        )

    async def _shadows(self, routes: Collection[Route], since: datetime) -> tuple[ShadowVerdictView, ...]:
        own_heads = {route.template for route in routes if route.method == "HEAD"}
        refusals = await suggestions.shadow_refusals(self._reading, since)
        return tuple(
            _verdict(route, [one for one in refusals if one.route in called_names(route, own_heads)])
            for route in routes
            if route.shadow is not None
        )


def _view(holder: Holder, unused: tuple[str, ...]) -> UnusedScopesView:
    return UnusedScopesView(
        integration_id=holder.id,
        account_id=holder.account_id,
        name=holder.name,
        scopes=unused,
        held=len(holder.scopes),
        last_used_at=holder.last_used_at,
    )


def _verdict(route: Route, refusals: Iterable[ShadowRefusals]) -> ShadowVerdictView:
    codes: dict[str, int] = {}
    integrations: dict[str, int] = {}
    last_at: datetime | None = None
    for one in refusals:
        codes[one.code] = codes.get(one.code, 0) + one.count
        integrations[one.integration_id] = integrations.get(one.integration_id, 0) + one.count
        last_at = one.last_at if last_at is None else max(last_at, one.last_at)
    return ShadowVerdictView(
        method=route.method,
        path=route.template,
        tries=tried(route),
        refusals=codes,
        integrations=len(integrations),
        most=dict(sorted(integrations.items(), key=lambda item: (-item[1], item[0]))[:_MOST]),
        last_at=last_at,
    )
