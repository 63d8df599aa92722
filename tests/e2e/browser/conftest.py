"""A whole gateway with the shipped route map before a small upstream, and a real browser that visits its pages."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import BrowserContext, Page, async_playwright, expect

from gateway.admin.passwords import hash_password
from gateway.core.model import AccountKind
from gateway.storage import accounts, admin_keys, inactivity, members
from gateway.storage.accounts import Account
from gateway.storage.members import Member, Role
from gateway.wiring.credentials import new_admin_key
from gateway.wiring.demo import at_sample_upstream
from gateway.wiring.routes import publishable, shipped_map
from tests.proxy.caller import Caller, request
from tests.wiring.rig import Gateway, Rig
from tests.wiring.tenants import DIGESTER

# Only what fails takes so long.
_PATIENCE_SECONDS = 60.0
PASSWORD = "correct horse battery"
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


expect.set_options(timeout=_PATIENCE_SECONDS * 1000)


@dataclass
class Town:
    """The gateway, an account with its admin, the browser, and where the upstream is."""

    gateway: Gateway
    account: Account
    admin: Member
    agency_admin: Member
    chromium: Chromium
    complaints: list[str]
    upstream: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.gateway.node.admin_port}"

    @property
    def proxy(self) -> str:
        return f"http://127.0.0.1:{self.gateway.node.proxy_port}"

    async def context(self, *, script: bool = True) -> BrowserContext:
        made = await self.chromium.new_context(
            viewport={"width": 1280, "height": 900}, java_script_enabled=script, locale="en-GB"
        )
        made.set_default_timeout(_PATIENCE_SECONDS * 1000)
        return made

    async def signed_in(self, member: Member | None = None, *, script: bool = True) -> Page:
        """A page of the member's browser after signing in. What the browser complains about is kept."""
        page = await (await self.context(script=script)).new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                self.complaints.append(message.text) if "Content Security Policy" in message.text else None
            ),
        )
        page.on(
            "request",
            lambda asked: None if asked.url.startswith(self.url) else self.complaints.append(asked.url),
        )
        await page.goto(self.url)
        await page.get_by_label("E-mail address").fill((member or self.admin).email)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url("**/settings/**")
        return page

    async def operating(self, *, script: bool = True) -> Page:
        """A page of an operator's browser after signing in."""
        secret, digest, hint = new_admin_key(DIGESTER)
        async with self.gateway.tenants.change() as change:
            await admin_keys.create(change, name="Platform team", digest=digest, hint=hint)
        page = await (await self.context(script=script)).new_page()
        await page.goto(f"{self.url}/settings/operator/sign-in")
        await page.get_by_label("Admin key").fill(secret)
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url("**/operator/accounts")
        return page

    async def member(self, role: Role, email: str, name: str, account: Account | None = None) -> Member:
        async with self.gateway.tenants.change() as change:
            return await members.create(
                change,
                account_id=(account or self.account).id,
                email=email,
                name=name,
                role=role,
                password_hash=hash_password(PASSWORD),
            )

    async def status(self, target: str, token: str) -> int:
        """What the proxy answers to a call with this token, once it knows all that the pages did."""
        (row,) = await self.gateway.database.fetch("SELECT number FROM revision")
        await self.gateway.applied(row["number"])
        caller = await Caller.connect(self.gateway.node.proxy_port)
        try:
            return (await caller.ask(request("GET", target, token=token))).status
        finally:
            await caller.close()

    async def found(self, email: str) -> Member:
        """A member who is there already."""
        login = await members.find_login(self.gateway.database, email)
        assert login is not None
        return login.member

    async def noted(self, requests: int) -> None:
        """Waits until so many requests are recorded one by one."""
        await self._counted("SELECT count(*) AS n FROM request_records", requests)

    async def recorded(self, requests: int) -> None:
        """Waits until so many requests are counted in the store."""
        await self._counted("SELECT sum(count) AS n FROM usage_hourly", requests)

    async def _counted(self, question: str, least: int) -> None:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                (row,) = await self.gateway.database.fetch(question)
                if (row["n"] or 0) >= least:
                    return
                # Written every few seconds, and nobody but a test waits for it.
                await asyncio.sleep(0.05)

    async def _set(self, secret: str, change: str, *values: object) -> None:
        """Changes the row of a token behind the gateway's back, and lets it forget what it knew of it."""
        hint = f"{secret[:8]}…{secret[-4:]}"
        rows = await self.gateway.database.fetch(
            f"UPDATE tokens SET {change} WHERE hint = $1 RETURNING id", hint, *values
        )
        assert len(rows) == 1
        self.gateway.node._index.clear()

    async def let_the_deadline_pass(self, secret: str) -> None:
        """As if the window of the rotation were over."""
        await self._set(secret, "ends_at = now() - interval '1 microsecond'")

    async def let_the_token_be_old(self, secret: str, *, days: int) -> None:
        """As if the token had been made so long ago."""
        await self._set(secret, "created_at = now() - $2::interval", timedelta(days=days))

    async def let_the_token_be_idle(self, secret: str, *, days: int) -> None:
        """As if nobody had sent the token for so long, while the gateway was up; and the job came by."""
        database, idle = self.gateway.database, timedelta(days=days)
        await self.let_the_token_be_old(secret, days=days)
        await database.fetch("DELETE FROM usage_periods")
        await database.fetch("INSERT INTO usage_periods VALUES (now() - $1::interval, now())", idle)
        await database.fetch("UPDATE nodes SET usage_known_at = now()")
        for token in await inactivity.idle_tokens(database, expire_after=None):
            await inactivity.expire_idle(database, token, expire_after=None)


@pytest.fixture
async def chromium(rig: Rig) -> AsyncIterator[Chromium]:
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        pytest.skip("Chromium is not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=_ARGUMENTS, timeout=_PATIENCE_SECONDS * 1000
        )
        try:
            yield browser
        finally:
            await browser.close()


@pytest.fixture
async def town(own_dsn: str, rig: Rig, chromium: Chromium) -> AsyncIterator[Town]:
    upstream = await rig.upstream()
    route_map = at_sample_upstream(publishable(shipped_map())[0], upstream.url)
    gateway = await rig.gateway(route_map, dsn=own_dsn)
    async with gateway.tenants.change() as change:
        agency = await accounts.create(change, name="Northwind Agency", kind=AccountKind.AGENCY)
        account = await accounts.create(
            change, name="Bluebird Dental", kind=AccountKind.SUB_ACCOUNT, parent_id=agency.id
        )
        admin = await members.create(
            change,
            account_id=account.id,
            email="robin@example.com",
            name="Robin Admin",
            role=Role.ADMIN,
            password_hash=hash_password(PASSWORD),
        )
        agency_admin = await members.create(
            change,
            account_id=agency.id,
            email="agency@example.com",
            name="Ada Agency",
            role=Role.ADMIN,
            password_hash=hash_password(PASSWORD),
        )
    made = Town(gateway, account, admin, agency_admin, chromium, [], upstream.url)
    yield made
    assert made.complaints == []
