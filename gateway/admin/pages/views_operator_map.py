"""For operators: the route map in force, its state and its upstreams, and every operation with what it needs."""

from __future__ import annotations

from collections import Counter
from typing import Final

from gateway.admin.pages.answers import Answer, Show
from gateway.admin.pages.route_listing import find
from gateway.admin.pages.visit import Visit
from gateway.core.route_check import check

_MAX_SEARCH: Final = 200


async def route_map(visit: Visit) -> Answer:
    """The map of the node that shows the page; with `q`, the operations that have these words."""
    live = visit.rules.live_map()
    words = visit.query.get("q", "").strip()[:_MAX_SEARCH]
    found = find(live, words)
    served = Counter(route.upstream for route in live.routes)
    return Show(
        "operator_map.html",
        {
            "map": live,
            "health": visit.rules.health(),
            "warnings": check(live),
            "services": found,
            "matches": sum(len(service.operations) for service in found),
            "scopes": len({scope for route in live.routes for scope in route.scopes}),
            "upstreams": [
                (upstream, served[upstream.name])
                for upstream in sorted(live.upstreams.values(), key=lambda upstream: upstream.name)
            ],
            "q": words,
        },
    )
