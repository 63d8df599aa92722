"""The call that explains: what becomes of a request, and why."""

from __future__ import annotations

from typing import Final

from gateway.admin.api.operation import Answer, Call, Operation
from gateway.admin.management.explain_request import ExplainRequest
from gateway.admin.management.explain_views import ExplanationView
from gateway.admin.management.services import Management

# The shipped map of 576 operations takes a sixteenth of that.
_MAX_BODY_BYTES: Final = 1000 * 1024


async def _explain(management: Management, call: Call) -> Answer:
    return Answer(value=await management.explain.explain(call.by, call.body))


OPERATIONS: Final = (
    Operation(
        method="POST",
        path="/explain",
        id="explainRequest",
        summary="What becomes of a request and why, step by step (with a token or another map: operators)",
        tag="Explain",
        handle=_explain,
        body=ExplainRequest,
        max_body_bytes=_MAX_BODY_BYTES,
        answers=ExplanationView,
    ),
)
