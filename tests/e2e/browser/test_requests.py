"""The page of recorded requests in a real browser: what the proxy answered is found there, and everybody can read it."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.e2e.browser.conftest import Town
from tests.e2e.browser.test_looks import Looker, furnish
from tests.wiring.recorded import entry, store
from tests.wiring.tenants import Issued


async def open_requests(town: Town, page: Page, issued: Issued) -> None:
    here = f"{town.url}/settings/{town.account.id}/private-integrations/{issued.integration_id}"
    await page.goto(here)
    await page.get_by_role("link", name="Requests", exact=True).click()
    await expect(page.get_by_role("link", name="Requests", exact=True)).to_have_attribute(
        "aria-current", "page"
    )


async def test_a_refused_call_is_found_by_its_reason_and_looked_at(town: Town) -> None:
    issued = await furnish(town)
    page = await town.signed_in(script=False)
    await open_requests(town, page, issued)
    # Written about a second after the call: the page is asked again, as somebody would.
    for _ in range(20):
        if await page.get_by_role("row").count() > 1:
            break
        await page.wait_for_timeout(250)
        await page.reload()
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


async def test_the_pages_can_be_read_by_everybody_and_fit(town: Town) -> None:
    issued = await furnish(town)
    whose = {"account": issued.account_id, "integration": issued.integration_id, "token": issued.token_id}
    long = "/locations/{locationId}/customFields/{customFieldId}/options/{optionId}"
    await store(
        town.gateway.database,
        entry("a" * 128, ago=1.0, template=long, shadow="scope_missing", **whose),
        entry(
            "b",
            ago=2.0,
            status=0,
            code="caller_left",
            client="2001:db8:1234:5678:9abc:def0:1234:5678",
            **whose,
        ),
        entry("c", ago=3.0, status=502, code="upstream_unreachable", method="DELETE", template=long, **whose),
        *(entry(f"d{number}", ago=9.0 + number, **whose) for number in range(60)),
    )
    page = await town.signed_in()
    looker = Looker(page)
    await open_requests(town, page, issued)
    await looker.look("requests")
    await page.get_by_role("link", name="Older").click()
    await looker.look("requests-older")
    base = f"{town.url}/settings/{town.account.id}/private-integrations/{issued.integration_id}/requests"
    await page.goto(f"{base}/{'a' * 128}")
    await looker.look("request")
    await page.goto(f"{base}?ended=5xx&from=noon&route=GET+{'x' * 500}")
    await looker.look("requests-nothing-found")
    assert looker.found == []
