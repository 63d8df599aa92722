"""Who calls: the credential of a request, turned into a principal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateway.admin.api.cookies import read_cookie
from gateway.admin.api.operation import Access, Operation
from gateway.admin.api.origin import Origin
from gateway.admin.management.codes import Code
from gateway.admin.management.principal import Person, Principal
from gateway.admin.management.refusals import Forbidden, Unauthenticated
from gateway.admin.management.services import Management

CSRF_HEADER: Final = "X-CSRF-Token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The principal; with the session's id where it came with a cookie."""

    principal: Principal | None = None
    session_id: str | None = None

    def __repr__(self) -> str:
        return f"Caller({self.principal!r})"


async def identify(
    management: Management, request: web.Request, operation: Operation, origin: Origin
) -> Caller:
    """Who calls `operation`. Raises Unauthenticated, and Forbidden where a page of another site made the browser call."""
    if operation.access is Access.ANYONE:
        if not operation.is_safe and origin.is_cross_site:
            raise _cross_site()
        return Caller()
    caller = await _caller(management, request, operation, origin)
    if operation.access is Access.MEMBER and not isinstance(caller.principal, Person):
        raise Forbidden(Code.SESSION_REQUIRED, "This is for members with a session, not for admin keys.")
    return caller


async def _caller(
    management: Management, request: web.Request, operation: Operation, origin: Origin
) -> Caller:
    given = request.headers.getall("Authorization", [])
    if given:
        return Caller(principal=await management.admin_keys.authenticate(_bearer(given), origin.address))
    session_id = read_cookie(request, is_secure=origin.is_secure)
    if session_id is None:
        raise Unauthenticated(
            Code.CREDENTIALS_MISSING, "Send an admin key as Authorization: Bearer adm_…, or log in."
        )
    person = await management.sessions.authenticate(session_id, origin.address)
    if not operation.is_safe:
        if origin.is_cross_site:
            raise _cross_site()
        management.sessions.check_csrf(session_id, request.headers.get(CSRF_HEADER))
    return Caller(principal=person, session_id=session_id)


def _bearer(given: list[str]) -> bytes:
    scheme, _, credential = given[0].strip().partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer":
        raise Unauthenticated(
            Code.ADMIN_KEY_INVALID, "The Authorization header does not hold one bearer credential."
        )
    return credential.strip().encode("utf-8", "surrogateescape")


def _cross_site() -> Forbidden:
    return Forbidden(Code.CROSS_SITE_REFUSED, "A page of another site asked for this.")
