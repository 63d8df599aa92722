"""The ways that many walks have in common, one press after the other."""

from __future__ import annotations

from playwright.async_api import Page, expect

CONTACT = "/contacts/c1"
WORKFLOWS = "/workflows/"


async def section(page: Page) -> None:
    """To Private Integrations, by the side bar."""
    side = page.get_by_role("navigation", name="Settings")
    await side.get_by_role("link", name="Private Integrations", exact=True).click()


async def open_integration(page: Page, name: str) -> None:
    """To the page of an integration, by the list."""
    await section(page)
    await page.get_by_role("link", name=name, exact=True).click()


async def create(page: Page, name: str, *scopes: str) -> str:
    """Makes an integration as the documents say; the token."""
    await section(page)
    await page.get_by_role("link", name="Create new Integration").first.click()
    await page.get_by_label("Integration Name").fill(name)
    await page.get_by_label("Description").fill("Keeps both sides in step.")
    await page.get_by_role("button", name="Next").click()
    for scope in scopes:
        await page.locator(f'input[value="{scope}"]').check()
    await page.get_by_role("button", name="Generate Access Token").click()
    return await token(page)


async def token(page: Page) -> str:
    """The token that is shown now, and never again."""
    shown = await page.get_by_label("Access token").input_value()
    assert shown.startswith("pit_")
    return shown


async def copied(page: Page) -> None:
    """Leaves the page with the token."""
    seen = page.get_by_role("link", name="I have copied it")
    await seen.click()
    await expect(seen).to_have_count(0)
