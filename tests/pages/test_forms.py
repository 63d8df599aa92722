"""What every form has in common: it belongs to one session, does one thing, and is read with bounds."""

from __future__ import annotations

import asyncio

import pytest

from gateway.admin.management.sessions import csrf_token
from gateway.admin.pages import once as once_module
from gateway.admin.pages.answers import BASE
from gateway.storage.members import Role
from tests.pages.conftest import Browser, Site, created, integration_id, section
from tests.pages.test_access import OPERATED, TAKEN, filled


def csrf(browser: Browser) -> str:
    return csrf_token(browser.cookies["gateway_session"])


async def test_no_form_is_taken_without_the_token_of_its_session(site: Site) -> None:
    account = await site.account()
    browser, other = await site.visitor(account), await site.visitor(account)
    member = await site.member(account, Role.USER)
    made = integration_id(await created(browser, account))
    before = await site.dump()
    sent = {"once": "y" * 20, "name": "Sync", "version": "1"}
    for path in (path for path in TAKEN if path not in OPERATED):
        target = filled(path, account.id, made, member.id)
        for token in ("", "x", csrf(other)):
            page = await browser.post(target, {"csrf": token, **sent})
            assert page.status == 403, path
            assert "The form is from another session." in page.text
        good = {"csrf": csrf(browser), **sent}
        assert (await browser.post(target, good, Sec_Fetch_Site="cross-site")).status == 403
        assert (await browser.post(target, good, Origin="https://evil.example")).status == 403
    assert await site.dump() == before


async def test_no_form_is_taken_without_its_own_token(site: Site) -> None:
    account = await site.account()
    browser = await site.visitor(account)
    for path in TAKEN:
        for once in ("", "short", "x" * 100, "no blanks in here please"):
            page = await browser.post(filled(path, account.id), {"csrf": csrf(browser), "once": once})
            assert page.status == 400, path


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        (b"a=%ff%fe", "application/x-www-form-urlencoded", 400),
        (b"a=1&" * 3000, "application/x-www-form-urlencoded", 400),
        (b"a=" + b"x" * 300_000, "application/x-www-form-urlencoded", 413),
        (b"{}", "application/json", 415),
        (b"csrf=x", "text/plain", 415),
        (b"--b\r\n" + b"x" * 300_000, "multipart/form-data; boundary=b", 413),
        (b"--b\r\n", "multipart/form-data; boundary=b", 400),
        (b"", "multipart/form-data", 400),
    ],
)
async def test_what_is_no_form_of_ours_is_refused(site: Site, data: bytes, kind: str, status: int) -> None:
    account = await site.account()
    browser = await site.visitor(account)
    page = await browser.ask("POST", f"{BASE}/{account.id}/labs", data, {"Content-Type": kind})
    assert page.status == status


async def test_of_a_stranger_no_form_is_read(site: Site) -> None:
    """Whatever it is, and however large: the way to the sign-in is all there is."""
    for path in TAKEN:
        page = await site.browser().ask(
            "POST",
            filled(path, "acc_x"),
            b"x" * 1_030_000 if path in OPERATED else b"x",
            {"Content-Type": "text/plain"},
        )
        assert page.status == 303, path


async def test_a_form_with_parts_is_held_to_the_same_rules(site: Site) -> None:
    account = await site.account()
    browser, other = await site.visitor(account), await site.visitor(account)
    for token, status in ((csrf(other), 403), (csrf(browser), 303)):
        sent = {"csrf": token, "once": "y" * 20, "private_integrations": "off"}
        body = b"".join(
            f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in sent.items()
        )
        page = await browser.ask(
            "POST",
            f"{BASE}/{account.id}/labs",
            body + b"--b--\r\n",
            {"Content-Type": "multipart/form-data; boundary=b"},
        )
        assert page.status == status


async def test_a_form_sent_twice_makes_one_integration_and_shows_the_same_token(site: Site) -> None:
    account = await site.account()
    browser = await site.visitor(account)
    page = await browser.get(section(account, "new", "scopes?name=Sync"))
    form = page.form("scopes")
    fields = form.filled(scopes="contacts.readonly")
    answers = await asyncio.gather(*(browser.post(form.action, fields) for _ in range(5)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.secret for answer in answers}) == 1
    listed = await browser.get(section(account))
    assert listed.text.count(">Sync</a>") == 1


async def test_a_token_is_replaced_once_however_often_the_form_is_sent(site: Site) -> None:
    account = await site.account()
    browser = await site.visitor(account)
    made = integration_id(await created(browser, account))
    page = await browser.get(section(account, made, "rotate-now"))
    first = await browser.send(page)
    again = await browser.send(page)
    assert first.secret == again.secret


async def test_later_the_form_is_done_and_its_token_is_gone(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(once_module, "_REPLAY_SECONDS", 0.0)
    account = await site.account()
    browser = await site.visitor(account)
    page = await browser.get(section(account, "new", "scopes?name=Sync"))
    first = await browser.send(page, "scopes", scopes="contacts.readonly")
    again = await browser.send(page, "scopes", scopes="contacts.readonly")
    assert again.status == 409
    assert "Already done" in again.text
    assert first.secret not in again.text


async def test_a_form_that_was_refused_can_be_corrected_and_sent_again(site: Site) -> None:
    account = await site.account()
    browser = await site.visitor(account)
    page = await browser.get(section(account, "new", "scopes?name=Sync"))
    refused = await browser.send(page, "scopes")
    assert refused.status == 422
    assert "Select at least one scope." in refused.text
    assert (await browser.send(page, "scopes", scopes="contacts.readonly")).status == 200


async def test_a_form_on_an_older_state_does_not_replace_the_token_of_somebody_else(site: Site) -> None:
    """This also holds when the same form reaches two processes."""
    account = await site.account()
    browser = await site.visitor(account)
    made = integration_id(await created(browser, account))
    old = await browser.get(section(account, made, "rotate-now"))
    await browser.submit(section(account, made, "rotate-now"))
    page = await browser.send(old)
    assert page.status == 412
    assert "Somebody was faster" in page.text


async def test_a_failure_of_the_store_is_a_page_and_says_that_the_change_may_have_been_made(
    site: Site,
) -> None:
    account = await site.account()
    browser = await site.visitor(account)
    site.failures_expected = True  # type: ignore[attr-defined]
    await site.database.close()
    page = await browser.get(section(account))
    assert (page.status, page.headers["Retry-After"]) == (503, "5")
    assert "Not available at the moment" in page.text
    assert site.failures
