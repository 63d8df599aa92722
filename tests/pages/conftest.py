"""The settings pages on a loopback socket with a database of the test's own, and a browser without a script."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web

from gateway.admin.health import Health, MapState
from gateway.admin.pages.answers import BASE, OPERATORS
from gateway.admin.pages.application import settings_pages, to_settings
from gateway.admin.pages.visit import PageRules
from gateway.storage import admin_keys
from gateway.storage.accounts import Account
from gateway.storage.admin_keys import AdminKey
from gateway.storage.database import connect
from gateway.storage.members import Member, Role
from gateway.storage.mutation import mutation
from gateway.wiring.credentials import new_admin_key
from gateway.wiring.management import management, terms
from tests.admin.conftest import DIGESTER, PASSWORD, TESTER, Console, StandInKeeper
from tests.wiring.rig import settings
from tests.wiring.standing import small_map

PROXY = "http://proxy.example"
HEALTH = Health(
    node="node-1",
    version="1.2.3",
    map=MapState(version="f" * 64, routes=3, loaded_at=datetime(2026, 1, 31, 12, tzinfo=UTC)),
    revision=1,
    store="up",
    ready=True,
    draining=False,
)


@dataclass
class Form:
    """A form of a page, as a browser would send it untouched."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)

    def field(self, name: str) -> str:
        """The value that a field has when nobody touches it."""
        return dict(self.fields)[name]

    def filled(self, **values: str | list[str]) -> list[tuple[str, str]]:
        kept = [(name, value) for name, value in self.fields if name not in values]
        for name, value in values.items():
            kept += [(name, one) for one in ([value] if isinstance(value, str) else value)]
        return kept


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.inputs: dict[str, str] = {}
        self._inside = False
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(found.get("action", ""), found.get("method", "get")))
            self._inside = True
        elif tag == "a":
            self.links.append(found.get("href", ""))
        elif tag == "input":
            self.inputs[found.get("id", "")] = found.get("value", "")
            chosen = found.get("type") not in {"checkbox", "radio"} or "checked" in found
            if self._inside and chosen and "name" in found:
                self.forms[-1].fields.append((found["name"], found.get("value", "")))
        elif tag == "select" and self._inside:
            self._select = found["name"]
        elif tag == "option" and self._select:
            fields = self.forms[-1].fields
            if "selected" in found and fields and fields[-1][0] == self._select:
                fields.pop()
            if "selected" in found or not any(name == self._select for name, _ in fields):
                fields.append((self._select, found.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "select":
            self._select = ""


@dataclass(frozen=True)
class Page:
    """An answer, read whole. `at` is the path that was asked for."""

    at: str
    status: int
    headers: Any
    text: str

    @property
    def location(self) -> str:
        assert self.status == 303, (self.status, self.text)
        found: str = self.headers["Location"]
        return found

    def _read(self) -> _Reader:
        reader = _Reader()
        reader.feed(self.text)
        return reader

    @property
    def links(self) -> list[str]:
        return self._read().links

    @property
    def secret(self) -> str:
        """The token that the page shows."""
        return self._read().inputs["secret"]

    def form(self, ending: str = "", method: str = "post") -> Form:
        """The form whose action ends so; one without an action is sent to the page itself."""
        for form in self._read().forms:
            action = form.action.partition("#")[0] or self.at.partition("?")[0]
            if form.method == method and action.endswith(ending) and not action.endswith("/sign-out"):
                return Form(action, form.method, form.fields)
        raise AssertionError(f"no form {ending!r} in {self.text}")


@dataclass
class Browser:
    """Somebody with a browser without a script, and with cookies."""

    url: str
    session: aiohttp.ClientSession
    cookies: dict[str, str] = field(default_factory=dict)

    async def ask(
        self, method: str, path: str, data: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Page:
        sent = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()), **(headers or {})}
        async with self.session.request(
            method, self.url + path, data=data, headers=sent, allow_redirects=False
        ) as response:
            for name, morsel in response.cookies.items():
                if morsel.value and morsel["max-age"] != "0":
                    self.cookies[name] = morsel.value
                else:
                    self.cookies.pop(name, None)
            return Page(path, response.status, response.headers, await response.text())

    async def get(self, path: str, **headers: str) -> Page:
        return await self.ask("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    async def post(self, path: str, fields: list[tuple[str, str]] | dict[str, str], **headers: str) -> Page:
        return await self.ask(
            "POST",
            path,
            urlencode(fields).encode(),
            {
                "Content-Type": "application/x-www-form-urlencoded",
                **{k.replace("_", "-"): v for k, v in headers.items()},
            },
        )

    async def send(self, page: Page, ending: str = "", /, **values: str | list[str]) -> Page:
        """Fills in a form of the page and sends it."""
        form = page.form(ending)
        return await self.post(form.action, form.filled(**values))

    async def submit(self, path: str, ending: str = "", /, **values: str | list[str]) -> Page:
        """Opens a page, and sends its form."""
        page = await self.get(path)
        assert page.status == 200, (page.status, page.text)
        return await self.send(page, ending, **values)


class Site(Console):
    """The pages, and whoever visits them."""

    forwarded: dict[str, str]

    def browser(self) -> Browser:
        return Browser(self.url, self._session)

    async def signed_in(self, member: Member, password: str = PASSWORD) -> Browser:
        browser = self.browser()
        page = await browser.submit(f"{BASE}/sign-in", email=member.email, password=password)
        assert page.location == BASE, page.text
        return browser

    async def key(self, account: Account | None = None, name: str = "Op") -> tuple[AdminKey, str]:
        """An admin key and its secret."""
        secret, digest, hint = new_admin_key(DIGESTER)
        async with mutation(self.database, actor=TESTER) as change:
            made = await admin_keys.create(
                change, name=name, digest=digest, hint=hint, account_id=account.id if account else None
            )
        return made, secret

    async def operating(self, account: Account | None = None) -> Browser:
        """An operator's browser after signing in."""
        _, secret = await self.key(account)
        browser = self.browser()
        page = await browser.submit(f"{OPERATORS}/sign-in", "sign-in", admin_key=secret)
        assert page.location == BASE, page.text
        return browser

    async def visitor(
        self, account: Account, role: Role = Role.ADMIN, permission: bool | None = None
    ) -> Browser:
        return await self.signed_in(await self.member(account, role, permission))


def section(account: Account, *segments: str) -> str:
    """The path of the private integrations of an account."""
    return "/".join((BASE, account.id, "private-integrations", *segments))


async def created(
    browser: Browser, account: Account, name: str = "Sync", scopes: tuple[str, ...] = ("contacts.readonly",)
) -> Page:
    """The page with the token of a new integration."""
    first = await browser.get(f"{section(account, 'new', 'scopes')}?{urlencode({'name': name})}")
    page = await browser.send(first, "scopes", scopes=list(scopes))
    assert page.status == 200, page.text
    return page


def integration_id(page: Page) -> str:
    """Of the page with a token."""
    (found,) = {link.rpartition("/")[2] for link in page.links if "/pi_" in link}
    return found


@pytest.fixture
async def site(own_dsn: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        database = await connect(own_dsn, pool_size=10, statement_timeout_seconds=60.0)
        stack.push_async_callback(database.close)
        route_map = small_map(tmp_path, main="http://127.0.0.1:8")
        chosen = settings(tmp_path, proxy__trusted_proxies=["127.0.0.1"])
        keeper = StandInKeeper()
        services = management(lambda: chosen, database, DIGESTER, live_map=lambda: route_map, keeper=keeper)
        failures: list[tuple[str, BaseException]] = []
        app = web.Application()
        app.router.add_get("/", to_settings)
        app.add_subapp(
            BASE,
            settings_pages(
                PageRules(
                    management=services,
                    live_map=lambda: route_map,
                    health=lambda: HEALTH,
                    proxy_url=lambda _host: PROXY,
                    terms=lambda: terms(chosen),
                    now=lambda: datetime.now(UTC),
                    report=lambda where, error: failures.append((where, error)),
                )
            ),
        )
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        session = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
        made = Site(database, services, f"http://127.0.0.1:{runner.addresses[0][1]}", session)
        made.failures = failures
        made.keeper = keeper
        yield made
        assert failures == [] or getattr(made, "failures_expected", False), failures
