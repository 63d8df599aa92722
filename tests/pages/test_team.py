"""My Team and the audit log."""

from __future__ import annotations

import pytest

from gateway.admin.pages.answers import BASE
from gateway.storage.members import Role
from tests.pages.conftest import Site, created, integration_id, section


async def test_a_member_is_added_and_can_sign_in(site: Site) -> None:
    account = await site.account()
    browser = await site.visitor(account)
    team = f"{BASE}/{account.id}/team"
    page = await browser.submit(
        f"{team}/new", "new", name="Kim Lee", email="kim@example.com", role="user", password="long enough"
    )
    assert page.location == f"{team}?done=member_added"
    listed = await browser.get(team)
    assert "Kim Lee" in listed.text
    assert "Disabled" in listed.text
    signed = await site.browser().submit(f"{BASE}/sign-in", email="kim@example.com", password="long enough")
    assert signed.location == BASE


@pytest.mark.parametrize(
    ("values", "status", "told"),
    [
        ({"name": ""}, 422, "Fill this in."),
        ({"email": "nonsense"}, 422, "Write an e-mail address such as"),
        ({"password": "short"}, 422, "Use at least 8 characters."),
        ({"role": "king"}, 422, "Please look at what is marked below."),
        ({"email": "robin0@example.com"}, 409, "robin0@example.com"),
    ],
)
async def test_what_is_wrong_with_a_new_member_is_told(
    site: Site, values: dict[str, str], status: int, told: str
) -> None:
    account = await site.account()
    browser = await site.visitor(account)
    sent = {"name": "Kim", "email": "kim@example.com", "role": "user", "password": "", **values}
    page = await browser.submit(f"{BASE}/{account.id}/team/new", "new", **sent)
    assert page.status == status
    assert told in page.text


async def test_roles_and_permissions_open_and_close_private_integrations(site: Site) -> None:
    account = await site.account()
    admin = await site.visitor(account)
    member = await site.member(account, Role.USER)
    theirs = await site.signed_in(member)
    page = f"{BASE}/{account.id}/team/{member.id}"
    assert (await theirs.get(section(account))).status == 403
    assert (await admin.submit(page, member.id, permission="on")).status == 303
    assert (await theirs.get(section(account))).status == 200
    assert (await admin.submit(page, member.id, permission="off", role="admin")).status == 303
    assert (await theirs.get(section(account))).status == 403
    assert (await admin.submit(page, member.id, permission="role")).status == 303
    assert (await theirs.get(section(account))).status == 200
    assert (await admin.submit(page, member.id, permission="sometimes")).status == 422


async def test_nobody_changes_their_own_role(site: Site) -> None:
    account = await site.account()
    member = await site.member(account)
    browser = await site.signed_in(member)
    page = await browser.get(f"{BASE}/{account.id}/team/{member.id}")
    assert "Another admin changes your role" in page.text
    assert (await browser.send(page, member.id, name="New name", role="user")).status == 303
    assert "New name" in (await browser.get(f"{BASE}/{account.id}/team")).text
    assert (await browser.get(section(account))).status == 200


async def test_an_admin_without_the_permission_cannot_give_it(site: Site) -> None:
    account = await site.account()
    browser = await site.visitor(account, Role.ADMIN, False)
    member = await site.member(account, Role.USER)
    page = await browser.submit(f"{BASE}/{account.id}/team/{member.id}", member.id, permission="on")
    assert page.status == 403
    assert "You cannot permit others what you are not permitted yourself." in page.text


async def test_a_removed_member_is_out_at_once(site: Site) -> None:
    account = await site.account()
    admin = await site.visitor(account)
    member = await site.member(account)
    theirs = await site.signed_in(member)
    removed = await admin.submit(f"{BASE}/{account.id}/team/{member.id}/remove", "remove")
    assert removed.location == f"{BASE}/{account.id}/team?done=member_removed"
    assert (await theirs.get(section(account))).location.startswith(f"{BASE}/sign-in")


async def test_a_new_password_for_a_member(site: Site) -> None:
    account = await site.account()
    admin = await site.visitor(account)
    member = await site.member(account)
    page = f"{BASE}/{account.id}/team/{member.id}"
    assert (await admin.submit(page, "password", password="short")).status == 422
    assert (await admin.submit(page, "password", password="long enough")).status == 303
    await site.signed_in(member, "long enough")


async def test_the_audit_log_tells_who_did_what_and_can_be_filtered(site: Site) -> None:
    account = await site.account()
    browser = await site.visitor(account)
    made = integration_id(await created(browser, account, "Order sync"))
    await browser.submit(section(account, made, "expire"))
    audit = f"{BASE}/{account.id}/audit"
    page = await browser.get(audit)
    assert "Created a private integration" in page.text
    assert "Order sync" in page.text
    assert "Robin" in page.text
    only = await browser.get(f"{audit}?action=integration.create&from=2020-01-01&to=2999-01-01")
    assert "<strong>Created a private integration</strong>" in only.text
    assert "<strong>Added a member</strong>" not in only.text
    expired = await browser.get(f"{audit}?action=token.expire")
    assert "Order sync" in expired.text, "a row without the name is told by the name of today"
    none = await browser.get(f"{audit}?from=2990-01-01&actor=mem_nobody")
    assert "Nothing was changed that these filters describe." in none.text
    assert (await browser.get(f"{audit}?from=yesterday")).status == 422
    assert (await browser.get(f"{audit}?action=nonsense")).status == 422
    assert (await browser.get(f"{audit}?subject=%00x&actor={'a' * 200}")).status == 200
