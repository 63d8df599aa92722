"""The calls about the records of requests."""

from __future__ import annotations

from typing import Final

from gateway.admin.api.operation import AllRequestsQuery, Answer, Call, Operation, RequestsQuery
from gateway.admin.management.record_views import RequestRecordFound, RequestRecordList
from gateway.admin.management.services import Management

_OF_ACCOUNT: Final = "/accounts/{account_id}/requests"


async def _list_of_account(management: Management, call: Call) -> Answer:
    query: RequestsQuery = call.query
    wanted = query.wanted(account_id=call.account_id)
    return Answer(
        value=await management.request_records.list(call.by, wanted, limit=query.limit, cursor=query.cursor)
    )


async def _list(management: Management, call: Call) -> Answer:
    query: AllRequestsQuery = call.query
    wanted = query.wanted(account_id=query.account)
    return Answer(
        value=await management.request_records.list_all(
            call.by, wanted, limit=query.limit, cursor=query.cursor
        )
    )


async def _get(management: Management, call: Call) -> Answer:
    return Answer(
        value=await management.request_records.get(
            call.by, call.path["trace_id"], account_id=call.path.get("account_id")
        )
    )


OPERATIONS: Final = (
    Operation(
        method="GET",
        path=_OF_ACCOUNT,
        id="listAccountRequests",
        summary="The recorded requests of an account, newest first",
        tag="Requests",
        handle=_list_of_account,
        query=RequestsQuery,
        answers=RequestRecordList,
    ),
    Operation(
        method="GET",
        path=f"{_OF_ACCOUNT}/{{trace_id}}",
        id="getAccountRequest",
        summary="The newest request of an account with a trace id",
        tag="Requests",
        handle=_get,
        answers=RequestRecordFound,
    ),
    Operation(
        method="GET",
        path="/requests",
        id="listRequests",
        summary="The recorded requests of all accounts and of nobody, newest first (operators)",
        tag="Requests",
        handle=_list,
        query=AllRequestsQuery,
        answers=RequestRecordList,
    ),
    Operation(
        method="GET",
        path="/requests/{trace_id}",
        id="getRequest",
        summary="The newest request with a trace id (operators)",
        tag="Requests",
        handle=_get,
        answers=RequestRecordFound,
    ),
)
