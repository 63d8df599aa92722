"""The calls about the use of an integration."""

from __future__ import annotations

from typing import Final

from gateway.admin.api.operation import ActivityQuery, Answer, Call, Operation, SinceQuery
from gateway.admin.management.services import Management
from gateway.admin.management.usage_views import ActivityView, CutoverAnswer, ScopesUsed

_INTEGRATION: Final = "/accounts/{account_id}/integrations/{integration_id}"


async def _activity(management: Management, call: Call) -> Answer:
    query: ActivityQuery = call.query
    return Answer(
        value=await management.usage.activity(
            call.by,
            call.account_id,
            call.integration_id,
            bucket=query.bucket,
            since=query.since,
            until=query.until,
        )
    )


async def _cutover(management: Management, call: Call) -> Answer:
    return Answer(value=await management.usage.cutover(call.by, call.account_id, call.integration_id))


async def _scopes_used(management: Management, call: Call) -> Answer:
    return Answer(
        value=await management.usage.scopes_used(
            call.by, call.account_id, call.integration_id, since=call.query.since
        )
    )


OPERATIONS: Final = (
    Operation(
        method="GET",
        path=f"{_INTEGRATION}/activity",
        id="getActivity",
        summary="Requests over time, by token, outcome, route and client network",
        tag="Use",
        handle=_activity,
        query=ActivityQuery,
        answers=ActivityView,
    ),
    Operation(
        method="GET",
        path=f"{_INTEGRATION}/cutover",
        id="getCutover",
        summary="Who uses the old and who the new token of a rotation, and whether the old one can be let go",
        tag="Use",
        handle=_cutover,
        answers=CutoverAnswer,
    ),
    Operation(
        method="GET",
        path=f"{_INTEGRATION}/scopes-used",
        id="getScopesUsed",
        summary="When each of its scopes was last needed",
        tag="Use",
        handle=_scopes_used,
        query=SinceQuery,
        answers=ScopesUsed,
    ),
)
