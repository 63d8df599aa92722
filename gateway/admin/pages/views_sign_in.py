"""Signing in: the forms without a session. Each is tied to a cookie of its own, so that nobody else can send it."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web
from jinja2 import Environment

from gateway.admin.api.cookies import drop_cookie, read_cookie, set_cookie
from gateway.admin.api.origin import Origin, origin_of
from gateway.admin.management.operator_sessions import is_operators
from gateway.admin.management.refusals import Throttled, Unauthenticated, Unprocessable
from gateway.admin.management.requests import Credentials
from gateway.admin.management.services import Management
from gateway.admin.management.sessions import csrf_token
from gateway.admin.management.values import parse
from gateway.admin.pages.answers import BASE, HEADERS, Show
from gateway.admin.pages.forms import Form, read_form
from gateway.admin.pages.render import render, told
from gateway.admin.pages.visit import PageRules

_COOKIE: Final = "gateway_form"
_MAX_NEXT: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A session that was just begun; the repr does not show it."""

    session_id: str
    ends_at: datetime

    def __repr__(self) -> str:
        return f"Begun({self.ends_at})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to sign in. `begin` raises the refusals of the management; `kept` are the fields that are shown again."""

    path: str
    template: str
    begin: Callable[[Management, Form, str | None], Awaitable[Begun]]
    for_operators: bool = False
    kept: tuple[str, ...] = ()


async def _as_member(management: Management, form: Form, address: str | None) -> Begun:
    given = parse(Credentials, {"email": form.get("email"), "password": form.get("password")})
    begun = await management.sessions.log_in(given, address)
    return Begun(session_id=begun.session_id, ends_at=begun.view.expires_at)


async def _as_operator(management: Management, form: Form, address: str | None) -> Begun:
    begun = await management.operator_sessions.log_in(form.get("admin_key").strip(), address)
    return Begun(session_id=begun.session_id, ends_at=begun.ends_at)


WAYS: Final = (
    Way(path="/sign-in", template="sign_in.html", begin=_as_member, kept=("email",)),
    Way(
        path="/operator/sign-in",
        template="operator_sign_in.html",
        begin=_as_operator,
        for_operators=True,
    ),
)


def add_routes(app: web.Application, rules: PageRules, templates: Environment, way: Way) -> None:
    """GET and POST of a sign-in page."""

    def shown(origin: Origin, ticket: str, status: int = 200, **context: Any) -> web.Response:
        values = {**dict.fromkeys(way.kept, ""), "next": "", "problem": "", **context}
        text = render(templates, Show(way.template, values), None, csrf=csrf_token(ticket))
        response = web.Response(
            status=status, text=text, content_type="text/html", charset="utf-8", headers=HEADERS
        )
        response.set_cookie(
            _name(origin), ticket, path="/", httponly=True, samesite="Lax", secure=origin.is_secure
        )
        return response

    async def show(request: web.Request) -> web.StreamResponse:
        origin = origin_of(request, rules.trusted_proxies)
        session_id = read_cookie(request, is_secure=origin.is_secure)
        wanted = request.query.get("next", "")
        # Who is signed in the other way is asked: that session is given up for this one.
        if session_id is not None and is_operators(session_id) is way.for_operators:
            if await _is_live(rules.management, session_id, origin.address):
                return _to(_safe(wanted))
            response = shown(origin, _ticket(request, origin), next=wanted, done=_done(request))
            drop_cookie(response, is_secure=origin.is_secure)
            return response
        return shown(origin, _ticket(request, origin), next=wanted, done=_done(request))

    async def submit(request: web.Request) -> web.StreamResponse:
        origin = origin_of(request, rules.trusted_proxies)
        form = await read_form(request)
        ticket = request.cookies.get(_name(origin), "")
        again = {name: form.get(name) for name in (*way.kept, "next")}
        if origin.is_cross_site or not ticket or not _is_same(csrf_token(ticket), form.csrf):
            return shown(
                origin,
                secrets.token_urlsafe(24),
                403,
                **again,
                problem="This page was open for too long, or cookies are switched off. Please sign in again.",
            )
        try:
            begun = await way.begin(rules.management, form, origin.address)
        except Unprocessable:
            return shown(origin, ticket, 422, **again, problem="The e-mail address or the password is wrong.")
        except Unauthenticated as refusal:
            return shown(origin, ticket, 401, **again, problem=refusal.detail)
        except Throttled as refusal:
            response = shown(origin, ticket, 429, **again, problem=refusal.detail)
            response.headers["Retry-After"] = str(refusal.retry_after_seconds)
            return response
        response = _to(_safe(form.get("next")))
        set_cookie(
            response,
            begun.session_id,
            is_secure=origin.is_secure,
            until=begun.ends_at,
            now=datetime.now(UTC),
        )
        return response

    app.router.add_get(way.path, show)
    app.router.add_post(way.path, submit)


async def _is_live(management: Management, session_id: str, address: str | None) -> bool:
    try:
        if is_operators(session_id):
            await management.operator_sessions.authenticate(session_id, address)
        else:
            await management.sessions.authenticate(session_id, address)
    except Unauthenticated:
        return False
    return True


def _ticket(request: web.Request, origin: Origin) -> str:
    return request.cookies.get(_name(origin)) or secrets.token_urlsafe(24)


def _done(request: web.Request) -> str | None:
    return told(request.query.get("done", ""))


def _name(origin: Origin) -> str:
    return f"__Host-{_COOKIE}" if origin.is_secure else _COOKIE


def _is_same(one: str, other: str) -> bool:
    return compare_digest(one.encode(), other.encode("utf-8", "surrogateescape"))


def _safe(wanted: str) -> str:
    """Where to go on: a page of ours, and nowhere else."""
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return BASE
    printable = len(wanted) <= _MAX_NEXT and all("!" <= character <= "~" for character in wanted)
    is_ours = not parts.scheme and not parts.netloc and parts.path.startswith(f"{BASE}/")
    return wanted if printable and is_ours and "\\" not in wanted else BASE


def _to(location: str) -> web.Response:
    return web.Response(status=303, headers={**HEADERS, "Location": location})
