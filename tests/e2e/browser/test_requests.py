"""The page of recorded requests in a real browser: what the proxy answered is found there."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.e2e.browser.conftest import Town
from tests.e2e.browser.test_looks import furnish
from tests.wiring.tenants import Issued


async def open_requests(town: Town, page: Page, issued: Issued) -> None:
    here = f"{town.url}/settings/{town.account.id}/private-integrations/{issued.integration_id}"
    await page.goto(here)
    await page.get_by_role("link", name="Requests", exact=True).click()
    await expect(page.get_by_role("link", name="Requests", exact=True)).to_have_attribute(
        "aria-current", "page"
    )


async def test_a_refused_call_is_found_by_its_reason_and_looked_at(town: Town) -> None:
    issued = (await furnish(town))["rotating"]
    page = await town.signed_in(script=False)
    await open_requests(town, page, issued)
    await page.get_by_label("How they ended").select_option(label="Scope not granted")
    await page.get_by_role("button", name="Filter").click()
    await expect(page.get_by_role("row")).to_have_count(2)
    await page.get_by_role("link", name="/workflows/").click()
    await expect(page.get_by_text("scope_missing")).to_be_visible()
    await expect(page.get_by_text("127.0.0.0/24")).to_be_visible()
    await page.get_by_role("link", name="Requests with this token").click()
    await expect(page.get_by_text("No such operation", exact=True).last).to_be_visible()
    await page.get_by_role("link", name="Clear").click()
    await page.get_by_label("Trace id").fill("never-sent")
    await page.get_by_role("button", name="Filter").click()
    await expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
