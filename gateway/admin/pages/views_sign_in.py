"""Signing in: the one form without a session. It is tied to a cookie of its own, so that nobody else can send it."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web
from jinja2 import Environment

from gateway.admin.api.cookies import drop_cookie, read_cookie, set_cookie
from gateway.admin.api.origin import Origin, origin_of
from gateway.admin.management.refusals import Throttled, Unauthenticated, Unprocessable
from gateway.admin.management.requests import Credentials
from gateway.admin.management.sessions import csrf_token
from gateway.admin.management.values import parse
from gateway.admin.pages.answers import BASE, HEADERS, Show
from gateway.admin.pages.forms import read_form
from gateway.admin.pages.render import render, told
from gateway.admin.pages.visit import PageRules

_COOKIE: Final = "gateway_form"
_MAX_NEXT: Final = 2000


def add_routes(app: web.Application, rules: PageRules, templates: Environment) -> None:
    """GET and POST of the sign-in page."""

    def shown(origin: Origin, ticket: str, status: int = 200, **context: Any) -> web.Response:
        values = {"email": "", "next": "", "problem": "", **context}
        text = render(templates, Show("sign_in.html", values), None, csrf=csrf_token(ticket))
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
        if session_id is not None:
            try:
                await rules.management.sessions.authenticate(session_id, origin.address)
            except Unauthenticated:
                pass
            else:
                return _to(_safe(wanted))
        ticket = request.cookies.get(_name(origin)) or secrets.token_urlsafe(24)
        response = shown(origin, ticket, next=wanted, done=told(request.query.get("done", "")))
        if session_id is not None:
            drop_cookie(response, is_secure=origin.is_secure)
        return response

    async def submit(request: web.Request) -> web.StreamResponse:
        origin = origin_of(request, rules.trusted_proxies)
        form = await read_form(request)
        ticket = request.cookies.get(_name(origin), "")
        again = {"email": form.get("email"), "next": form.get("next")}
        if origin.is_cross_site or not ticket or not _is_same(csrf_token(ticket), form.csrf):
            return shown(
                origin,
                secrets.token_urlsafe(24),
                403,
                **again,
                problem="This page was open for too long, or cookies are switched off. Please sign in again.",
            )
        try:
            given = parse(Credentials, {"email": form.get("email"), "password": form.get("password")})
            begun = await rules.management.sessions.log_in(given, origin.address)
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
            until=begun.view.expires_at,
            now=datetime.now(UTC),
        )
        return response

    app.router.add_get("/sign-in", show)
    app.router.add_post("/sign-in", submit)


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
