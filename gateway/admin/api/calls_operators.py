"""The calls of operators: admin keys and nodes; and the scopes that everybody chooses from."""

from __future__ import annotations

from typing import Final

from gateway.admin.api.operation import Answer, Call, Operation, Paged, Waiting
from gateway.admin.management.outcomes import AdminKeyChanged, AdminKeyCreated, AdminKeyList, NodeList
from gateway.admin.management.requests import NewAdminKey
from gateway.admin.management.services import Management
from gateway.admin.management.views import ScopeView


async def _list_scopes(management: Management, _call: Call) -> Answer:
    return Answer(value=[scope.model_dump() for scope in management.scopes.list()])


async def _list_keys(management: Management, call: Call) -> Answer:
    return Answer(
        value=await management.admin_keys.list(call.by, limit=call.query.limit, cursor=call.query.cursor)
    )


async def _create_key(management: Management, call: Call) -> Answer:
    return Answer(value=await management.admin_keys.create(call.by, call.body))


async def _revoke_key(management: Management, call: Call) -> Answer:
    return Answer(value=await management.admin_keys.revoke(call.by, call.path["key_id"]))


async def _list_nodes(management: Management, call: Call) -> Answer:
    return Answer(value=await management.nodes.list(call.by))


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/scopes",
        id="listScopes",
        summary="The scopes of the live route map, and what each opens",
        tag="Scopes",
        handle=_list_scopes,
        answers=ScopeView,
        answers_array=True,
    ),
    Operation(
        method="GET",
        path="/admin-keys",
        id="listAdminKeys",
        summary="The admin keys, revoked ones as well, newest first (operators)",
        tag="Operators",
        handle=_list_keys,
        query=Paged,
        answers=AdminKeyList,
    ),
    Operation(
        method="POST",
        path="/admin-keys",
        id="createAdminKey",
        summary="Make an admin key (operators)",
        tag="Operators",
        handle=_create_key,
        body=NewAdminKey,
        query=Waiting,
        status=201,
        answers=AdminKeyCreated,
    ),
    Operation(
        method="DELETE",
        path="/admin-keys/{key_id}",
        id="revokeAdminKey",
        summary="End an admin key at once (operators)",
        tag="Operators",
        handle=_revoke_key,
        query=Waiting,
        answers=AdminKeyChanged,
    ),
    Operation(
        method="GET",
        path="/nodes",
        id="listNodes",
        summary="The nodes, and the revision each has applied (operators)",
        tag="Operators",
        handle=_list_nodes,
        answers=NodeList,
    ),
)
