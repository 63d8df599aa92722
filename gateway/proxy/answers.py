"""The gateway's own answers, as bytes. No credential, no upstream address, no trace of the inside is in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import orjson

from gateway.core.policy import Deny
from gateway.core.reasons import REASONS, Code

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRules:
    """What an operator may choose about our answers.

    `scope_status` is 403, or 401 for callers that expect it; `name_missing_scope` tells the caller which scope it was.
    """

    scope_status: int = 403
    name_missing_scope: bool = True


def status_of(code: Code, rules: AnswerRules) -> int:
    """The status a code is answered with."""
    return rules.scope_status if code is Code.SCOPE_MISSING else REASONS[code].status


def _challenge(kind: str, scope: str | None) -> str:
    challenge = 'Bearer realm="gateway"'
    if kind == "ask":
        return challenge
    challenge += f', error="{kind}"'
    return challenge if scope is None else f'{challenge}, scope="{scope}"'


def refusal(
    deny: Deny,
    *,
    request_id: str,
    rules: AnswerRules,
    head_only: bool = False,
    connection: bytes = b"",
    extra: bytes = b"",
) -> bytes:
    """A complete HTTP/1.1 response that says no.

    `connection` is the value of the `Connection` field, if one is to be sent; `extra` are further lines, each ended by
    CRLF. `head_only` answers a HEAD.
    """
    reason = REASONS[deny.code]
    status = status_of(deny.code, rules)
    phrase = "Unauthorized" if status == 401 else reason.phrase
    body = {
        "statusCode": status,
        "error": phrase,
        "message": reason.message,
        "code": deny.code.value,
    }
    scope = deny.scope if rules.name_missing_scope else None
    if scope is not None:
        body["scope"] = scope
    body["traceId"] = request_id
    content = orjson.dumps(body)
    lines = [
        f"HTTP/1.1 {status} {phrase}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        "Cache-Control: no-store",
        f"X-Request-Id: {request_id}",
    ]
    if reason.challenge:
        lines.append(f"WWW-Authenticate: {_challenge(reason.challenge, scope)}")
    if reason.retry_after_seconds is not None:
        lines.append(f"Retry-After: {reason.retry_after_seconds}")
    if status == 405:
        lines.append("Allow: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")
    if connection:
        lines.append(f"Connection: {connection.decode('ascii')}")
    head = ("\r\n".join(lines) + "\r\n").encode("latin-1") + extra + b"\r\n"
    return head if head_only else head + content


def preflight(lines: bytes, *, request_id: str, connection: bytes = b"") -> bytes:
    """The answer to a browser's preflight. `lines` are those of CORS, each ended by CRLF."""
    head = b"HTTP/1.1 204 No Content\r\n" + lines + b"X-Request-Id: " + request_id.encode("ascii") + b"\r\n"
    if connection:
        head += b"Connection: " + connection + b"\r\n"
    return head + b"\r\n"
