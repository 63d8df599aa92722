"""The API as an aiohttp application: one way for every call, from the request to the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from aiohttp import web
from pydantic import BaseModel

from gateway.admin.api import problems
from gateway.admin.api.caller import identify
from gateway.admin.api.cookies import drop_cookie, set_cookie
from gateway.admin.api.docs import docs_routes
from gateway.admin.api.operation import Answer, Call, Operation, Waiting
from gateway.admin.api.origin import Origin, origin_of
from gateway.admin.api.reading import BadRequest, read_body, read_if_match, read_path, read_query
from gateway.admin.api.table import OPERATIONS
from gateway.admin.management.codes import Code
from gateway.admin.management.outcomes import Changed
from gateway.admin.management.refusals import Refusal
from gateway.admin.management.services import Management
from gateway.core.clients import Networks
from gateway.storage.errors import StorageError

# What a server of this application reads of a request line: more than any call needs, so that a target that is wrong
# is answered by the call it is meant for.
MAX_LINE_BYTES: Final = 64 * 1024

WebHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRules:
    """What the API goes by. `report` is told of a failure nobody foresaw: where, and what."""

    management: Management
    trusted_proxies: Callable[[], Networks]
    version: str
    report: Callable[[str, BaseException], None]


def management_api(rules: ApiRules) -> web.Application:
    """The application, to be mounted at `table.BASE`."""
    api = web.Application(middlewares=[_problems(rules)])
    for operation in OPERATIONS:
        api.router.add_route(operation.method, operation.path, _handler(rules, operation))
    api.add_routes(docs_routes(version=rules.version))
    return api


def _problems(rules: ApiRules) -> Any:
    """Turns whatever is raised into problem details."""

    @web.middleware
    async def answer(request: web.Request, handler: WebHandler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refusal as refusal:
            return problems.of_refusal(refusal)
        except BadRequest as bad:
            return problems.problem(bad.status, bad.code, bad.detail)
        except web.HTTPNotFound:
            return problems.problem(
                404, Code.PATH_UNKNOWN, "There is no such path; GET /api/v1/docs lists all."
            )
        except web.HTTPMethodNotAllowed as wrong:
            allowed = ", ".join(sorted(wrong.allowed_methods))
            return problems.problem(
                405, Code.METHOD_REFUSED, f"This path takes {allowed}.", headers={"Allow": allowed}
            )
        except StorageError as error:
            rules.report(f"{request.method} {request.path}", error)
            return problems.store_unavailable()
        except web.HTTPException:
            raise
        except Exception as error:  # noqa: BLE001 - the edge: reported, and answered without a detail
            rules.report(f"{request.method} {request.path}", error)
            return problems.internal_error()

    return answer


def _handler(rules: ApiRules, operation: Operation) -> WebHandler:
    async def handle(request: web.Request) -> web.StreamResponse:
        origin = origin_of(request, rules.trusted_proxies())
        caller = await identify(rules.management, request, operation, origin)
        path = read_path(request)
        query = read_query(request.url, operation.query)
        body = None
        if operation.body is not None:
            body = await read_body(request, operation.body, limit=operation.max_body_bytes)
        call = Call(
            principal=caller.principal,
            path=path,
            query=query,
            body=body,
            versions=read_if_match(request) if operation.if_match else None,
            session_id=caller.session_id,
            address=origin.address,
        )
        answer = await operation.handle(rules.management, call)
        receipt: dict[str, Any] = {}
        if isinstance(answer.value, Changed) and isinstance(query, Waiting) and query.wait is not None:
            receipt = await _receipt(rules.management, answer.value.revision, query.wait)
        return _response(operation, answer, receipt, origin)

    return handle


async def _receipt(management: Management, revision: int, wait_seconds: float) -> dict[str, Any]:
    applied = await management.nodes.receipt(revision, wait_seconds=wait_seconds)
    if applied is None:
        return {"applied_by": None, "waiting_for": None}
    return {"applied_by": applied.applied_by, "waiting_for": applied.waiting_for}


def _response(operation: Operation, answer: Answer, receipt: dict[str, Any], origin: Origin) -> web.Response:
    response = web.Response(status=operation.status, headers=problems.HEADERS)
    if answer.value is not None:
        shown = (
            answer.value.model_dump(by_alias=True) if isinstance(answer.value, BaseModel) else answer.value
        )
        content = {**shown, **receipt} if isinstance(shown, dict) else shown
        response.body = orjson.dumps(content, option=orjson.OPT_UTC_Z)
        response.content_type = "application/json"
    if operation.etag and answer.version is not None:
        response.headers["ETag"] = f'"{answer.version}"'
    if answer.begin_session is not None and answer.begun_until is not None:
        set_cookie(
            response,
            answer.begin_session,
            is_secure=origin.is_secure,
            until=answer.begun_until,
            now=datetime.now(UTC),
        )
    if answer.end_session:
        drop_cookie(response, is_secure=origin.is_secure)
    return response
