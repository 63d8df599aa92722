"""One request's way through the gateway, in one function: path, match, authenticate, decide, limit, rewrite.

It takes values and gives a verdict; it reads no socket and waits for nothing. Whoever calls it carries the verdict out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from gateway.core.cors import CorsPolicy
from gateway.core.model import Access, Caller, TokenRecord
from gateway.core.paths import PathClass, RefusedPath, canonical_path
from gateway.core.policy import Credential, Deny, authenticate, authorize, checked
from gateway.core.reasons import Code
from gateway.core.request import RequestHead
from gateway.core.request_fields import RequestFields
from gateway.core.tokens import TokenForm
from gateway.core.websocket import accept_value, field_value
from gateway.index.cache import MISS, Miss
from gateway.proxy.credentials import CredentialReader
from gateway.proxy.grants import Grants
from gateway.proxy.live import LiveMap, Plan

_PUBLIC: Final = Access.PUBLIC


class Index(Protocol):
    """What the pipeline needs of the cached hash index."""

    def digest(self, token: bytes) -> bytes: ...

    def find(self, digest: bytes) -> TokenRecord | Miss | None: ...

    async def load(self, token: bytes) -> TokenRecord | None: ...


class Clock(Protocol):
    """The database's clock, in UNIX seconds."""

    def now(self) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The operator's choices that the pipeline obeys."""

    token_form: TokenForm
    path_allow: frozenset[PathClass]


@dataclass(slots=True, eq=False)
class Forward:
    """The verdict yes: send this head to that upstream. `caller` and `credential` None on public routes.

    The head is `start`, the value of Host, then `rest`: which of an upstream's addresses serves is chosen later, and
    `host` is None where it is the address's own. `websocket_accept` is what a 101 must prove; None: no upgrade was asked
    for, or none is served here.
    """

    plan: Plan
    caller: Caller | None
    credential: Credential | None
    start: bytes
    host: bytes | None
    rest: bytes
    websocket_accept: bytes | None


@dataclass(slots=True, eq=False)
class Refuse:
    """The verdict no. `caller` is whom the token belongs to, also when it is dead; `plan` the operation that was meant."""

    deny: Deny
    caller: Caller | None = None
    plan: Plan | None = None


@dataclass(slots=True, eq=False)
class Preflight:
    """The verdict that a browser asks before it sends the request itself: answered here, with these lines."""

    plan: Plan
    lines: bytes


@dataclass(slots=True, eq=False)
class Unresolved:
    """The verdict not yet: the store must be asked about this token, then the request travels again."""

    credential: Credential


def travel(
    request: RequestHead,
    *,
    live: LiveMap,
    policy: Policy,
    index: Index,
    clock: Clock,
    grants: Grants,
    credentials: CredentialReader,
    provenance: bytes,
    cors: CorsPolicy | None = None,
    loaded: TokenRecord | Miss | None = MISS,
) -> Forward | Refuse | Preflight | Unresolved:
    """Judge and rewrite one request. `credentials` reads those of its connection.

    `provenance` are the lines that say where the request came from (`X-Forwarded-*`, `X-Request-Id`), each ended by
    CRLF. `loaded` is the record that the store gave after an `Unresolved`.
    """
    fields = request.fields
    path = canonical_path(request.path, policy.path_allow)
    if isinstance(path, RefusedPath):
        return Refuse(Deny(Code.PATH_REFUSED, detail=path.detail))
    plan = live.table.match(request.method, path)
    if cors is not None and request.method == "OPTIONS":
        preflight = _preflight(request, path, live, cors)
        if preflight is not None:
            return preflight
    if plan is not None and plan.route.access is _PUBLIC:
        return _limited(fields, plan, None) or _forward(request, path, plan, provenance)
    credential = credentials.read(request.authorization)
    if isinstance(credential, Deny):
        return Refuse(credential, plan=plan)
    record = index.find(credential.digest) if loaded is MISS else loaded
    if record is MISS:
        mistyped = checked(credential.token, policy.token_form)
        return Refuse(mistyped, plan=plan) if mistyped is not None else Unresolved(credential)
    caller = authenticate(record, clock.now())
    if isinstance(caller, Deny):
        return Refuse(caller, record.caller if record is not None else None, plan)
    if plan is None:
        return Refuse(Deny(Code.ROUTE_UNKNOWN), caller)
    grant = grants.known(caller, plan)
    if grant is None:
        decision = authorize(caller, plan.route, fields.api_versions)
        if isinstance(decision, Deny):
            return Refuse(decision, caller, plan)
        grant = grants.make(caller, plan)
    return _limited(fields, plan, caller) or _forward(
        request, path, plan, provenance + grant.lines, caller, credential
    )


def _preflight(request: RequestHead, path: str, live: LiveMap, cors: CorsPolicy) -> Preflight | None:
    """The answer to a preflight for a mapped operation; anything else is an ordinary request."""
    kept = request.fields.kept
    method = field_value(kept, b"access-control-request-method")
    if method is None:
        return None
    plan = live.table.match(method.decode("latin-1"), path)
    if plan is not None and plan.route.access is Access.DENY:
        plan = None  # nothing tells a stranger that it is in the map
    lines = cors.preflight(
        request.fields.origin, method, field_value(kept, b"access-control-request-headers")
    )
    return Preflight(plan, lines) if plan is not None and lines is not None else None


def _limited(fields: RequestFields, plan: Plan, caller: Caller | None) -> Refuse | None:
    if fields.content_length is None or fields.content_length <= plan.body_limit:
        return None
    detail = f"{fields.content_length} bytes, {plan.body_limit} are taken"
    return Refuse(Deny(Code.BODY_TOO_LARGE, detail=detail), caller, plan)


def _forward(
    request: RequestHead,
    path: str,
    plan: Plan,
    injected: bytes,
    caller: Caller | None = None,
    credential: Credential | None = None,
) -> Forward:
    fields = request.fields
    start = f"{request.method} {path}{request.query} HTTP/1.1\r\nHost: ".encode("ascii")
    host = fields.host if plan.pool.preserve_host and fields.host else None
    accept = _websocket_accept(request) if plan.route.websocket and fields.upgrade else None
    upgrade = b"" if accept is None else b"\r\nConnection: Upgrade\r\nUpgrade: websocket"
    rest = b"%b%b\r\n%b\r\n" % (fields.lines, upgrade, injected)
    return Forward(plan, caller, credential, start, host, rest, accept)


def _websocket_accept(request: RequestHead) -> bytes | None:
    """What the upstream's 101 must carry, if this is a WebSocket handshake (RFC 6455 section 4.1)."""
    fields = request.fields
    if request.method != "GET" or fields.http_minor == 0 or fields.has_body:
        return None
    if fields.upgrade.lower() != b"websocket":
        return None
    key = field_value(fields.kept, b"sec-websocket-key")
    return accept_value(key) if key is not None else None
