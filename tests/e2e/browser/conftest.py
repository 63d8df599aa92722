"""A whole gateway with the shipped route map before a small upstream, and a real browser that visits its pages."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import BrowserContext, Page, async_playwright

from gateway.admin.passwords import hash_password
from gateway.core.model import AccountKind
from gateway.storage import accounts, members
from gateway.storage.accounts import Account
from gateway.storage.members import Member, Role
from gateway.wiring.demo import at_sample_upstream
from gateway.wiring.routes import publishable, shipped_map
from tests.proxy.caller import Caller, request
from tests.wiring.rig import Gateway, Rig

PASSWORD = "correct horse battery"
SCREENSHOTS = Path(__file__).parents[3] / "build" / "screenshots"
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


@dataclass
class Town:
    """The gateway, an account with its admin, and the browser."""

    gateway: Gateway
    account: Account
    admin: Member
    agency_admin: Member
    chromium: Chromium
    complaints: list[str]

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
        made.set_default_timeout(10_000)
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


@pytest.fixture
async def chromium(rig: Rig) -> AsyncIterator[Chromium]:
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        pytest.skip("Chromium is not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
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
    made = Town(gateway, account, admin, agency_admin, chromium, [])
    yield made
    assert made.complaints == []
