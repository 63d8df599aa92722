"""For operators: the route map in force, its state, every operation with what it needs; reloading it; and the maps before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from gateway.admin.management.map_views import MapProblem
from gateway.admin.management.maps import problem_view
from gateway.admin.management.refusals import MapRefused
from gateway.admin.pages.answers import OPERATORS, Answer, Done, Go, Show
from gateway.admin.pages.route_listing import find
from gateway.admin.pages.visit import Visit
from gateway.core.route_check import check

_HERE: Final = f"{OPERATORS}/map"
_MAX_SEARCH: Final = 200


async def route_map(visit: Visit) -> Answer:
    """The map of the node that shows the page; with `q`, the operations that have these words."""
    return _show(visit)


async def reload(visit: Visit) -> Answer:
    """Takes into use what the files of the node say now."""
    try:
        await visit.management.maps.reload(visit.principal)
    except MapRefused as refusal:
        return _show(visit, tuple(map(problem_view, refusal.problems)))
    return Go(f"{_HERE}?done={Done.MAP_RELOADED.value}")


def _show(visit: Visit, refused: Sequence[MapProblem] = ()) -> Show:
    """The page; `refused` are the problems of files that were to be taken into use just now."""
    in_force = visit.management.maps.get(visit.principal)
    live = visit.rules.live_map()
    words = visit.query.get("q", "").strip()[:_MAX_SEARCH]
    found = find(live, words)
    served = Counter(route.upstream for route in live.routes)
    return Show(
        "operator_map.html",
        {
            "in_force": in_force,
            "problems": refused or in_force.problems,
            "warnings": check(live),
            "services": found,
            "matches": sum(len(service.operations) for service in found),
            "upstreams": [
                (upstream, served[upstream.name])
                for upstream in sorted(live.upstreams.values(), key=lambda upstream: upstream.name)
            ],
            "q": words,
        },
        422 if refused else 200,
    )


async def history(visit: Visit) -> Answer:
    """The maps that were taken into use, newest first."""
    found = await visit.management.maps.history(visit.principal)
    return Show(
        "operator_map_history.html",
        {"found": found, "in_force": visit.management.maps.get(visit.principal).version},
    )


async def published(visit: Visit) -> Answer:
    """One of them, as its file was."""
    found = await visit.management.maps.show(visit.principal, visit.segment("version", "map"))
    return Show(
        "operator_map_text.html",
        {"found": found, "in_force": visit.management.maps.get(visit.principal).version},
    )
