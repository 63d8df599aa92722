"""What another route map would change: compared with the one in force, and tried on recorded requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from gateway.admin.management.access import require_operator
from gateway.admin.management.codes import Code
from gateway.admin.management.draft_maps import draft_map
from gateway.admin.management.map_diff_views import MapDiffView, map_diff_view
from gateway.admin.management.map_impact import traffic_view
from gateway.admin.management.principal import Principal
from gateway.admin.management.refusals import ConflictingState, translated
from gateway.admin.management.store import Store
from gateway.core.map_diff import compare
from gateway.core.map_traffic import Redecision
from gateway.core.model import RouteMap
from gateway.core.usage import parted
from gateway.storage import maps
from gateway.storage.map_traffic import counted_operations, counted_requests, counted_span
from gateway.storage.nodes import list_nodes

# A node that is only slow still serves what it served; one that ends says so.
_SERVING_WITHIN: Final = timedelta(seconds=30)


class MapChanges:
    """Compares maps. `live_map` is the one in force here; `read_map` reads a text, and raises ConfigurationError.

    Whatever takes time is done in a thread, beside the requests.
    """

    def __init__(
        self, store: Store, *, live_map: Callable[[], RouteMap], read_map: Callable[[str], RouteMap]
    ) -> None:
        self._store = store
        self._live_map = live_map
        self._read_map = read_map

    async def beside_live(
        self, principal: Principal, text: str, *, traffic_seconds: float | None
    ) -> MapDiffView:
        """How the map in `text` differs from the one in force. Raises Unprocessable with every problem of the text."""
        require_operator(principal)
        new = await draft_map(self._read_map, text)
        return await self.diff(principal, self._live_map(), new, traffic_seconds=traffic_seconds)

    async def diff(
        self, principal: Principal, old: RouteMap, new: RouteMap, *, traffic_seconds: float | None
    ) -> MapDiffView:
        """How `new` differs from `old`; with what it would do to the requests of the last `traffic_seconds`."""
        require_operator(principal)
        found = await asyncio.to_thread(compare, old, new)
        if traffic_seconds is None:
            return await asyncio.to_thread(map_diff_view, found)
        reading = self._store.reading
        span = await counted_span(reading, timedelta(seconds=traffic_seconds))
        operations = await counted_operations(reading, span.since)
        redecision = await asyncio.to_thread(Redecision, old, new)

        def changing() -> list[str]:
            return [operation for operation in operations if redecision.may_change(*parted(operation))]

        wanted = await asyncio.to_thread(changing)
        counted = await counted_requests(reading, span.since, of=wanted)

        def told() -> MapDiffView:
            return map_diff_view(found, traffic_view(span, counted, redecision, found))

        return await asyncio.to_thread(told)

    async def served_by_nodes(self, principal: Principal) -> str | None:
        """The version that all nodes serve; None: there are none. Raises ConflictingState where they differ."""
        require_operator(principal)
        nodes = await list_nodes(self._store.reading, alive_within=_SERVING_WITHIN)
        versions = sorted({node.map_version for node in nodes if node.alive and node.map_version})
        if len(versions) > 1:
            raise ConflictingState(
                Code.CONFLICT, f"The nodes serve different maps: {', '.join(one[:12] for one in versions)}."
            )
        return versions[0] if versions else None

    async def published(self, principal: Principal, version: str) -> RouteMap:
        """A map from the history, by the beginning of its version. Raises Missing, and ConfigurationError for no map."""
        require_operator(principal)
        with translated():
            _, text = await maps.find(self._store.reading, version)
        return await asyncio.to_thread(self._read_map, text)
