"""Every flow of the two product documents in a real browser, by the names they use; the proxy is asked what came of it."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from gateway.storage.members import Role
from tests.e2e.browser.conftest import Town
from tests.e2e.browser.documents import covers
from tests.e2e.browser.walking import (
    CONTACT,
    WORKFLOWS,
    copied,
    create,
    open_integration,
    section,
    token,
)


async def assert_never_again(page: Page, secret: str) -> None:
    """The token is on no page that can be reached from here."""
    await copied(page)
    assert secret not in await page.content()
    await page.go_back()
    assert secret not in await page.content(), "the way back shows the token again"
    assert secret not in page.url
    await page.go_forward()


@covers("how-to 1", "how-to 2", "how-to 3", "how-to 4", "how-to 5", "how-to 6", "how-to 7", "how-to 8")
async def test_an_integration_is_created_as_the_how_to_says(town: Town) -> None:
    page = await town.signed_in()
    await expect(page.get_by_role("navigation", name="Settings")).to_be_visible()
    await page.get_by_role("link", name="Private Integrations", exact=True).click()
    await page.get_by_role("link", name="Create New Integration").click()
    await page.get_by_label("Integration Name").fill("Order sync")
    await page.get_by_label("Description").fill("Copies orders into the warehouse.")
    await page.get_by_role("button", name="Next").click()
    await page.get_by_label("View contacts").first.check()
    await page.get_by_role("button", name="Generate Access Token").click()
    secret = await token(page)
    await expect(page.get_by_text("The token will not be displayed again.")).to_be_visible()
    assert await town.status(CONTACT, secret) == 200
    await assert_never_again(page, secret)


@covers("how-to 9", "how-to 10", "how-to 14")
async def test_the_token_connects_with_the_permissions_that_are_shown(town: Town) -> None:
    page = await town.signed_in()
    secret = await create(page, "Order sync", "contacts.readonly")
    line = await page.get_by_label("Test it in a terminal").input_value()
    target = re.search(re.escape(town.proxy) + r"(/[^\s']*)", line)
    assert target is not None
    assert await town.status(target[1], secret) == 200
    await copied(page)
    scopes = page.get_by_role("region", name="Scopes 1")
    await expect(scopes.get_by_text("contacts.readonly")).to_be_visible()
    assert await town.status(CONTACT, secret) == 200
    assert await town.status(WORKFLOWS, secret) == 403


@covers("how-to 11", "how-to 12", "how-to 15", "how-to 18")
async def test_rotate_now_gives_a_new_token_for_one_that_is_lost(town: Town) -> None:
    page = await town.signed_in()
    lost = await create(page, "Order sync", "contacts.readonly")
    await copied(page)
    await open_integration(page, "Order sync")
    await page.get_by_role("link", name="Rotate and expire this token now").click()
    await page.get_by_role("button", name="Continue").click()
    found = await token(page)
    assert [await town.status(CONTACT, one) for one in (lost, found)] == [401, 200]
    await assert_never_again(page, found)


@covers("how-to 13", "how-to 19")
async def test_expire_ends_the_token_at_once_without_another(town: Town) -> None:
    page = await town.signed_in()
    secret = await create(page, "Order sync", "contacts.readonly")
    assert await town.status(CONTACT, secret) == 200
    await open_integration(page, "Order sync")
    await page.get_by_role("link", name="Expire token").click()
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_text("The token no longer works.")).to_be_visible()
    assert await town.status(CONTACT, secret) == 401
    await page.get_by_role("link", name="Generate Access Token").click()
    await page.get_by_role("button", name="Generate Access Token").click()
    assert await town.status(CONTACT, await token(page)) == 200


@covers("how-to 16")
async def test_how_a_token_is_used_can_be_watched(town: Town) -> None:
    page = await town.signed_in()
    secret = await create(page, "Order sync", "contacts.readonly")
    for target in (CONTACT, CONTACT, WORKFLOWS):
        await town.status(target, secret)
    await town.recorded(3)
    await open_integration(page, "Order sync")
    await page.get_by_role("link", name="Activity").click()
    await expect(page.get_by_role("row", name="Scope not granted")).to_be_visible()
    await expect(page.get_by_role("row", name="GET /contacts/{contactId}")).to_be_visible()


@covers("how-to 17")
async def test_tokens_that_nobody_uses_expire_after_the_days_that_were_set(town: Town) -> None:
    page = await town.signed_in()
    secret = await create(page, "Order sync", "contacts.readonly")
    await section(page)
    await page.get_by_role("link", name="Token rules").click()
    await page.get_by_label("Expire unused tokens after (days)").fill("30")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("The token rules were saved.")).to_be_visible()
    await town.let_the_token_be_idle(secret, days=31)
    assert await town.status(CONTACT, secret) == 401
    await open_integration(page, "Order sync")
    await expect(page.get_by_text("No token", exact=True)).to_be_visible()


@covers("guide 1")
async def test_the_permission_of_a_user_is_switched_in_my_team(town: Town) -> None:
    member = await town.member(Role.USER, "kim@example.com", "Kim Lee")
    theirs = await town.signed_in(member)
    address = f"{town.url}/settings/{town.account.id}/private-integrations"
    assert await theirs.get_by_role("link", name="Private Integrations").count() == 0
    answer = await theirs.goto(address)
    assert answer is not None
    assert answer.status == 403
    page = await town.signed_in()
    for choice, status in (("Enabled", 200), ("Disabled", 403)):
        await page.get_by_role("link", name="My Team").first.click()
        await page.get_by_label("Edit Kim Lee").click()
        await expect(page.get_by_role("heading", name="Roles and Permissions")).to_be_visible()
        permission = page.get_by_role("group", name="Private Integrations")
        await permission.get_by_label(choice).check()
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("The member was updated.")).to_be_visible()
        answer = await theirs.goto(address)
        assert answer is not None
        assert answer.status == status
        if status == 200:
            made = await create(theirs, "Kim's sync", "contacts.readonly")
            assert await town.status(CONTACT, made) == 200


@covers("guide 2", "guide 3")
async def test_the_section_is_under_other_settings_once_labs_has_it_on(town: Town) -> None:
    page = await town.signed_in()
    made = await create(page, "Order sync", "contacts.readonly")
    side = page.get_by_role("navigation", name="Settings")
    await side.get_by_role("link", name="Labs").click()
    await page.get_by_role("button", name="Switch off").click()
    await expect(side.get_by_role("link", name="Private Integrations", exact=True)).to_have_count(0)
    assert await town.status(CONTACT, made) == 200
    await side.get_by_role("link", name="Labs").click()
    await page.get_by_role("button", name="Switch on").click()
    heading = side.get_by_role("heading", name="Other Settings")
    await expect(heading).to_be_visible()
    below = heading.locator("xpath=following-sibling::ul[1]")
    await below.get_by_role("link", name="Private Integrations", exact=True).click()
    await expect(page.get_by_role("heading", name="Private Integrations", level=1)).to_be_visible()


@covers("guide 4", "guide 5", "guide 6", "guide 7", "guide 8", "guide 9", "guide 10")
async def test_an_integration_is_created_as_the_guide_says(town: Town) -> None:
    page = await town.signed_in()
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await section(page)
    await page.get_by_role("link", name="Create new Integration", exact=True).click()
    await page.get_by_label("Integration Name").fill("Order sync")
    await page.get_by_label("Description").fill("For the developers of the shop.")
    await page.get_by_role("button", name="Next").click()
    await expect(page.get_by_text("select only the necessary scopes")).to_be_visible()
    await page.locator('input[value="contacts.readonly"]').check()
    await expect(page.locator("[data-summary]")).to_have_text("1 scope selected: Contacts")
    await page.get_by_role("button", name="Generate Access Token").click()
    secret = await token(page)
    await expect(page.get_by_text("Share it only with trusted parties, and never publicly.")).to_be_visible()
    await page.get_by_role("button", name="Copy").first.click()
    await expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == secret
    assert await town.status(CONTACT, secret) == 200
    await assert_never_again(page, secret)


@covers("guide 11")
async def test_the_pages_ask_for_a_rotation_after_90_days(town: Town) -> None:
    page = await town.signed_in()
    secret = await create(page, "Order sync", "contacts.readonly")
    await section(page)
    await expect(page.get_by_text("Rotation due")).to_have_count(0)
    await town.let_the_token_be_old(secret, days=91)
    await section(page)
    await expect(page.get_by_text("Rotation due")).to_be_visible()
    await open_integration(page, "Order sync")
    await expect(page.get_by_text("Rotation was due on")).to_be_visible()


async def rotated_later(town: Town, page: Page) -> tuple[str, str]:
    """The steps of the guide up to the new token: the old one and the new one."""
    old = await create(page, "Order sync", "contacts.readonly")
    await copied(page)
    await section(page)
    await page.get_by_role("link", name="Order sync", exact=True).click()
    await page.get_by_role("link", name="Rotate and expire this token later").click()
    await expect(page.get_by_label("Both tokens work for")).to_have_value("604800000ms")
    await page.get_by_role("button", name="Continue").click()
    new = await token(page)
    assert [await town.status(CONTACT, one) for one in (old, new)] == [200, 200]
    return old, new


@covers("guide 12", "guide 13", "guide 14", "guide 15", "guide 18")
async def test_a_rotation_leaves_both_tokens_for_7_days(town: Town) -> None:
    page = await town.signed_in()
    old, new = await rotated_later(town, page)
    await assert_never_again(page, new)
    await expect(page.get_by_role("heading", name="Rotation under way")).to_be_visible()
    await expect(page.get_by_text("6 days 23 hours")).to_be_visible()
    await town.let_the_deadline_pass(old)
    assert [await town.status(CONTACT, one) for one in (old, new)] == [401, 200]
    await open_integration(page, "Order sync")
    await expect(page.get_by_role("heading", name="Rotation under way")).to_have_count(0)


@covers("guide 16")
async def test_cancel_rotation_keeps_the_old_token(town: Town) -> None:
    page = await town.signed_in()
    old, new = await rotated_later(town, page)
    await open_integration(page, "Order sync")
    here = page.url
    await page.get_by_role("link", name="Cancel rotation").click()
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_text("The rotation was cancelled.")).to_be_visible()
    assert page.url == here, "what was done stays in the address"
    assert [await town.status(CONTACT, one) for one in (old, new)] == [200, 401]


@covers("guide 17")
async def test_expire_now_ends_the_old_token_before_its_time(town: Town) -> None:
    page = await town.signed_in()
    old, new = await rotated_later(town, page)
    await open_integration(page, "Order sync")
    await page.get_by_role("link", name="Expire now").click()
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_text("The old token no longer works.")).to_be_visible()
    assert [await town.status(CONTACT, one) for one in (old, new)] == [401, 200]


@covers("guide 19", "guide 20", "guide 21", "guide 22", "guide 23")
async def test_rotate_now_ends_the_old_token_at_once(town: Town) -> None:
    page = await town.signed_in()
    old = await create(page, "Order sync", "contacts.readonly")
    await copied(page)
    await open_integration(page, "Order sync")
    await page.get_by_role("link", name="Rotate and expire this token now").click()
    await expect(page.get_by_text("every token that works now stops working at once")).to_be_visible()
    await page.get_by_role("button", name="Continue").click()
    new = await token(page)
    await expect(page.get_by_text("The token will not be displayed again.")).to_be_visible()
    assert [await town.status(CONTACT, one) for one in (old, new)] == [401, 200]
    await assert_never_again(page, new)


@covers("guide 24", "guide 25", "guide 26", "guide 27", "guide 28")
async def test_an_edit_changes_name_and_scopes_and_no_token(town: Town) -> None:
    page = await town.signed_in()
    secret = await create(page, "Order sync", "contacts.readonly")
    await section(page)
    await page.get_by_label("Actions for Order sync").click()
    await page.get_by_role("link", name="Edit", exact=True).click()
    await page.get_by_label("Integration Name").fill("Workflow sync")
    await page.get_by_label("Description").fill("Starts workflows.")
    await page.get_by_role("button", name="Next").click()
    await expect(page.get_by_text("Updating does not generate a new token")).to_be_visible()
    await page.locator('input[value="contacts.readonly"]').uncheck()
    await page.locator('input[value="workflows.readonly"]').check()
    await expect(page.locator("[data-summary]")).to_have_text("1 scope selected: Workflows")
    await page.get_by_role("button", name="Update").click()
    await expect(page.get_by_text("Its token stays the same.")).to_be_visible()
    await expect(page.get_by_role("heading", name="Workflow sync", level=1)).to_be_visible()
    assert await town.status(CONTACT, secret) == 403
    assert await town.status(WORKFLOWS, secret) == 200


@covers("guide 29")
async def test_delete_asks_for_the_name_and_ends_every_token(town: Town) -> None:
    page = await town.signed_in()
    secret = await create(page, "Order sync", "contacts.readonly")
    await section(page)
    await page.get_by_label("Actions for Order sync").click()
    await page.get_by_role("link", name="Delete", exact=True).click()
    await page.get_by_label("Type the name to confirm").fill("Order sync")
    await page.get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("The private integration was deleted")).to_be_visible()
    await expect(page.get_by_role("link", name="Order sync")).to_have_count(0)
    assert await town.status(CONTACT, secret) == 401
