"""The call that suggests what could be tightened."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from gateway.admin.api.operation import Answer, Call, Operation, SuggestionsQuery
from gateway.admin.management.services import Management
from gateway.admin.management.suggestion_views import SuggestionsView
from gateway.admin.management.suggestions import DEFAULT


async def _suggest(management: Management, call: Call) -> Answer:
    query: SuggestionsQuery = call.query
    given = "unused_for" in query.model_fields_set
    return Answer(
        value=await management.suggestions.list(
            call.by,
            unused_for=timedelta(seconds=query.unused_for) if given else DEFAULT,
            limit=query.limit,
            cursor=query.cursor,
        )
    )


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/suggestions",
        id="listSuggestions",
        summary="Scopes that integrations hold and did not need, routes that nobody called, what shadows would refuse (operators)",
        tag="Use",
        handle=_suggest,
        query=SuggestionsQuery,
        answers=SuggestionsView,
    ),
)
