"""The pages as an aiohttp application: one way for every page, from the request to the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web
from jinja2 import Environment

from gateway.admin.api.cookies import drop_cookie, read_cookie
from gateway.admin.api.operation import path_pattern
from gateway.admin.api.origin import Origin, origin_of
from gateway.admin.management.codes import Code
from gateway.admin.management.operator_sessions import is_operators, session_digest
from gateway.admin.management.principal import Operator, Principal
from gateway.admin.management.refusals import Forbidden, Missing, Refusal, Throttled, Unauthenticated
from gateway.admin.management.services import Management
from gateway.admin.pages import views_sign_in
from gateway.admin.pages.answers import BASE, HEADERS, OPERATORS, Answer, Go, Show, is_done, path
from gateway.admin.pages.errors import error_page, of_refusal
from gateway.admin.pages.forms import Form, Unreadable, read_form
from gateway.admin.pages.once import Once, SentBefore
from gateway.admin.pages.render import environment, render
from gateway.admin.pages.static import StaticFiles
from gateway.admin.pages.table import PAGES, View
from gateway.admin.pages.visit import PageRules, Visit
from gateway.storage.errors import StorageError

WebHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_VISIT: Final = web.RequestKey("visit", Visit)


class _SignInFirst(Exception):
    """Nobody is signed in."""


def settings_pages(rules: PageRules) -> web.Application:
    """The application, to be mounted at `answers.BASE`."""
    static = StaticFiles()
    templates = environment(static)
    once: Once[Answer] = Once(is_done)
    app = web.Application(middlewares=[_errors(rules, templates)])
    app.router.add_get("/static/{mark}/{name}", static.answer)
    for way in views_sign_in.WAYS:
        views_sign_in.add_routes(app, rules, templates, way)
    for page in PAGES:
        if page.show is not None:
            app.router.add_get(page.path, _showing(rules, templates, page.for_their_eyes(page.show)))
        if page.submit is not None:
            view = page.for_their_eyes(page.submit)
            app.router.add_post(
                page.path, _submitting(rules, templates, view, once, max_form_bytes=page.max_form_bytes)
            )
    return app


async def to_settings(_request: web.Request) -> web.Response:
    """From the root of the listener."""
    return web.Response(status=303, headers={**HEADERS, "Location": BASE})


def _showing(rules: PageRules, templates: Environment, view: View) -> WebHandler:
    async def handle(request: web.Request) -> web.StreamResponse:
        visit = await _visit(rules, request)
        return _response(templates, await view(visit), visit)

    return handle


def _submitting(
    rules: PageRules, templates: Environment, view: View, once: Once[Answer], *, max_form_bytes: int
) -> WebHandler:
    async def handle(request: web.Request) -> web.StreamResponse:
        # A body is read of those alone who are signed in.
        visit = await _visit(rules, request)
        form = await read_form(request, limit=max_form_bytes)
        _require_own(rules, visit, form)
        visit = replace(visit, form=form)
        answer = await once.run(session_digest(visit.session_id), form.once, lambda: view(visit))
        return _response(templates, answer, visit)

    return handle


async def _visit(rules: PageRules, request: web.Request) -> Visit:
    """Who visits what. Raises _SignInFirst and Missing."""
    origin = origin_of(request, rules.trusted_proxies)
    session_id = read_cookie(request, is_secure=origin.is_secure)
    if session_id is None:
        raise _SignInFirst
    try:
        principal = await _principal(rules.management, session_id, origin.address)
    except Unauthenticated:
        raise _SignInFirst from None
    own_id = principal.account_id if isinstance(principal, Operator) else principal.member.account_id
    own = None if own_id is None else await rules.management.accounts.get(principal, own_id)
    visit = Visit(
        rules=rules,
        principal=principal,
        session_id=session_id,
        own=own,
        entered=own,
        origin=origin,
        host=_host(request),
        path=dict(request.match_info),
        query=dict(request.query),
    )
    # From here on an error is shown within the frame of the visitor's own account.
    request[_VISIT] = visit
    for name, value in visit.path.items():
        if path_pattern(name).fullmatch(value) is None:
            raise Missing("page")
        if name == "account_id" and value != own_id:
            visit = replace(visit, entered=await rules.management.accounts.get(principal, value))
            request[_VISIT] = visit
    return visit


def _require_own(rules: PageRules, visit: Visit, form: Form) -> None:
    """Raises Forbidden for a form that is not from a page of this session."""
    if visit.origin.is_cross_site:
        raise Forbidden(Code.CROSS_SITE_REFUSED, "A page of another site asked for this.")
    try:
        rules.management.sessions.check_csrf(visit.session_id, form.csrf)
    except Forbidden as error:
        raise Forbidden(
            error.code, "The form is from another session. Open the page again and repeat what you did."
        ) from error


async def _principal(management: Management, session_id: str, address: str | None) -> Principal:
    """Whose session it is. Raises Unauthenticated."""
    if is_operators(session_id):
        return await management.operator_sessions.authenticate(session_id, address)
    return await management.sessions.authenticate(session_id, address)


def _host(request: web.Request) -> str:
    """The host that the browser uses, as far as it is one."""
    try:
        return request.url.host or "localhost"
    except ValueError:
        return "localhost"


def _response(templates: Environment, answer: Answer, visit: Visit | None) -> web.Response:
    if isinstance(answer, Go):
        return web.Response(status=303, headers={**HEADERS, "Location": answer.location})
    text = render(templates, answer, visit)
    return web.Response(
        status=answer.status, text=text, content_type="text/html", charset="utf-8", headers=HEADERS
    )


def _sign_in(request: web.Request, origin: Origin) -> web.Response:
    wanted = request.rel_url.raw_path_qs if request.method in {"GET", "HEAD"} else BASE
    query = "" if wanted in {BASE, f"{BASE}/"} else "?" + urlencode({"next": wanted})
    given = read_cookie(request, is_secure=origin.is_secure)
    is_operator = f"{request.path}/".startswith(f"{OPERATORS}/") or is_operators(given or "")
    target = f"{OPERATORS}/sign-in" if is_operator else path("sign-in")
    response = web.Response(status=303, headers={**HEADERS, "Location": target + query})
    if given is not None:
        drop_cookie(response, is_secure=origin.is_secure)
    return response


def _errors(rules: PageRules, templates: Environment) -> Any:
    """Turns whatever is raised into a page."""

    def shown(request: web.Request, show: Show, headers: dict[str, str] | None = None) -> web.Response:
        response = _response(templates, show, request.get(_VISIT))
        response.headers.update(headers or {})
        return response

    @web.middleware
    async def answer(request: web.Request, handler: WebHandler) -> web.StreamResponse:
        try:
            return await handler(request)
        except _SignInFirst:
            return _sign_in(request, origin_of(request, rules.trusted_proxies))
        except Refusal as refusal:
            extra = (
                {"Retry-After": str(refusal.retry_after_seconds)} if isinstance(refusal, Throttled) else {}
            )
            return shown(request, of_refusal(refusal), extra)
        except Unreadable as unreadable:
            return shown(request, error_page(unreadable.status, unreadable.text))
        except SentBefore:
            return shown(
                request,
                error_page(
                    409,
                    "This form was sent before, and what it asked for was done. A token is shown only once: if you have"
                    " not copied it, rotate the token to get another.",
                    title="Already done",
                ),
            )
        except web.HTTPNotFound:
            return shown(request, error_page(404, "There is no such page."))
        except web.HTTPMethodNotAllowed as wrong:
            allowed = ", ".join(sorted(wrong.allowed_methods))
            return shown(request, error_page(405, "This address is not used that way."), {"Allow": allowed})
        except web.HTTPException:
            raise
        except StorageError as error:
            rules.report(f"{request.method} {request.path}", error)
            return shown(
                request,
                error_page(
                    503,
                    "The store cannot be asked at the moment. A change may have been made all the same: look before you"
                    " repeat it.",
                ),
                {"Retry-After": "5"},
            )
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - the edge: reported, and answered without a detail
            rules.report(f"{request.method} {request.path}", error)
            return shown(request, error_page(500, "The gateway failed to show this; its log says why."))

    return answer
