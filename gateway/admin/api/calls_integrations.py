"""The calls about private integrations and their tokens."""

from __future__ import annotations

from typing import Final

from gateway.admin.api.operation import Answer, Call, Handler, IntegrationsQuery, Operation, Waiting
from gateway.admin.management.outcomes import IntegrationChanged, IntegrationIssued, IntegrationList
from gateway.admin.management.requests import IntegrationEdit, NewIntegration, Rotation
from gateway.admin.management.services import Management
from gateway.admin.management.views import IntegrationView

_INTEGRATIONS: Final = "/accounts/{account_id}/integrations"
_INTEGRATION: Final = f"{_INTEGRATIONS}/{{integration_id}}"


def _changed(outcome: IntegrationChanged) -> Answer:
    return Answer(value=outcome, version=outcome.integration.version)


async def _list(management: Management, call: Call) -> Answer:
    query: IntegrationsQuery = call.query
    return Answer(
        value=await management.integrations.list(
            call.by,
            call.account_id,
            limit=query.limit,
            cursor=query.cursor,
            with_deleted=query.deleted,
            search=query.search,
        )
    )


async def _create(management: Management, call: Call) -> Answer:
    return _changed(await management.integrations.create(call.by, call.account_id, call.body))


async def _get(management: Management, call: Call) -> Answer:
    view = await management.integrations.get(call.by, call.account_id, call.integration_id)
    return Answer(value=view, version=view.version)


async def _edit(management: Management, call: Call) -> Answer:
    return _changed(
        await management.integrations.edit(
            call.by, call.account_id, call.integration_id, call.body, versions=call.versions
        )
    )


async def _delete(management: Management, call: Call) -> Answer:
    return _changed(
        await management.integrations.delete(
            call.by, call.account_id, call.integration_id, versions=call.versions
        )
    )


async def _issue(management: Management, call: Call) -> Answer:
    return _changed(await management.tokens.issue(call.by, call.account_id, call.integration_id))


async def _rotate(management: Management, call: Call) -> Answer:
    return _changed(await management.tokens.rotate(call.by, call.account_id, call.integration_id, call.body))


async def _cancel_rotation(management: Management, call: Call) -> Answer:
    return _changed(await management.tokens.cancel_rotation(call.by, call.account_id, call.integration_id))


async def _expire_old(management: Management, call: Call) -> Answer:
    return _changed(await management.tokens.expire_old(call.by, call.account_id, call.integration_id))


async def _expire(management: Management, call: Call) -> Answer:
    return _changed(await management.tokens.expire(call.by, call.account_id, call.integration_id))


def _ending(action: str, operation_id: str, summary: str, handle: Handler) -> Operation:
    """A call that only ends tokens: no body, no secret."""
    return Operation(
        method="POST",
        path=f"{_INTEGRATION}/{action}",
        id=operation_id,
        summary=summary,
        tag="Tokens",
        handle=handle,
        query=Waiting,
        answers=IntegrationChanged,
        etag=True,
        refusals=frozenset({409}),
    )


OPERATIONS: Final = (
    Operation(
        method="GET",
        path=_INTEGRATIONS,
        id="listIntegrations",
        summary="The integrations of an account, newest first",
        tag="Integrations",
        handle=_list,
        query=IntegrationsQuery,
        answers=IntegrationList,
    ),
    Operation(
        method="POST",
        path=_INTEGRATIONS,
        id="createIntegration",
        summary="Make an integration, with its first token",
        tag="Integrations",
        handle=_create,
        body=NewIntegration,
        query=Waiting,
        status=201,
        answers=IntegrationIssued,
        etag=True,
    ),
    Operation(
        method="GET",
        path=_INTEGRATION,
        id="getIntegration",
        summary="One integration; a deleted one as well",
        tag="Integrations",
        handle=_get,
        answers=IntegrationView,
        etag=True,
    ),
    Operation(
        method="PATCH",
        path=_INTEGRATION,
        id="editIntegration",
        summary="Change name, description or scopes; suspend or resume. No token changes",
        tag="Integrations",
        handle=_edit,
        body=IntegrationEdit,
        query=Waiting,
        answers=IntegrationChanged,
        etag=True,
        if_match=True,
        refusals=frozenset({409}),
    ),
    Operation(
        method="DELETE",
        path=_INTEGRATION,
        id="deleteIntegration",
        summary="Delete an integration and kill its tokens at once",
        tag="Integrations",
        handle=_delete,
        query=Waiting,
        answers=IntegrationChanged,
        etag=True,
        if_match=True,
        refusals=frozenset({409}),
    ),
    Operation(
        method="POST",
        path=f"{_INTEGRATION}/issue",
        id="issueToken",
        summary="Make a token for an integration that has none",
        tag="Tokens",
        handle=_issue,
        query=Waiting,
        status=201,
        answers=IntegrationIssued,
        etag=True,
        refusals=frozenset({409}),
    ),
    Operation(
        method="POST",
        path=f"{_INTEGRATION}/rotate",
        id="rotateToken",
        summary="Make a new token; the old one dies now or at the end of the window",
        tag="Tokens",
        handle=_rotate,
        body=Rotation,
        query=Waiting,
        answers=IntegrationIssued,
        etag=True,
        refusals=frozenset({409}),
    ),
    _ending("cancel-rotation", "cancelRotation", "Keep the old token, drop the new one", _cancel_rotation),
    _ending("expire-old", "expireOldToken", "End the old token before its deadline", _expire_old),
    _ending("expire", "expireTokens", "End every token; the integration stays", _expire),
)
