"""Everything can be reached and done with the keyboard alone, and one sees where one is."""

from __future__ import annotations

from playwright.async_api import Locator, Page, expect

from tests.e2e.browser.conftest import Town
from tests.e2e.browser.walking import CONTACT, token

_STEPS = 120
_IS_FOCUSED = "element => element === document.activeElement"
# What shows where the focus is: an outline, a shadow, or another border than without it.
_IS_SHOWN = """element => {
    const style = getComputedStyle(element);
    return style.outlineStyle !== "none" || style.boxShadow !== "none" || element.type === "hidden";
}"""


async def reach(page: Page, wanted: Locator) -> None:
    """Tab until it has the focus."""
    for _ in range(_STEPS):
        await page.keyboard.press("Tab")
        if await wanted.evaluate(_IS_FOCUSED):
            assert await wanted.evaluate(_IS_SHOWN), f"{wanted} does not show that it has the focus"
            return
    raise AssertionError(f"{wanted} cannot be reached with Tab")


async def follow(page: Page) -> None:
    """Press what has the focus, and wait for the page that it leads to."""
    async with page.expect_navigation():
        await page.keyboard.press("Enter")


async def test_an_integration_is_created_rotated_and_deleted_without_a_pointer(town: Town) -> None:
    page = await town.signed_in()
    await reach(page, page.get_by_role("link", name="Private Integrations", exact=True))
    await follow(page)
    await reach(page, page.get_by_role("link", name="Create new Integration").first)
    await follow(page)
    await expect(page.get_by_label("Integration Name")).to_be_visible()
    await page.get_by_label("Integration Name").evaluate("element => element.blur()")
    await reach(page, page.get_by_label("Integration Name"))
    await page.keyboard.type("Order sync")
    await follow(page)
    await reach(page, page.locator('input[value="contacts.readonly"]'))
    await page.keyboard.press("Space")
    await reach(page, page.get_by_role("button", name="Generate Access Token"))
    await follow(page)
    await expect(page.get_by_role("link", name="I have copied it")).to_be_visible()
    secret = await token(page)
    assert await town.status(CONTACT, secret) == 200
    await reach(page, page.get_by_role("link", name="I have copied it"))
    await follow(page)

    await reach(page, page.get_by_text("Rotate and expire this token now"))
    await follow(page)
    await reach(page, page.get_by_role("button", name="Continue"))
    await follow(page)
    await expect(page.get_by_role("link", name="I have copied it")).to_be_visible()
    newer = await token(page)
    assert (await town.status(CONTACT, secret), await town.status(CONTACT, newer)) == (401, 200)
    await reach(page, page.get_by_role("link", name="I have copied it"))
    await follow(page)

    await reach(page, page.get_by_label("More actions"))
    await page.keyboard.press("Enter")
    await reach(page, page.get_by_role("link", name="Delete"))
    await follow(page)
    await reach(page, page.get_by_role("textbox"))
    await page.keyboard.type("Order sync")
    await follow(page)
    await expect(page.get_by_text("The private integration was deleted")).to_be_visible()
    assert await town.status(CONTACT, newer) == 401


async def test_a_draft_of_the_map_is_compared_without_a_pointer(town: Town) -> None:
    page = await town.operating()
    await reach(page, page.get_by_role("link", name="Route map"))
    await follow(page)
    await reach(page, page.get_by_role("link", name="Compare a draft"))
    await follow(page)
    await reach(page, page.get_by_label("Draft", exact=True))
    await page.keyboard.insert_text("upstreams:\n  crm: {}\nservices: {}\n")
    await reach(page, page.get_by_label("Or its file"))
    await reach(page, page.get_by_label("Recorded requests"))
    await page.keyboard.press("End")
    await reach(page, page.get_by_role("button", name="Compare"))
    await follow(page)
    await expect(page.locator("#e-map")).to_contain_text("map:")
    await expect(page.get_by_label("Recorded requests")).to_have_value("")
