"""What people do beyond the product's documents, in a real browser; what came of it is asked of the proxy."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import expect

from gateway.wiring.routes import shipped_map
from tests.e2e.browser.conftest import Town
from tests.e2e.browser.walking import CONTACT, WORKFLOWS, copied, create, open_integration, token


async def test_an_integration_is_suspended_and_resumed(town: Town) -> None:
    page = await town.signed_in()
    secret = await create(page, "Workflow sync", "workflows.readonly")
    await copied(page)
    for name, status in (("Suspend", 403), ("Resume", 200)):
        await page.get_by_label("More actions").click()
        await page.locator(".sheet").get_by_role("link", name=name).click()
        await page.get_by_role("button", name="Continue").click()
        await expect(page.get_by_role("status")).to_be_visible()
        assert await town.status(WORKFLOWS, secret) == status


async def test_the_time_that_both_tokens_work_is_chosen(town: Town) -> None:
    page = await town.signed_in()
    await create(page, "Order sync", "contacts.readonly")
    await open_integration(page, "Order sync")
    await page.get_by_role("link", name="Rotate and expire this token later").click()
    ends = page.locator("#window-end")
    before = await ends.inner_text()
    await page.get_by_label("Both tokens work for").select_option("1 hour")
    await expect(ends).not_to_have_text(before)
    await page.get_by_role("button", name="Continue").click()
    await copied(page)
    await expect(page.get_by_text("59 minutes")).to_be_visible()


async def test_the_token_is_copied_with_a_press_and_the_scopes_are_found_by_a_call(town: Town) -> None:
    page = await town.signed_in()
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.goto(f"{town.url}/settings/{town.account.id}/private-integrations/new/scopes?name=Sync")
    await page.get_by_label("Search scopes").fill("get /workflows")
    await expect(page.locator("[data-scope]:visible")).to_have_count(1)
    await page.get_by_text("workflows.readonly").click()
    await page.get_by_label("Search scopes").fill("no such thing")
    await expect(page.get_by_text("No scope matches.")).to_be_visible()
    await page.get_by_label("Search scopes").fill("")
    await page.get_by_label("Only selected").check()
    await expect(page.locator("[data-scope]:visible")).to_have_count(1)
    await page.get_by_role("button", name="Generate Access Token").click()
    shown = await token(page)
    await page.get_by_role("button", name="Copy").first.click()
    await expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == shown
    line = await page.get_by_label("Test it in a terminal").input_value()
    assert line.startswith(f"curl -i {town.proxy}/workflows/")
    assert shown in line
    # A reload goes on to the integration: it neither sends the form again nor shows the token.
    await page.reload()
    await expect(page.get_by_role("heading", name="Sync")).to_be_visible()
    assert shown not in await page.content()


async def test_everything_works_without_a_script(town: Town) -> None:
    page = await town.signed_in(script=False)
    first = await create(page, "Plain sync", "contacts.readonly")
    assert await town.status(CONTACT, first) == 200
    await copied(page)
    await page.get_by_role("link", name="Rotate and expire this token later").click()
    await page.get_by_role("button", name="Continue").click()
    second = await token(page)
    await copied(page)
    assert "UTC" in await page.locator(".rotation").inner_text()
    await page.get_by_role("link", name="Expire now").click()
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_text("The old token no longer works.")).to_be_visible()
    assert [await town.status(CONTACT, one) for one in (first, second)] == [401, 200]
    await page.get_by_role("link", name="Private Integrations", exact=True).first.click()
    await page.get_by_label("Search private integrations").fill("nothing of this name")
    await page.get_by_role("button", name="Search").click()
    await expect(page.get_by_text("Nothing found")).to_be_visible()
    await page.locator("details.who > summary").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_text("You are signed out.")).to_be_visible()


async def test_a_draft_of_the_map_is_compared_from_its_file_without_a_script(
    town: Town, tmp_path: Path
) -> None:
    draft = tmp_path / "routes.yaml"
    live = shipped_map().read_text().replace("http://127.0.0.1:9001", town.upstream)
    draft.write_text(live.replace("GET /workflows/: workflows.readonly", "GET /workflows/: public"))
    page = await town.operating(script=False)
    await page.get_by_role("link", name="Route map").click()
    await page.get_by_role("link", name="Compare a draft").click()
    await page.get_by_label("Draft", exact=True).fill("what is pasted gives way to a file")
    await page.get_by_label("Or its file").set_input_files(draft)
    await page.get_by_label("Recorded requests").select_option("Leave them out")
    await page.get_by_role("button", name="Compare").click()
    await expect(page.locator(".verdict")).to_contain_text("The draft opens 1 operation.")
    assert await page.get_by_label("Draft", exact=True).input_value() == draft.read_text()
    await page.get_by_label("Draft", exact=True).fill(live)
    await page.get_by_role("button", name="Compare").click()
    await expect(page.locator(".verdict")).to_contain_text("means the same as the map in force")


async def test_an_agencys_admin_switches_to_a_sub_account_and_works_there(town: Town) -> None:
    page = await town.signed_in(town.agency_admin)
    await page.get_by_role("link", name="Switch account").click()
    await page.get_by_role("link", name="Bluebird Dental").click()
    await expect(page.locator(".brand .account")).to_have_text("Bluebird Dental")
    assert await town.status(CONTACT, await create(page, "Order sync", "contacts.readonly")) == 200
