"""The description of the API (OpenAPI 3.1), made from the table of calls and the types of bodies and answers."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from gateway.admin.api.caller import CSRF_HEADER
from gateway.admin.api.operation import Access, Operation, path_pattern
from gateway.admin.api.problems import CONTENT_TYPE, Problem
from gateway.admin.api.table import BASE, OPERATIONS

_REF: Final = "#/components/schemas/{model}"
_JSON: Final = "application/json"
_TAGS: Final = {
    "Accounts": "Tenants: agencies and sub-accounts.",
    "Members": "The people of an account.",
    "Audit": "Who changed what, as a chain of hashes.",
    "Integrations": "Private integrations: a name, scopes, and at most two live tokens.",
    "Tokens": "Issuing, rotating and ending the tokens of an integration.",
    "Use": "What the use of an integration shows.",
    "Requests": "Records of single requests: refused and failed ones, and of the others all or a sample.",
    "Scopes": "What integrations can be allowed.",
    "Explain": "What becomes of a request, and why. Nothing is sent.",
    "Operators": "For those who run the gateway.",
    "Route map": "What is served: the map in force, the ones before it, and what another would change.",
    "Session": "Logging in, for pages in a browser.",
}
_WHEN: Final = {
    400: "The body is not JSON.",
    401: "No credential, or one that is not good.",
    403: "Not allowed.",
    404: "There is no such thing, or it is another account's.",
    409: "It does not fit what is there; nothing was changed.",
    412: "It was changed since it was read; nothing was changed.",
    413: "The body is too large.",
    415: "The body's Content-Type is not application/json.",
    422: "What was sent is not valid; `errors` names every flaw.",
    429: "Too many attempts; `Retry-After` says when to try again.",
    500: "The gateway failed.",
    503: "The store cannot be asked at the moment.",
}
_ABOUT: Final = """\
Operators send an admin key as `Authorization: Bearer adm_…`. Pages in a browser log in and hold a session's cookie; \
their calls that change something carry the session's `csrf_token` in `X-CSRF-Token`.

The answer to a change carries `revision`, which only grows. With `?wait=5s` it is held until every live node has \
applied that revision, and says so: `applied_by` counts those that have, `waiting_for` names those that have not.

Lists are paged: `next_cursor` of one page is the `cursor` of the next. Secrets are in the one answer that makes them \
and nowhere else. Problems are RFC 9457 problem details with a `code` for programs."""


def _schemas() -> tuple[dict[Any, Any], dict[str, Any]]:
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(Problem, "serialization"): None}
    for operation in OPERATIONS:
        if operation.body is not None:
            wanted[operation.body, "validation"] = None
        if operation.answers is not None:
            wanted[operation.answers, "serialization"] = None
    refs, definitions = models_json_schema(list(wanted), ref_template=_REF)
    schemas: dict[str, Any] = dict(definitions["$defs"])
    for operation in OPERATIONS:
        # The parameters are described where they stand; only what their types refer to is named.
        schemas |= operation.query.model_json_schema(ref_template=_REF).get("$defs", {})
        if operation.changes and operation.answers is not None:
            schemas[operation.answers.__name__]["properties"] |= _RECEIPT
    return dict(refs), schemas


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": f"^{path_pattern(name).pattern}$"},
        }
        for name in operation.path_parameters
    ]
    schema = operation.query.model_json_schema(ref_template=_REF)
    for name, one in schema.get("properties", {}).items():
        described = {key: value for key, value in one.items() if key not in {"title", "description"}}
        found.append(
            {"name": name, "in": "query", "description": one.get("description", ""), "schema": described}
        )
    if operation.if_match:
        found.append(
            {
                "name": "If-Match",
                "in": "header",
                "description": "The ETag that was read: the change is made only while it is still the newest.",
                "schema": {"type": "string", "pattern": '^("[0-9]{1,18}"|\\*)$'},
            }
        )
    return found


def _answer_schema(operation: Operation, ref: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": ref} if operation.answers_array else ref


def _responses(operation: Operation, refs: dict[Any, Any]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": HTTPStatus(operation.status).phrase}
    if operation.answers is not None:
        schema = _answer_schema(operation, refs[operation.answers, "serialization"])
        success["content"] = {_JSON: {"schema": schema}}
    headers: dict[str, Any] = {}
    if operation.etag:
        headers["ETag"] = {"description": "The integration's version.", "schema": {"type": "string"}}
    if operation.id == "logIn":
        headers["Set-Cookie"] = {"description": "The session.", "schema": {"type": "string"}}
    if headers:
        success["headers"] = headers
    responses = {str(operation.status): success}
    for status in sorted(operation.statuses() - {operation.status}):
        responses[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    return responses


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    session: dict[str, list[str]] = {"session": []} if operation.is_safe else {"session": [], "csrf": []}
    match operation.access:
        case Access.ANYONE:
            return []
        case Access.MEMBER:
            return [session]
        case Access.KNOWN:
            return [{"adminKey": []}, session]


def _operation(operation: Operation, refs: dict[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "security": _security(operation),
        "responses": _responses(operation, refs),
    }
    if parameters := _parameters(operation):
        described["parameters"] = parameters
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {_JSON: {"schema": refs[operation.body, "validation"]}},
        }
    return described


# What `wait` adds to the answer of a change.
_RECEIPT: Final = {
    "applied_by": {
        "type": ["integer", "null"],
        "description": "With `wait`: how many live nodes have applied the revision. Null: the store could not be asked.",
    },
    "waiting_for": {
        "type": ["array", "null"],
        "items": {"type": "string"},
        "description": "With `wait`: the live nodes that have not.",
    },
}


def _problem_response(status: int, ref: dict[str, Any]) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": _WHEN[status],
        "content": {CONTENT_TYPE: {"schema": ref}},
    }
    if status == 401:
        response["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    if status in {429, 503}:
        response["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return response


def describe(*, version: str) -> dict[str, Any]:
    """The whole description."""
    refs, schemas = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(BASE + operation.path, {})[operation.method.lower()] = _operation(operation, refs)
    problem = refs[Problem, "serialization"]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Private Integrations Gateway: management",
            "version": version,
            "description": _ABOUT,
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {f"Problem{status}": _problem_response(status, problem) for status in _WHEN},
            "securitySchemes": {
                "adminKey": {"type": "http", "scheme": "bearer", "description": "An admin key, adm_…"},
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "gateway_session",
                    "description": "A session; behind TLS the name is __Host-gateway_session.",
                },
                "csrf": {"type": "apiKey", "in": "header", "name": CSRF_HEADER},
            },
        },
    }
