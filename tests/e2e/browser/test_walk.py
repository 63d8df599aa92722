"""What the product's documents describe, step by step in a real browser; what came of it is asked of the proxy."""

from __future__ import annotations

from playwright.async_api import Page, expect

from gateway.storage.members import Role
from tests.e2e.browser.conftest import Town

CONTACT = "/contacts/c1"
WORKFLOWS = "/workflows/"


async def create(page: Page, name: str, *scopes: str) -> str:
    """Steps 1 to 4 of the documents; the token."""
    await page.get_by_role("link", name="Private Integrations", exact=True).first.click()
    await page.get_by_role("link", name="Create new Integration").first.click()
    await page.get_by_label("Integration Name").fill(name)
    await page.get_by_label("Description").fill("Keeps both sides in step.")
    await page.get_by_role("button", name="Next").click()
    for scope in scopes:
        await page.locator(f'input[value="{scope}"]').check()
    await page.get_by_role("button", name="Generate Access Token").click()
    return await token(page)


async def token(page: Page) -> str:
    shown = await page.get_by_label("Access token").input_value()
    assert shown.startswith("pit_")
    return shown


async def test_a_private_integration_from_its_making_to_its_end(town: Town) -> None:
    page = await town.signed_in()
    await expect(page.get_by_role("heading", name="Other Settings")).to_be_visible()
    await expect(page.get_by_text("Connect your account with any third-party application")).to_be_visible()

    first = await create(page, "Order sync", "contacts.readonly")
    assert await town.status(CONTACT, first) == 200
    assert await town.status(WORKFLOWS, first) == 403
    await page.get_by_role("link", name="I have copied it").click()
    await expect(page.get_by_text("Active", exact=True)).to_be_visible()
    assert first not in await page.content()
    await page.go_back()
    assert first not in await page.content(), "the way back shows the token again"
    assert first not in page.url
    await page.goto(town.url)
    await page.get_by_role("link", name="Order sync").click()
    here = page.url

    # Rotate and expire later: both work; cancel: the old one stays.
    await page.get_by_role("link", name="Rotate and expire this token later").click()
    await page.get_by_role("button", name="Continue").click()
    second = await token(page)
    assert [await town.status(CONTACT, one) for one in (first, second)] == [200, 200]
    await page.get_by_role("link", name="I have copied it").click()
    await expect(page.get_by_role("heading", name="Rotation under way")).to_be_visible()
    await page.get_by_role("link", name="Cancel rotation").click()
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_text("The rotation was cancelled.")).to_be_visible()
    assert page.url == here, "what was done stays in the address"
    assert [await town.status(CONTACT, one) for one in (first, second)] == [200, 401]

    # Again, and expire the old one now.
    await page.get_by_role("link", name="Rotate and expire this token later").click()
    await page.get_by_role("button", name="Continue").click()
    third = await token(page)
    await page.get_by_role("link", name="I have copied it").click()
    await page.get_by_role("link", name="Expire now").click()
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_text("The old token no longer works.")).to_be_visible()
    assert [await town.status(CONTACT, one) for one in (first, third)] == [401, 200]

    # Rotate and expire now.
    await page.get_by_role("link", name="Rotate and expire this token now").click()
    await page.get_by_role("button", name="Continue").click()
    fourth = await token(page)
    assert [await town.status(CONTACT, one) for one in (third, fourth)] == [401, 200]

    # Edit from the three-dot menu: other scopes, the same token.
    await page.get_by_role("link", name="Private Integrations", exact=True).first.click()
    await page.get_by_label("Actions for Order sync").click()
    await page.get_by_role("link", name="Edit").click()
    await page.get_by_label("Integration Name").fill("Workflow sync")
    await page.get_by_role("button", name="Next").click()
    await page.locator('input[value="contacts.readonly"]').uncheck()
    await page.locator('input[value="workflows.readonly"]').check()
    await expect(page.locator("[data-summary]")).to_have_text("1 scope selected: Workflows")
    await page.get_by_role("button", name="Update").click()
    await expect(page.get_by_text("Its token stays the same.")).to_be_visible()
    assert await town.status(CONTACT, fourth) == 403
    assert await town.status(WORKFLOWS, fourth) == 200

    # Suspend and resume, then expire and generate anew.
    for name, status in (("Suspend", 403), ("Resume", 200)):
        await page.get_by_label("More actions").click()
        await page.locator(".sheet").get_by_role("link", name=name).click()
        await page.get_by_role("button", name="Continue").click()
        await expect(page.get_by_role("status")).to_be_visible()
        assert await town.status(WORKFLOWS, fourth) == status
    await page.get_by_role("link", name="Expire token").click()
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("link", name="Generate Access Token").click()
    assert await town.status(WORKFLOWS, fourth) == 401
    await page.get_by_role("button", name="Generate Access Token").click()
    fifth = await token(page)
    assert await town.status(WORKFLOWS, fifth) == 200

    # Delete asks for the name.
    await page.get_by_role("link", name="Private Integrations", exact=True).first.click()
    await page.get_by_label("Actions for Workflow sync").click()
    await page.get_by_role("link", name="Delete").click()
    await page.get_by_label("Type the name to confirm").fill("Workflow sync")
    await page.get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("The private integration was deleted")).to_be_visible()
    assert await town.status(WORKFLOWS, fifth) == 401


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
    await page.get_by_role("link", name="I have copied it").click()
    await page.get_by_role("link", name="Rotate and expire this token later").click()
    await page.get_by_role("button", name="Continue").click()
    second = await token(page)
    await page.get_by_role("link", name="I have copied it").click()
    assert "UTC" in await page.locator(".rotation").inner_text()
    await page.get_by_role("link", name="Expire now").click()
    await page.get_by_role("button", name="Continue").click()
    assert [await town.status(CONTACT, one) for one in (first, second)] == [401, 200]
    await page.get_by_role("link", name="Private Integrations", exact=True).first.click()
    await page.get_by_label("Search private integrations").fill("nothing of this name")
    await page.get_by_role("button", name="Search").click()
    assert await page.get_by_text("Nothing found").is_visible()
    await page.locator("details.who > summary").click()
    await page.get_by_role("button", name="Sign out").click()
    assert await page.get_by_text("You are signed out.").is_visible()


async def test_a_members_permission_is_switched_in_my_team(town: Town) -> None:
    member = await town.member(Role.USER, "kim@example.com", "Kim Lee")
    theirs = await town.signed_in(member)
    address = f"{town.url}/settings/{town.account.id}/private-integrations"
    assert await theirs.get_by_role("link", name="Private Integrations").count() == 0
    answer = await theirs.goto(address)
    assert answer is not None
    assert answer.status == 403
    page = await town.signed_in()
    await page.get_by_role("link", name="My Team").click()
    await page.get_by_label("Edit Kim Lee").click()
    await expect(page.get_by_role("heading", name="Roles and Permissions")).to_be_visible()
    await page.get_by_label("Enabled").check()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("The member was updated.")).to_be_visible()
    await theirs.goto(address)
    assert await town.status(CONTACT, await create(theirs, "Kim's sync", "contacts.readonly")) == 200


async def test_an_agencys_admin_switches_to_a_sub_account_and_works_there(town: Town) -> None:
    page = await town.signed_in(town.agency_admin)
    await page.get_by_role("link", name="Switch account").click()
    await page.get_by_role("link", name="Bluebird Dental").click()
    await expect(page.locator(".brand .account")).to_have_text("Bluebird Dental")
    assert await town.status(CONTACT, await create(page, "Order sync", "contacts.readonly")) == 200


async def test_labs_hides_the_section_and_tokens_keep_working(town: Town) -> None:
    page = await town.signed_in()
    made = await create(page, "Order sync", "contacts.readonly")
    await page.get_by_role("link", name="Labs").click()
    await page.get_by_role("button", name="Switch off").click()
    await expect(page.get_by_role("link", name="Private Integrations", exact=True)).to_have_count(0)
    assert await town.status(CONTACT, made) == 200
    await page.get_by_role("button", name="Switch on").click()
    await expect(page.get_by_role("link", name="Private Integrations", exact=True)).to_have_count(1)
