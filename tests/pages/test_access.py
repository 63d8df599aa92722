"""Who sees what: each page for strangers, for members without the permission, and for other accounts."""

from __future__ import annotations

import re

import pytest

from gateway.admin.pages.answers import BASE, OPERATORS
from gateway.admin.pages.table import PAGES
from gateway.core.model import AccountKind
from gateway.storage.members import Role
from tests.pages.conftest import Page, Site, created, integration_id, section
from tests.wiring.recorded import entry, store

SHOWN = [page.path for page in PAGES if page.show is not None]
TAKEN = [page.path for page in PAGES if page.submit is not None]
OPERATED = {page.path for page in PAGES if page.for_operators}
OF_INTEGRATIONS = [path for path in SHOWN if "/private-integrations" in path and not path.endswith("/rules")]


def filled(
    path: str, account: str, integration: str = "pi_" + "A" * 20, member: str = "mem_" + "A" * 20
) -> str:
    values = {
        "account_id": account,
        "integration_id": integration,
        "member_id": member,
        "key_id": "key_" + "A" * 20,
        "version": "a" * 64,
        "trace_id": "a-trace",
    }
    return BASE + re.sub(r"{(\w+)}", lambda found: values[found[1]], path)


async def test_a_stranger_is_asked_to_sign_in_on_every_page(site: Site) -> None:
    account = await site.account()
    for path in SHOWN:
        page = await site.browser().get(filled(path, account.id))
        asked = f"{OPERATORS}/sign-in" if path in OPERATED else f"{BASE}/sign-in"
        assert page.location.startswith(asked), path


async def test_a_form_of_a_stranger_does_nothing(site: Site) -> None:
    account = await site.account()
    for path in TAKEN:
        page = await site.browser().post(filled(path, account.id), {"csrf": "x", "once": "y" * 20})
        asked = f"{OPERATORS}/sign-in" if path in OPERATED else f"{BASE}/sign-in"
        assert page.location == asked, path


async def test_every_page_opens_for_an_admin_with_the_headers_of_all(site: Site) -> None:
    account = await site.account()
    browser = await site.visitor(account)
    other = await site.member(account, Role.USER)
    made = integration_id(await created(browser, account))
    await store(site.database, entry("a-trace", account=account.id, integration=made))
    for path in (path for path in SHOWN if path not in OPERATED):
        target = filled(path, account.id, made, other.id)
        page = await browser.get(f"{target}?name=Sync" if path.endswith("scopes") else target)
        assert page.status in {200, 303}, (path, page.status)
        assert page.headers["Cache-Control"] == "no-store"
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert_is_self_contained(page)


def assert_is_self_contained(page: Page) -> None:
    """No inline style or script, and no address of another host."""
    assert not re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son\w+=", page.text), page.at
    for address in re.findall(r'(?:src|href|action)="([^"]*)"', page.text):
        assert address.startswith(("/settings", "#", "?")), (page.at, address)


@pytest.mark.parametrize(("role", "permission"), [(Role.USER, None), (Role.USER, False), (Role.ADMIN, False)])
async def test_without_the_permission_the_section_is_not_there_and_its_addresses_answer_403(
    site: Site, role: Role, permission: bool | None
) -> None:
    account = await site.account()
    made = integration_id(await created(await site.visitor(account), account))
    browser = await site.visitor(account, role, permission)
    profile = await browser.get(f"{BASE}/profile")
    assert section(account) not in profile.links
    for path in OF_INTEGRATIONS:
        page = await browser.get(filled(path, account.id, made))
        assert page.status == 403, path
        assert "You do not have the permission for Private Integrations." in page.text
        assert "Sync" not in page.text


async def test_a_user_with_the_permission_sees_the_section_and_nothing_of_admins(site: Site) -> None:
    account = await site.account()
    browser = await site.visitor(account, Role.USER, True)
    page = await browser.get(section(account))
    assert page.status == 200
    for name in ("team", "labs", "audit"):
        assert f"{BASE}/{account.id}/{name}" not in page.links
        assert (await browser.get(f"{BASE}/{account.id}/{name}")).status == 403
    assert (await browser.get(section(account, "rules"))).status == 403


async def test_who_may_nothing_lands_on_the_profile(site: Site) -> None:
    browser = await site.visitor(await site.account(), Role.USER)
    assert (await browser.get(BASE)).location == f"{BASE}/profile"


async def test_while_labs_is_off_the_section_is_away_and_says_where_to_switch_it_on(site: Site) -> None:
    account = await site.account(labs=False)
    browser = await site.visitor(account)
    assert (await browser.get(BASE)).location == f"{BASE}/{account.id}/team"
    page = await browser.get(section(account))
    assert page.status == 403
    assert "An admin of the account can enable it in Labs." in page.text
    switched = await browser.submit(f"{BASE}/{account.id}/labs", "labs", private_integrations="on")
    assert section(account) in (await browser.get(switched.location)).links
    assert (await browser.get(section(account))).status == 200
    await browser.submit(f"{BASE}/{account.id}/labs", "labs", private_integrations="off")
    assert (await browser.get(section(account))).status == 403


async def test_another_account_is_missing(site: Site) -> None:
    account, other = await site.account(), await site.account()
    made = integration_id(await created(await site.visitor(other), other))
    browser = await site.visitor(account)
    for path in SHOWN:
        if "{account_id}" in path:
            assert (await browser.get(filled(path, other.id, made))).status == 404, path
    assert (await browser.get(section(account, made))).status == 404, "an integration of another account"


@pytest.mark.parametrize("path", ["/nowhere", "/acc_x/team", "/static/x/other.css", "/a/b/c/d/e/f/g"])
async def test_what_is_not_there_is_a_page_that_says_so(site: Site, path: str) -> None:
    browser = await site.visitor(await site.account())
    page = await browser.get(BASE + path)
    assert page.status == 404
    assert page.headers["Content-Type"].startswith("text/html")


async def test_a_page_that_takes_no_form_says_what_it_takes(site: Site) -> None:
    account = await site.account()
    browser = await site.visitor(account)
    page = await browser.post(section(account), {})
    assert (page.status, page.headers["Allow"]) == (405, "GET,HEAD".replace(",", ", "))


async def test_an_agencys_admin_switches_to_a_sub_account_and_its_user_does_not(site: Site) -> None:
    agency = await site.account(AccountKind.AGENCY)
    sub = await site.account(parent=agency)
    foreign = await site.account()
    admin = await site.visitor(agency)
    page = await admin.get(f"{BASE}/accounts")
    assert f"{BASE}/{sub.id}" in page.links
    assert f"{BASE}/{foreign.id}" not in page.links
    assert (await admin.get(f"{BASE}/{sub.id}")).location == section(sub)
    made = await created(admin, sub)
    assert made.secret.startswith("pit_")
    user = await site.visitor(agency, Role.USER, True)
    assert f"{BASE}/accounts" not in (await user.get(section(agency))).links
    assert (await user.get(section(sub))).status == 404


async def test_scopes_are_offered_for_the_kind_of_account_alone(site: Site) -> None:
    agency = await site.account(AccountKind.AGENCY)
    sub = await site.account(parent=agency)
    admin = await site.visitor(agency)
    of_agency = (await admin.get(section(agency, "new", "scopes?name=a"))).text
    of_sub = (await admin.get(section(sub, "new", "scopes?name=a"))).text
    assert "agencies.readonly" in of_agency
    assert "locations.readonly" not in of_agency
    assert "/contacts/lookup" not in of_agency, "operations that an agency's token cannot call"
    assert "locations.readonly" in of_sub
    assert "agencies.readonly" not in of_sub
