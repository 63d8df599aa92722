"""The decision: may this token do this operation now? The proxy, `explain` and the management API all ask here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, assert_never

from gateway.core.model import Access, Caller, Ending, Route, TokenRecord
from gateway.core.reasons import Code
from gateway.core.tokens import MAX_CREDENTIAL_BYTES, TokenForm


@dataclass(frozen=True, slots=True)
class Allow:
    """The request may pass. `caller` None: the route is public, and nobody is vouched for."""

    caller: Caller | None
    route: Route


@dataclass(frozen=True, slots=True)
class Deny:
    """The request is refused. `scope` names what a `scope_missing` lacks; `detail` is for the log alone."""

    code: Code
    scope: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Credential:
    """A token that has the form of one, and the digest under which the index knows it. Its repr shows neither."""

    token: bytes = field(repr=False)
    digest: bytes = field(repr=False)


# RFC 6750 section 2.1: one scheme, one b64token.
_BEARER: Final = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr][ \t]+([A-Za-z0-9\-._~+/]+=*)[ \t]*")


def read_credential(fields: Sequence[bytes], form: TokenForm) -> bytes | Deny:
    """The one bearer token that the values of the `Authorization` fields carry.

    It has the form of a token. Whether its checksum is right is `checked`'s to say, before any store is asked: a token
    that the index knows need not be computed over.
    """
    if not fields:
        return Deny(Code.TOKEN_MISSING)
    if len(fields) > 1:
        return Deny(Code.TOKEN_MALFORMED, detail="several Authorization fields")
    usual = form.spelt_as_usual(fields[0])
    if usual is not None and len(usual) <= MAX_CREDENTIAL_BYTES:
        return usual
    match = _BEARER.fullmatch(fields[0])
    if match is None:
        return Deny(Code.TOKEN_MALFORMED, detail="not one bearer token")
    token = match[1]
    if len(token) > MAX_CREDENTIAL_BYTES or not form.matches(token):
        return Deny(Code.TOKEN_MALFORMED, detail="not the form of a token")
    return token


def checked(token: bytes, form: TokenForm) -> Deny | None:
    """None when the token's checksum is right, so that a store may be asked about it."""
    return None if form.is_valid(token) else Deny(Code.TOKEN_MALFORMED, detail="wrong checksum")


_ENDED: Final[dict[Ending, Deny]] = {
    Ending.ROTATED: Deny(Code.TOKEN_ROTATED),
    Ending.EXPIRED: Deny(Code.TOKEN_EXPIRED),
    Ending.REVOKED: Deny(Code.TOKEN_REVOKED),
}
_UNKNOWN: Final = Deny(Code.TOKEN_UNKNOWN)
_SUSPENDED: Final = Deny(Code.INTEGRATION_SUSPENDED)
_NO_ROUTE: Final = Deny(Code.ROUTE_UNKNOWN)
_DENIED: Final = Deny(Code.ROUTE_UNKNOWN, detail="the map denies it")
_WRONG_KIND: Final = Deny(Code.ACCOUNT_KIND)
_NO_VERSION: Final = Deny(Code.VERSION_REQUIRED)


def authenticate(record: TokenRecord | None, now: float) -> Caller | Deny:
    """Who holds the token at `now` (UNIX seconds by the database's clock). None: it was never issued."""
    if record is None:
        return _UNKNOWN
    if record.ends_at is not None and now >= record.ends_at:
        return _ENDED[record.ending or Ending.REVOKED]
    if record.suspended:
        return _SUSPENDED
    return record.caller


def authorize(caller: Caller, route: Route | None, versions: Sequence[str]) -> Allow | Deny:
    """Whether the caller may do the operation. `versions` are the values of the `Version` fields of the request."""
    if route is None:
        return _NO_ROUTE
    if route.account is not None and route.account is not caller.account_kind:
        return _DENIED if route.access is _DENY else _WRONG_KIND
    missing = missing_scope(route, caller.scopes)
    if missing is not None:
        return _DENIED if route.access is _DENY else Deny(Code.SCOPE_MISSING, missing)
    if route.versions and (len(versions) != 1 or versions[0] not in route.versions):
        return _NO_VERSION
    return Allow(caller, route)


# Bound once, and compared in turn: see `core.request`.
_ALL_OF: Final = Access.ALL_OF
_ANY_OF: Final = Access.ANY_OF
_PUBLIC: Final = Access.PUBLIC
_AUTHENTICATED: Final = Access.AUTHENTICATED
_DENY: Final = Access.DENY


def missing_scope(route: Route, held: frozenset[str]) -> str | None:
    """The scope to ask for, or None when `held` is enough. Scopes are opaque: none implies another.

    Empty: no scope is enough.
    """
    access = route.access
    if access is _ALL_OF:
        for scope in route.scopes:
            if scope not in held:
                return scope
        # An empty list names nothing to ask for, and is not open.
        return None if route.scopes else ""
    if access is _ANY_OF:
        return None if not held.isdisjoint(route.scopes) else next(iter(route.scopes), "")
    if access is _PUBLIC or access is _AUTHENTICATED:
        return None
    if access is _DENY:
        return ""
    assert_never(access)


def judge(caller: Caller, route: Route, versions: Sequence[str]) -> Deny | None:
    """What would have refused this caller if the route's shadow were enforced; None: nothing, or it has none."""
    if route.shadow is None:
        return None
    verdict = authorize(caller, route.shadow, versions)
    return verdict if isinstance(verdict, Deny) else None


def decide(
    record: TokenRecord | None, route: Route | None, versions: Sequence[str], now: float
) -> Allow | Deny:
    """The whole decision for a request with a well-formed token, in the order of the product's rules."""
    if route is not None and route.access is Access.PUBLIC:
        return Allow(None, route)
    caller = authenticate(record, now)
    if isinstance(caller, Deny):
        return caller
    return authorize(caller, route, versions)
