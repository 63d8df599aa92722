"""The call that tells what another route map would change."""

from __future__ import annotations

from typing import Final

from gateway.admin.api.operation import Answer, Call, Operation
from gateway.admin.management.map_diff_views import MapDiffView
from gateway.admin.management.requests import MapToCompare
from gateway.admin.management.services import Management

# The shipped map of 576 operations takes a sixteenth of that.
_MAX_BODY_BYTES: Final = 1000 * 1024


async def _diff(management: Management, call: Call) -> Answer:
    body: MapToCompare = call.body
    return Answer(
        value=await management.map_changes.beside_live(call.by, body.map, traffic_seconds=body.traffic)
    )


OPERATIONS: Final = (
    Operation(
        method="POST",
        path="/map/diff",
        id="diffMap",
        summary="What another route map would open, close and move, and do to recorded requests (operators)",
        tag="Route map",
        handle=_diff,
        body=MapToCompare,
        max_body_bytes=_MAX_BODY_BYTES,
        answers=MapDiffView,
    ),
)
