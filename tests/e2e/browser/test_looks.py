"""Every page looked at: no serious finding of axe in light and dark, no sideways scrolling, a picture of each."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Page

from gateway.core.rotation import Operation
from gateway.storage.members import Role
from tests.e2e.browser.conftest import SCREENSHOTS, Town
from tests.wiring.tenants import Issued

WIDE, NARROW, NARROWEST = 1280, 390, 360
_SERIOUS = {"serious", "critical"}


class Looker:
    """Opens pages, keeps pictures, collects what is wrong."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._axe = Axe()
        self.found: list[str] = []
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    async def look(self, name: str) -> None:
        """At the page that is open."""
        page = self._page
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            self._note(f"{name}, {scheme}", (await self._axe.run(page)).response)
            for width in (NARROW, WIDE):
                await page.set_viewport_size({"width": width, "height": 900})
                await page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{scheme}.png")
        await page.set_viewport_size({"width": NARROWEST, "height": 900})
        if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            self.found.append(f"{name}: scrolls sideways at {NARROWEST}")
        await page.set_viewport_size({"width": WIDE, "height": 900})

    def _note(self, where: str, response: dict[str, Any]) -> None:
        assert "color-contrast" in {rule["id"] for rule in response["passes"]}, "axe did not look"
        for violation in response["violations"]:
            if violation["impact"] in _SERIOUS:
                nodes = [node["html"][:160] for node in violation["nodes"][:3]]
                self.found.append(f"{where}: {violation['id']}: {nodes}")


async def furnish(town: Town) -> Issued:
    """An account with something on every page; an integration in the middle of a rotation."""
    tenants = town.gateway.tenants
    tenants._accounts[town.account.kind] = town.account.id
    await town.member(Role.USER, "kim@example.com", "Kim Lee")
    suspended = await tenants.issue("users.readonly", "calendars.readonly")
    await tenants.suspend(suspended)
    await tenants.operate(await tenants.issue("invoices.readonly"), Operation.EXPIRE)
    rotating = await tenants.issue("contacts.readonly", "contacts.write", "opportunities.readonly")
    _, new = await tenants.operate(rotating, Operation.ROTATE_LATER)
    assert new is not None
    for target in ("/contacts/c1", "/contacts/c2", "/workflows/", "/nowhere"):
        await town.status(target, rotating.secret)
    await town.status("/contacts/c1", new)
    return rotating


async def test_every_page_can_be_read_by_everybody_and_fits(town: Town) -> None:
    empty = await town.signed_in()
    looker = Looker(empty)
    await looker.look("private-integrations-empty")
    rotating = await furnish(town)
    base = f"{town.url}/settings/{town.account.id}"
    section = f"{base}/private-integrations"
    here = f"{section}/{rotating.integration_id}"
    (kim,) = await town.gateway.database.fetch("SELECT id FROM members WHERE email = 'kim@example.com'")
    pages = {
        "private-integrations": section,
        "nothing-found": f"{section}?q=zzz",
        "create-1-details": f"{section}/new",
        "create-2-scopes": f"{section}/new/scopes?name=Order+sync",
        "integration-rotating": here,
        "activity": f"{here}/activity",
        "edit-1-details": f"{here}/edit",
        "edit-2-scopes": f"{here}/edit/scopes?name=Order+sync",
        "rotate-now": f"{here}/rotate-now",
        "delete": f"{here}/delete",
        "token-rules": f"{section}/rules",
        "my-team": f"{base}/team",
        "member": f"{base}/team/{kim['id']}",
        "member-new": f"{base}/team/new",
        "labs": f"{base}/labs",
        "audit-log": f"{base}/audit",
        "profile": f"{town.url}/settings/profile",
        "not-found": f"{town.url}/settings/nowhere",
    }
    for name, address in pages.items():
        await empty.goto(address)
        await looker.look(name)
    await empty.goto(f"{section}/new/scopes?name=Order+sync")
    await empty.locator('input[value="contacts.readonly"]').check()
    await empty.get_by_role("button", name="Generate Access Token").click()
    await empty.get_by_label("Access token").wait_for()
    await looker.look("create-3-token")
    await empty.context.clear_cookies()
    await empty.goto(f"{town.url}/settings/sign-in")
    await looker.look("sign-in")
    agency = await town.signed_in(town.agency_admin)
    await agency.get_by_role("link", name="Switch account").click()
    of_agency = Looker(agency)
    await of_agency.look("switch-account")
    assert looker.found + of_agency.found == []
