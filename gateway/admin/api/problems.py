"""Problem details (RFC 9457): what each refusal and failure looks like on the wire."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import orjson
from aiohttp import web
from pydantic import Field

from gateway.admin.management.codes import Code
from gateway.admin.management.map_views import MapProblem
from gateway.admin.management.maps import problem_view
from gateway.admin.management.refusals import (
    ConflictingState,
    Forbidden,
    MapRefused,
    Missing,
    Refusal,
    StaleVersion,
    Throttled,
    Unauthenticated,
    Unprocessable,
)
from gateway.admin.management.values import Value

CONTENT_TYPE: Final = "application/problem+json"
# On every answer: none may be kept by a cache, and none is ever guessed to be something else.
HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
STATUSES: Final[dict[type[Refusal], int]] = {
    Unauthenticated: 401,
    Forbidden: 403,
    Missing: 404,
    ConflictingState: 409,
    StaleVersion: 412,
    Unprocessable: 422,
    MapRefused: 422,
    Throttled: 429,
}
_CHALLENGE: Final = 'Bearer realm="gateway-admin"'
_RETRY_AFTER_SECONDS: Final = 5


class ProblemFlaw(Value):
    """One thing wrong with what was sent."""

    pointer: str
    """A JSON Pointer into the body, or to the query parameter of that name."""
    message: str
    code: str


class ProblemRotation(Value):
    """The rotation that is in the way."""

    ends_at: str


class Problem(Value):
    """Why a call was not done. `code` is for programs, `detail` for people."""

    status: int
    title: str
    code: Code
    detail: str
    errors: tuple[ProblemFlaw, ...] = Field(default=())
    """Every flaw of what was sent, where that is the problem."""
    problems: tuple[MapProblem, ...] = Field(default=())
    """What is wrong with the configuration's files, where that is the problem."""
    state: str = ""
    """How the integration stands, where that is the problem."""
    rotation: ProblemRotation | None = None
    """The rotation that is under way, where that is the problem."""


def problem(
    status: int, code: Code, detail: str, *, headers: dict[str, str] | None = None, **members: Any
) -> web.Response:
    """The answer for one problem."""
    content = {
        "status": status,
        "title": HTTPStatus(status).phrase,
        "code": code,
        "detail": detail,
        **members,
    }
    return web.Response(
        status=status,
        body=orjson.dumps(content, option=orjson.OPT_UTC_Z),
        headers={**HEADERS, "Content-Type": CONTENT_TYPE, **(headers or {})},
    )


def of_refusal(refusal: Refusal) -> web.Response:
    """The answer for a refusal."""
    status = STATUSES[type(refusal)]
    headers: dict[str, str] = {}
    members: dict[str, Any] = {}
    match refusal:
        case Unauthenticated():
            given = refusal.code is not Code.CREDENTIALS_MISSING
            headers["WWW-Authenticate"] = _CHALLENGE + (', error="invalid_token"' if given else "")
        case Throttled():
            headers["Retry-After"] = str(refusal.retry_after_seconds)
        case Unprocessable():
            members["errors"] = [
                {"pointer": flaw.pointer, "message": flaw.message, "code": flaw.code}
                for flaw in refusal.flaws
            ]
        case MapRefused():
            members["problems"] = [problem_view(found).model_dump() for found in refusal.problems]
        case ConflictingState(state=str(state)):
            members["state"] = state
            if refusal.rotation_ends_at is not None:
                members["rotation"] = {"ends_at": refusal.rotation_ends_at}
    return problem(status, refusal.code, refusal.detail, headers=headers, **members)


def store_unavailable() -> web.Response:
    """The answer when the database cannot be asked, or did not say whether it did what it was told."""
    return problem(
        503,
        Code.STORE_UNAVAILABLE,
        "The store cannot be asked at the moment. A change may have been made all the same: read before you repeat it.",
        headers={"Retry-After": str(_RETRY_AFTER_SECONDS)},
    )


def internal_error() -> web.Response:
    """The answer to what nobody foresaw."""
    return problem(500, Code.INTERNAL_ERROR, "The gateway failed to do this; its log says why.")
