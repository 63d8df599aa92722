"""Signing in and out, and one's own password."""

from __future__ import annotations

import pytest

from gateway.admin.pages.answers import BASE
from tests.admin.conftest import PASSWORD
from tests.pages.conftest import Site, section

SIGN_IN = f"{BASE}/sign-in"


async def test_the_root_leads_to_the_sign_in_and_that_to_the_private_integrations(site: Site) -> None:
    account = await site.account()
    member = await site.member(account)
    browser = site.browser()
    assert (await browser.get("/")).location == BASE
    assert (await browser.get(BASE)).location == SIGN_IN
    assert (await browser.submit(SIGN_IN, email=member.email, password=PASSWORD)).location == BASE
    assert (await browser.get(BASE)).location == section(account)
    assert (await browser.get(SIGN_IN)).location == BASE, "who is signed in is not asked again"


async def test_a_wrong_password_says_no_more_than_that(site: Site) -> None:
    member = await site.member(await site.account())
    browser = site.browser()
    wrong = await browser.submit(SIGN_IN, email=member.email, password="not this one")
    unknown = await browser.submit(SIGN_IN, email="nobody@example.com", password="not this one")
    assert wrong.status == unknown.status == 401
    assert "The e-mail address or the password is wrong." in wrong.text
    assert wrong.text.replace(member.email, "") != ""
    assert "not this one" not in wrong.text


async def test_too_many_attempts_are_told_to_wait(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site.services.sessions, "_monotonic", lambda: 1000.0)  # else it forgives meanwhile
    browser = site.browser()
    for _ in range(10):
        assert (await browser.submit(SIGN_IN, email="a@example.com", password="wrong pass")).status == 401
    page = await browser.submit(SIGN_IN, email="a@example.com", password="wrong pass")
    assert page.status == 429
    assert int(page.headers["Retry-After"]) > 0


async def test_the_form_is_refused_without_its_cookie_and_from_another_site(site: Site) -> None:
    member = await site.member(await site.account())
    browser = site.browser()
    page = await browser.get(SIGN_IN)
    fields = page.form().filled(email=member.email, password=PASSWORD)
    assert (await site.browser().post(SIGN_IN, fields)).status == 403
    assert (await browser.post(SIGN_IN, fields, Sec_Fetch_Site="cross-site")).status == 403
    assert (await browser.post(SIGN_IN, fields, Origin="https://evil.example")).status == 403
    assert "gateway_session" not in browser.cookies


async def test_after_signing_in_one_is_where_one_wanted_to_be(site: Site) -> None:
    account = await site.account()
    member = await site.member(account)
    browser = site.browser()
    asked = await browser.get(f"{section(account)}?q=a+b")
    page = await browser.submit(asked.location, email=member.email, password=PASSWORD)
    assert page.location == f"{section(account)}?q=a+b"


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/settings/",
        "/\\evil.example",
        "/settings/\\evil",
        "/settings/\r\nX: y",
        "/elsewhere",
        "javascript:alert(1)",
        "/settings/" + "a" * 3000,
    ],
)
async def test_signing_in_leads_to_no_other_place_than_ours(site: Site, wanted: str) -> None:
    member = await site.member(await site.account())
    page = await site.browser().submit(SIGN_IN, email=member.email, password=PASSWORD, next=wanted)
    assert page.location == BASE


async def test_the_cookie_is_closed_to_scripts_and_other_sites_and_secure_behind_tls(site: Site) -> None:
    member = await site.member(await site.account())
    browser = site.browser()
    page = await browser.submit(SIGN_IN, email=member.email, password=PASSWORD)
    cookie = page.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    secure = site.browser()
    shown = await secure.get(SIGN_IN, X_Forwarded_Proto="https")
    assert "Secure" in shown.headers["Set-Cookie"]
    sent = await secure.post(
        SIGN_IN, shown.form().filled(email=member.email, password=PASSWORD), X_Forwarded_Proto="https"
    )
    assert sent.headers["Set-Cookie"].startswith("__Host-gateway_session=")
    assert "Secure" in sent.headers["Set-Cookie"]


async def test_signing_out_ends_the_session(site: Site) -> None:
    account = await site.account()
    browser = await site.visitor(account)
    page = await browser.get(section(account))
    form = next(form for form in page._read().forms if form.action.endswith("/sign-out"))
    kept = dict(browser.cookies)
    assert (await browser.post(form.action, form.fields)).location == f"{SIGN_IN}?done=signed_out"
    browser.cookies = kept
    assert (await browser.get(section(account))).location.startswith(SIGN_IN)


async def test_signing_out_everywhere_ends_all_sessions(site: Site) -> None:
    account = await site.account()
    member = await site.member(account)
    one, other = await site.signed_in(member), await site.signed_in(member)
    await one.submit(f"{BASE}/profile", "everywhere")
    assert (await other.get(section(account))).location.startswith(SIGN_IN)


async def test_ones_own_password_is_changed_and_other_sessions_end(site: Site) -> None:
    account = await site.account()
    member = await site.member(account)
    browser, other = await site.signed_in(member), await site.signed_in(member)
    values = {"new_password": "another good one", "repeated_password": "another good one"}
    page = await browser.submit(f"{BASE}/profile", "profile", current_password=PASSWORD, **values)
    assert page.location == f"{BASE}/profile?done=password_changed"
    assert "Your password was changed." in (await browser.get(page.location)).text
    assert (await other.get(section(account))).status == 303
    await site.signed_in(member, "another good one")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"current_password": "wrong one"}, "This is not your password."),
        ({"new_password": "short", "repeated_password": "short"}, "Use at least 8 characters."),
        ({"repeated_password": "different one"}, "This is not the same as the new password."),
    ],
)
async def test_what_is_wrong_with_a_new_password_stands_at_its_field(
    site: Site, values: dict[str, str], told: str
) -> None:
    browser = await site.visitor(await site.account())
    sent = {
        "current_password": PASSWORD,
        "new_password": "another good one",
        "repeated_password": "another good one",
        **values,
    }
    page = await browser.submit(f"{BASE}/profile", "profile", **sent)
    assert page.status == 422
    assert told in page.text
    assert "another good one" not in page.text
