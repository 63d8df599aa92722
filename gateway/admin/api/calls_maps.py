"""The calls about the route map."""

from __future__ import annotations

from typing import Final

from gateway.admin.api.operation import Answer, Call, Operation
from gateway.admin.management.map_views import MapHistory, MapText, MapView
from gateway.admin.management.services import Management


async def _get_map(management: Management, call: Call) -> Answer:
    return Answer(value=management.maps.get(call.by))


async def _reload(management: Management, call: Call) -> Answer:
    return Answer(value=await management.maps.reload(call.by))


async def _history(management: Management, call: Call) -> Answer:
    return Answer(value=await management.maps.history(call.by))


async def _show(management: Management, call: Call) -> Answer:
    return Answer(value=await management.maps.show(call.by, call.path["version"]))


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/map",
        id="getMap",
        summary="The route map that this node serves, and what keeps a newer one out (operators)",
        tag="Route map",
        handle=_get_map,
        answers=MapView,
    ),
    Operation(
        method="POST",
        path="/map/reload",
        id="reloadMap",
        summary="Take into use what the files of this node say now: settings and route map (operators)",
        tag="Route map",
        handle=_reload,
        answers=MapView,
        refusals=frozenset({422}),
    ),
    Operation(
        method="GET",
        path="/map/history",
        id="listMaps",
        summary="The last twenty maps that were taken into use, newest first (operators)",
        tag="Route map",
        handle=_history,
        answers=MapHistory,
    ),
    Operation(
        method="GET",
        path="/map/history/{version}",
        id="getPublishedMap",
        summary="One of them with its text; the beginning of its version is enough (operators)",
        tag="Route map",
        handle=_show,
        answers=MapText,
    ),
)
