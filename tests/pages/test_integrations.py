"""The pages of private integrations: list, search, create, edit, rotate, suspend, delete, activity."""

from __future__ import annotations

import pytest

from gateway.admin.pages.answers import BASE
from gateway.storage import integrations
from gateway.storage.accounts import Account
from gateway.storage.mutation import mutation
from tests.admin.conftest import TESTER
from tests.pages.conftest import PROXY, Browser, Site, created, integration_id, section


async def many(site: Site, account: Account, count: int) -> None:
    async with mutation(site.database, actor=TESTER) as change:
        for number in range(count):
            await integrations.create(
                change,
                account_id=account.id,
                name=f"App {number:03}",
                description="",
                scopes=["contacts.readonly"],
            )


@pytest.fixture
async def account(site: Site) -> Account:
    return await site.account()


@pytest.fixture
async def browser(site: Site, account: Account) -> Browser:
    return await site.visitor(account)


async def test_an_empty_list_says_what_a_private_integration_is(browser: Browser, account: Account) -> None:
    page = await browser.get(section(account))
    assert "a more powerful and secure alternative to API keys" in page.text
    assert section(account, "new") in page.links


async def test_a_long_list_is_read_page_by_page_and_nothing_is_left_out(
    site: Site, browser: Browser, account: Account
) -> None:
    await many(site, account, 60)
    seen: list[str] = []
    target = section(account)
    while target:
        page = await browser.get(target)
        rows = [
            link for link in page.links if link.startswith(section(account, "pi_")) and link.count("/") == 4
        ]
        assert len(rows) <= 25
        seen += rows
        target = next((link for link in page.links if "cursor=" in link), "")
    assert len(seen) == len(set(seen)) == 60


async def test_the_search_finds_across_pages_and_goes_on_where_it_stopped(
    site: Site, browser: Browser, account: Account
) -> None:
    await many(site, account, 230)
    page = await browser.get(f"{section(account)}?q=app+00")
    assert page.text.count(">App 00") == 10
    seen, target = [], f"{section(account)}?q=APP"
    while target:
        page = await browser.get(target)
        seen += [
            link for link in page.links if link.startswith(section(account, "pi_")) and link.count("/") == 4
        ]
        target = next((link for link in page.links if "cursor=" in link), "")
    assert len(seen) == len(set(seen)) == 230
    nothing = await browser.get(f"{section(account)}?q=<b>zz")
    assert nothing.status == 200
    assert "&lt;b&gt;zz" in nothing.text


async def test_a_foreign_cursor_is_refused_as_a_page(browser: Browser, account: Account) -> None:
    assert (await browser.get(f"{section(account)}?cursor=nonsense")).status == 422


async def test_creating_shows_the_token_once_with_a_call_to_try(browser: Browser, account: Account) -> None:
    step = await browser.get(section(account, "new"))
    assert step.form("new/scopes", "get").fields == [("name", "")]
    page = await created(browser, account, "Order <sync>", ("contacts.readonly", "contacts.write"))
    secret = page.secret
    assert secret.startswith("pit_")
    assert "The token will not be displayed again." in page.text
    assert f"curl -i {PROXY}/contacts/" in page.text.replace("&#39;", "'") or f"{PROXY}/" in page.text
    assert "Order &lt;sync&gt;" in page.text
    shown = await browser.get(section(account, integration_id(page)))
    assert secret not in shown.text
    assert f"{secret[:8]}…{secret[-4:]}" in shown.text
    assert "Active" in shown.text


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("name=", "Fill this in."),
        ("", "Fill this in."),
        (f"name={'a' * 101}", "Use at most 100 characters."),
        (f"name=a&description={'a' * 501}", "Use at most 500 characters."),
        ("name=a%00b", "Write one line of text."),
    ],
)
async def test_step_one_says_what_is_wrong_at_the_field(
    browser: Browser, account: Account, query: str, told: str
) -> None:
    page = await browser.get(section(account, f"new/scopes?{query}"))
    assert page.status == 422
    assert told in page.text


async def test_a_scope_that_is_not_offered_is_refused_by_name(browser: Browser, account: Account) -> None:
    page = await browser.get(section(account, "new", "scopes?name=Sync"))
    refused = await browser.send(page, "scopes", scopes=["contacts.readonly", "agencies.readonly"])
    assert refused.status == 422
    assert "agencies.readonly is not for an account of kind sub_account" in refused.text


async def test_editing_in_two_steps_changes_the_scopes_and_no_token(
    browser: Browser, account: Account
) -> None:
    made = await created(browser, account)
    here = section(account, integration_id(made))
    hint = made.secret[-4:]
    assert "Sync" in (await browser.get(f"{here}/edit")).text
    second = await browser.get(f"{here}/edit/scopes?name=Renamed&description=Why")
    assert "Updating does not generate a new token" in second.text
    assert ("scopes", "contacts.readonly") in second.form("edit/scopes").fields
    saved = await browser.send(second, "edit/scopes", scopes=["contacts.write", "locations.readonly"])
    assert saved.location == f"{here}?done=updated"
    page = await browser.get(saved.location)
    assert "Its token stays the same." in page.text
    for words in ("Renamed", "Why", "contacts.write", "locations.readonly", hint):
        assert words in page.text
    assert "contacts.readonly" not in page.text


async def test_an_edit_does_not_overwrite_what_somebody_else_changed(
    browser: Browser, account: Account
) -> None:
    here = section(account, integration_id(await created(browser, account)))
    mine = await browser.get(f"{here}/edit/scopes?name=Mine")
    theirs = await browser.get(f"{here}/edit/scopes?name=Theirs")
    await browser.send(theirs, "edit/scopes")
    assert (await browser.send(mine, "edit/scopes")).status == 412
    assert "Theirs" in (await browser.get(here)).text


async def test_a_rotation_is_shown_side_by_side_and_can_be_cancelled(
    browser: Browser, account: Account
) -> None:
    made = await created(browser, account)
    here = section(account, integration_id(made))
    asked = await browser.get(f"{here}/rotate-later")
    assert "the old and the new token both work" in asked.text
    assert asked.form().field("window") == "604800000ms", "the window that is configured"
    assert ">Continue<" in asked.text
    rotated = await browser.send(asked)
    assert rotated.secret != made.secret
    page = await browser.get(here)
    for words in (
        "Rotation under way",
        "Old token",
        "New token",
        "Neither token was used lately",
        "6 days 23 hours",
    ):
        assert words in page.text
    assert f"{here}/rotate-later" not in page.links
    assert (await browser.submit(f"{here}/rotate-later")).status == 409
    cancelled = await browser.submit(f"{here}/cancel-rotation")
    page = await browser.get(cancelled.location)
    assert made.secret[-4:] in page.text
    assert rotated.secret[-4:] not in page.text


async def test_the_window_of_a_rotation_is_chosen_up_to_the_longest_that_is_allowed(
    browser: Browser, account: Account
) -> None:
    here = section(account, integration_id(await created(browser, account)))
    asked = await browser.get(f"{here}/rotate-later")
    for words in ("1 hour", "1 day", "3 days", "7 days (default)", "14 days", "30 days"):
        assert f">{words}</option>" in asked.text
    for window in ("31d", "0ms", "soon", "-1h"):
        refused = await browser.send(asked, window=window)
        assert refused.status == 422, window
        assert 'id="e-window"' in refused.text
    await browser.send(asked, window="3600000ms")
    assert "59 minutes" in (await browser.get(here)).text


async def test_the_old_token_of_a_rotation_can_be_expired_now(browser: Browser, account: Account) -> None:
    made = await created(browser, account)
    here = section(account, integration_id(made))
    rotated = await browser.submit(f"{here}/rotate-later")
    page = await browser.get((await browser.submit(f"{here}/expire-old")).location)
    assert rotated.secret[-4:] in page.text
    assert f"…{made.secret[-4:]}" not in page.text


async def test_an_expired_token_leaves_the_way_to_generate_another(
    browser: Browser, account: Account
) -> None:
    here = section(account, integration_id(await created(browser, account)))
    page = await browser.get((await browser.submit(f"{here}/expire")).location)
    assert f"{here}/generate-token" in page.links
    assert "No token" in page.text
    assert (await browser.submit(f"{here}/rotate-now")).status == 409
    assert (await browser.submit(f"{here}/generate-token")).secret.startswith("pit_")


async def test_suspend_and_resume(browser: Browser, account: Account) -> None:
    here = section(account, integration_id(await created(browser, account)))
    await browser.submit(f"{here}/suspend")
    listed = await browser.get(section(account))
    assert "Suspended" in listed.text
    assert f"{here}/resume" in listed.links
    await browser.submit(f"{here}/resume")
    assert f"{here}/suspend" in (await browser.get(section(account))).links


async def test_deleting_asks_for_the_name(browser: Browser, account: Account) -> None:
    here = section(account, integration_id(await created(browser, account)))
    refused = await browser.submit(f"{here}/delete", "delete", name="sync")
    assert refused.status == 422
    assert "This is not the name" in refused.text
    gone = await browser.submit(f"{here}/delete", "delete", name="Sync")
    assert gone.location == f"{section(account)}?done=deleted"
    page = await browser.get(here)
    assert page.status == 404
    assert "Sync was deleted" in page.text
    assert (await browser.get(f"{here}/edit")).status == 404


async def test_the_activity_of_an_unused_integration_says_so(browser: Browser, account: Account) -> None:
    here = section(account, integration_id(await created(browser, account)))
    for span in ("day", "month", "nonsense"):
        page = await browser.get(f"{here}/activity?span={span}")
        assert page.status == 200
        assert "No requests in this time." in page.text
        assert "contacts.readonly" in page.text


async def test_the_token_rules_take_days_or_nothing(browser: Browser, account: Account) -> None:
    rules = section(account, "rules")
    saved = await browser.submit(
        rules, "rules", rotation_remind_after_days="30", inactivity_expire_after_days=""
    )
    assert saved.location == f"{rules}?done=rules_saved"
    assert 'value="30"' in (await browser.get(rules)).text
    refused = await browser.submit(rules, "rules", rotation_remind_after_days="soon")
    assert refused.status == 422
    assert "Write a whole number of days" in refused.text


async def test_no_page_after_the_first_ever_has_a_secret(
    site: Site, browser: Browser, account: Account
) -> None:
    made = await created(browser, account)
    here = section(account, integration_id(made))
    for path in (
        section(account),
        here,
        f"{here}/activity",
        f"{BASE}/{account.id}/audit",
        f"{here}/rotate-now",
    ):
        assert made.secret not in (await browser.get(path)).text
    assert made.secret not in await site.dump()
