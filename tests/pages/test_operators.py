"""The pages of operators: signing in with an admin key, accounts, the route map, nodes, keys; and accounts as they see them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from gateway.admin.management.sessions import csrf_token
from gateway.admin.pages.answers import BASE, OPERATORS
from gateway.core.model import AccountKind, Problem
from gateway.storage import accounts, admin_keys
from gateway.storage.mutation import mutation
from tests.admin.conftest import TESTER, published
from tests.pages.conftest import Browser, Page, Site, created, integration_id, section
from tests.pages.test_access import OPERATED, SHOWN, TAKEN, assert_is_self_contained, filled
from tests.wiring.recorded import entry, store

COOKIE = "gateway_session"


@pytest.fixture
async def operator(site: Site) -> Browser:
    return await site.operating()


async def test_the_key_opens_the_pages_and_is_kept_nowhere(site: Site) -> None:
    key, secret = await site.key()
    browser = site.browser()
    asked = await browser.get(f"{OPERATORS}/nodes")
    assert asked.location == f"{OPERATORS}/sign-in?next=%2Fsettings%2Foperator%2Fnodes"
    page = await browser.get(asked.location)
    assert page.form("sign-in").field("admin_key") == ""
    begun = await browser.send(page, "sign-in", admin_key=f" {secret} ")
    assert begun.location == f"{OPERATORS}/nodes"
    assert secret not in browser.cookies[COOKIE]
    shown = await browser.get(begun.location)
    assert shown.status == 200
    assert secret not in shown.text
    assert key.name in shown.text
    dump = await site.dump()
    assert secret not in dump
    assert browser.cookies[COOKIE] not in dump
    assert csrf_token(browser.cookies[COOKIE]) not in dump


@pytest.mark.parametrize("given", ["", "adm_x", "nonsense", "pit_" + "A" * 38, "a" * 5000, "é\udcff"])
async def test_what_is_no_live_key_is_refused_and_not_repeated(site: Site, given: str) -> None:
    browser = site.browser()
    page = await browser.get(f"{OPERATORS}/sign-in")
    form = page.form("sign-in")
    refused = await browser.ask(
        "POST",
        form.action,
        f"csrf={form.field('csrf')}&admin_key={'%ff' if not given.isascii() else given}".encode(),
        {"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert refused.status == (401 if given.isascii() else 400)
    assert COOKIE not in browser.cookies
    assert not given or given not in refused.text


async def test_a_revoked_key_ends_its_sessions_at_once_and_an_expired_one_too(site: Site) -> None:
    (revoked, secret), (expired, other) = await site.key(), await site.key()
    browsers = [site.browser(), site.browser()]
    for browser, one in zip(browsers, (secret, other), strict=True):
        await browser.submit(f"{OPERATORS}/sign-in", "sign-in", admin_key=one)
        assert (await browser.get(f"{OPERATORS}/keys")).status == 200
    async with mutation(site.database, actor=TESTER) as change:
        await admin_keys.revoke(change, revoked.id)
    await site.database.fetch("UPDATE admin_keys SET expires_at = now() WHERE id = $1", expired.id)
    for browser, one in zip(browsers, (secret, other), strict=True):
        assert (await browser.get(f"{OPERATORS}/keys")).location.startswith(f"{OPERATORS}/sign-in")
        assert COOKIE not in browser.cookies
        page = await browser.submit(f"{OPERATORS}/sign-in", "sign-in", admin_key=one)
        assert page.status == 401


@pytest.mark.parametrize("column", ["last_seen_at", "expires_at"])
async def test_a_session_is_over_when_it_was_idle_or_lasted_long_enough(
    site: Site, operator: Browser, column: str
) -> None:
    past = timedelta(hours=2, minutes=1) if column == "last_seen_at" else timedelta(0)
    await site.database.fetch(
        "UPDATE operator_sessions SET created_at = now() - interval '1 day',"
        f" {column} = now() - $1::interval",
        past,
    )
    assert (await operator.get(f"{OPERATORS}/accounts")).status == 303


async def test_signing_out_ends_the_session(site: Site, operator: Browser) -> None:
    cookie = operator.cookies[COOKIE]
    page = await operator.get(f"{OPERATORS}/accounts")
    (form,) = (form for form in page._read().forms if form.action.endswith("/sign-out"))
    assert (await operator.post(form.action, form.fields)).location == (
        f"{OPERATORS}/sign-in?done=signed_out"
    )
    again = site.browser()
    again.cookies[COOKIE] = cookie
    assert (await again.get(f"{OPERATORS}/accounts")).status == 303


async def test_using_the_pages_counts_as_using_the_key(site: Site) -> None:
    key, secret = await site.key()
    browser = site.browser()
    await browser.submit(f"{OPERATORS}/sign-in", "sign-in", admin_key=secret)
    for table in ("admin_keys SET last_used_at", "operator_sessions SET last_seen_at"):
        await site.database.fetch(f"UPDATE {table} = now() - interval '1 hour'")
    await browser.get(f"{OPERATORS}/accounts")
    found = await admin_keys.get(site.database, key.id)
    (now,) = await site.database.fetch("SELECT now() AS at")
    assert found.last_used_at is not None
    assert now["at"] - found.last_used_at < timedelta(minutes=5)


async def test_members_and_keys_for_one_account_are_told_to_sign_in_as_operators(site: Site) -> None:
    account = await site.account()
    for browser in (await site.visitor(account), await site.operating(account)):
        for path in OPERATED & set(SHOWN):
            page = await browser.get(filled(path, account.id))
            assert page.status == 403, path
            assert f"{OPERATORS}/sign-in" in page.links
        csrf = csrf_token(browser.cookies[COOKIE])
        before = await site.dump()
        for path in OPERATED & set(TAKEN):
            page = await browser.post(
                filled(path, account.id), {"csrf": csrf, "once": "y" * 20, "name": "x", "kind": "agency"}
            )
            assert page.status == 403, path
        assert (await site.dump()) == before


async def test_a_member_can_sign_in_as_an_operator_instead(site: Site) -> None:
    browser = await site.visitor(await site.account())
    _, secret = await site.key()
    page = await browser.submit(f"{OPERATORS}/sign-in", "sign-in", admin_key=secret)
    assert (await browser.get(page.location)).location == f"{OPERATORS}/accounts"
    assert (await browser.get(f"{OPERATORS}/sign-in")).location == BASE


async def test_every_page_of_operators_opens_with_the_headers_of_all(site: Site, operator: Browser) -> None:
    key, _ = await site.key()
    await store(site.database, entry("a-trace"))
    version = await published(site)
    for path in OPERATED & set(SHOWN):
        target = filled(path, "").replace("key_" + "A" * 20, key.id).replace("a" * 64, version)
        page = await operator.get(target)
        assert page.status in {200, 303}, (path, page.status)
        assert page.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert_is_self_contained(page)


async def test_no_form_of_operators_is_taken_without_the_token_of_the_session(
    site: Site, operator: Browser
) -> None:
    other = await site.operating()
    key, _ = await site.key()
    before = await site.dump()
    for path in OPERATED & set(TAKEN):
        target = filled(path, "").replace("key_" + "A" * 20, key.id)
        for token in ("", "x", csrf_token(other.cookies[COOKIE])):
            page = await operator.post(target, {"csrf": token, "once": "y" * 20, "name": "x"})
            assert page.status == 403, path
        good = {"csrf": csrf_token(operator.cookies[COOKIE]), "once": "y" * 20, "name": "x"}
        assert (await operator.post(target, good, Sec_Fetch_Site="cross-site")).status == 403
    assert await site.dump() == before


async def test_accounts_are_found_by_name_and_by_identifier(site: Site, operator: Browser) -> None:
    async with mutation(site.database, actor=TESTER) as change:
        made = [
            await accounts.create(change, name=name, kind=AccountKind.SUB_ACCOUNT)
            for name in ("Bluebird Dental", "Blue 100% Bakery", "Red_Door", "Äpfel & Birnen")
        ]

    async def found(query: str) -> set[str]:
        page = await operator.get(f"{OPERATORS}/accounts?q={query}")
        assert page.status == 200
        return {account.name for account in made if f"{BASE}/{account.id}" in page.links}

    assert await found("") == {account.name for account in made}
    assert await found("blue") == {"Bluebird Dental", "Blue 100% Bakery"}
    assert await found("dental+BLUE") == {"Bluebird Dental"}
    assert await found(made[2].id) == {"Red_Door"}
    assert await found("100%25") == {"Blue 100% Bakery"}
    assert await found("d_d") == {"Red_Door"}
    assert await found("%C3%A4pfel") == {"Äpfel & Birnen"}
    assert await found("zzz%00") == set()


async def test_accounts_are_read_page_by_page_and_an_agencys_apart(site: Site, operator: Browser) -> None:
    agency = await site.account(AccountKind.AGENCY)
    subs = {(await site.account(parent=agency)).id for _ in range(30)}
    seen: list[str] = []
    target = f"{OPERATORS}/accounts?of={agency.id}"
    while target:
        page = await operator.get(target)
        assert "Sub-accounts of Shop" in page.text
        rows = [link.rpartition("/")[2] for link in page.links if re.fullmatch(rf"{BASE}/acc_\w+", link)]
        assert len(rows) <= 25
        seen += rows
        target = next((link for link in page.links if "cursor=" in link and "of=" in link), "")
        target = target if target != page.at else ""
    assert sorted(seen) == sorted(subs)


async def test_an_account_is_made_and_gets_its_first_admin(site: Site, operator: Browser) -> None:
    agency = await site.account(AccountKind.AGENCY)
    made = await operator.submit(
        f"{OPERATORS}/accounts/new?of={agency.id}", "accounts/new", name="Bluebird", kind="sub_account"
    )
    team = await operator.get(made.location)
    assert "The account was created." in team.text
    (account_id,) = re.findall(r"/settings/(acc_\w+)/team$", made.location.partition("?")[0])
    assert (await accounts.get(site.database, account_id)).parent_id == agency.id
    added = await operator.submit(
        f"{BASE}/{account_id}/team/new",
        "team/new",
        name="Robin",
        email="first@example.com",
        password="correct horse",
        role="admin",
    )
    assert "Robin" in (await operator.get(added.location)).text


@pytest.mark.parametrize(
    ("values", "status", "told"),
    [
        ({"name": ""}, 422, "Fill this in."),
        ({"name": "x", "kind": "planet"}, 422, "agency"),
        ({"name": "x", "kind": "agency", "parent_id": "acc_x"}, 409, "An agency has no parent"),
        ({"name": "x", "kind": "sub_account", "parent_id": "acc_x"}, 409, "There is no agency"),
    ],
)
async def test_an_account_that_cannot_be_is_refused_at_the_field(
    operator: Browser, values: dict[str, str], status: int, told: str
) -> None:
    page = await operator.submit(f"{OPERATORS}/accounts/new", "accounts/new", **values)
    assert page.status == status
    assert told in page.text


async def test_an_operator_sees_and_does_in_an_account_what_its_admins_do(
    site: Site, operator: Browser
) -> None:
    account = await site.account()
    made = integration_id(await created(await site.visitor(account), account))
    listed = await operator.get((await operator.get(f"{BASE}/{account.id}")).location)
    assert "Sync" in listed.text
    assert f"{OPERATORS}/accounts" in listed.links
    here = section(account, made)
    for path in (here, f"{here}/activity", f"{BASE}/{account.id}/audit", f"{BASE}/{account.id}/team"):
        assert (await operator.get(path)).status == 200, path
    assert (await operator.submit(f"{here}/suspend")).location == f"{here}?done=suspended"
    assert (await operator.submit(f"{here}/rotate-now")).secret.startswith("pit_")
    days = await operator.submit(section(account, "rules"), "rules", inactivity_expire_after_days="14")
    assert days.location.endswith("done=rules_saved")
    await operator.submit(f"{BASE}/{account.id}/labs", "labs", private_integrations="off")
    assert (await operator.get(section(account))).status == 403
    assert (await operator.get(f"{BASE}/{account.id}")).location == f"{BASE}/{account.id}/team"
    (row,) = await site.database.fetch("SELECT actor FROM audit ORDER BY number DESC LIMIT 1")
    assert row["actor"]["kind"] == "admin_key"


async def test_what_is_a_members_own_is_not_there_for_operators(operator: Browser) -> None:
    page = await operator.get(f"{BASE}/profile")
    assert page.status == 403
    assert "you are signed in with an admin key" in page.text


async def test_a_key_for_one_account_opens_that_account_alone(site: Site) -> None:
    account, other = await site.account(), await site.account()
    browser = await site.operating(account)
    assert (await browser.get(BASE)).location == section(account)
    assert (await browser.get(section(account))).status == 200
    assert (await browser.get(section(other))).status == 404


async def test_the_map_is_listed_with_what_each_operation_needs(operator: Browser) -> None:
    page = await operator.get(f"{OPERATORS}/map")
    for words in (
        "/contacts/{contactId}",
        "contacts.readonly",
        "Sub-accounts only",
        "Agencies only",
        "No token",
        "Any token that works",
        "Version 2021-07-28 or 2021-04-15",
        "Body up to 1 KiB",
        "Answers within 0.15 s",
    ):
        assert words in page.text, words
    assert page.text.count("<li data-route=") == len(re.findall("data-route=", page.text)) > 20


async def test_what_keeps_a_newer_map_out_is_told_with_its_lines(site: Site, operator: Browser) -> None:
    assert site.keeper is not None
    quiet = await operator.get(f"{OPERATORS}/map")
    assert "not in use, because it is not valid" not in quiet.text
    assert "proxy.listen" in quiet.text, "what waits for a restart"
    site.keeper.problems = (Problem(where="routes.yaml:7", message="there is no <upstream> x"),)
    page = await operator.get(f"{OPERATORS}/map")
    for words in ("not in use, because it is not valid", "routes.yaml:7", "there is no &lt;upstream&gt; x"):
        assert words in page.text
    refused = await operator.submit(f"{OPERATORS}/map", "map/reload")
    assert refused.status == 422
    assert "routes.yaml:7" in refused.text
    site.keeper.problems = ()
    done = await operator.submit(f"{OPERATORS}/map", "map/reload")
    assert done.location == f"{OPERATORS}/map?done=map_reloaded"
    assert [by.actor.name for by in site.keeper.asked_by] == ["Op", "Op"]


async def test_maps_that_were_in_use_are_listed_with_their_texts(site: Site, operator: Browser) -> None:
    assert site.keeper is not None
    assert "Nothing here yet" in (await operator.get(f"{OPERATORS}/map/history")).text
    old = await published(site, "services: {} # <old>", note="before the move")
    site.keeper.version = await published(site, "services: {}")
    page = await operator.get(f"{OPERATORS}/map/history")
    assert page.text.index(site.keeper.version[:12]) < page.text.index("In force") < page.text.index(old[:12])
    assert "before the move" in page.text
    text = await operator.get(f"{OPERATORS}/map/history/{old}")
    assert "services: {} # &lt;old&gt;" in text.text
    for version in ("f" * 64, "x", "%2e%2e"):
        assert (await operator.get(f"{OPERATORS}/map/history/{version}")).status == 404


@pytest.mark.parametrize(
    ("query", "operations"),
    [("agencies", 1), ("GET+lookup", 1), ("locations.readonly", 1), ("oauth+no+token", 2), ("zzz", 0)],
)
async def test_operations_are_found_by_path_scope_and_service(
    operator: Browser, query: str, operations: int
) -> None:
    page = await operator.get(f"{OPERATORS}/map?q={query}")
    assert page.text.count("<li data-route=") == operations


async def test_nodes_are_told_with_how_far_they_have_come(site: Site, operator: Browser) -> None:
    await site.database.fetch(
        "INSERT INTO nodes (id, applied_revision, heartbeat_at, version, map_version) VALUES"
        f" ('node-1', 10000, now(), '1.2.3', '{'f' * 64}'), ('node-3', 10000, now(), '1.2.3', '{'e' * 64}'),"
        " ('node-2', 9998, now() - interval '1 hour', NULL, '')"
    )
    page = await operator.get(f"{OPERATORS}/nodes")
    for words in ("node-1", "This page", "Alive", "1.2.3", "node-2", "Silent", "2 revisions", "not told"):
        assert words in page.text, words
    assert page.text.count("Another</span>") == 1, "a live node that serves another map"


async def test_a_key_is_shown_once_and_revoked_after_a_warning(site: Site, operator: Browser) -> None:
    account = await site.account()
    made = await operator.submit(
        f"{OPERATORS}/keys/new", "keys/new", name="Deploy <bot>", account_id=account.id, expires_in="30d"
    )
    assert made.status == 200
    assert made.secret.startswith("adm_")
    assert "The key will not be displayed again." in made.text
    listed = await operator.get(f"{OPERATORS}/keys")
    assert made.secret not in listed.text
    assert "Deploy &lt;bot&gt;" in listed.text
    assert made.secret not in await site.dump()
    (link,) = (link for link in listed.links if link.endswith("/revoke") and _is_next_to(listed, link))
    asked = await operator.get(link)
    assert "signed out" not in asked.text
    done = await operator.send(asked, "revoke")
    assert "The admin key was revoked." in (await operator.get(done.location)).text
    assert "Revoked" in (await operator.get(f"{OPERATORS}/keys")).text
    assert "does not work any more" in (await operator.get(link)).text
    refused = await site.browser().submit(f"{OPERATORS}/sign-in", "sign-in", admin_key=made.secret)
    assert refused.status == 401


def _is_next_to(page: Page, link: str) -> bool:
    return page.text.index("Deploy &lt;bot&gt;") < page.text.index(link) < page.text.index("Yours")


async def test_who_revokes_the_own_key_is_warned_and_signed_out(site: Site) -> None:
    key, secret = await site.key()
    browser = site.browser()
    await browser.submit(f"{OPERATORS}/sign-in", "sign-in", admin_key=secret)
    asked = await browser.get(f"{OPERATORS}/keys/{key.id}/revoke")
    assert "you will be signed out" in asked.text
    done = await browser.send(asked, "revoke")
    assert (await browser.get(done.location)).location.startswith(f"{OPERATORS}/sign-in")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "e-name"),
        ({"name": "x", "account_id": "acc_nobody"}, "e-account_id"),
        ({"name": "x", "expires_in": "5000d"}, "e-expires_in"),
        ({"name": "x", "expires_in": "soon"}, "e-expires_in"),
    ],
)
async def test_a_key_that_cannot_be_is_refused_at_the_field(
    operator: Browser, values: dict[str, str], field: str
) -> None:
    page = await operator.submit(f"{OPERATORS}/keys/new", "keys/new", **values)
    assert page.status == 422
    assert f'id="{field}"' in page.text


async def test_a_key_that_is_not_there_is_missing(operator: Browser) -> None:
    assert (await operator.get(f"{OPERATORS}/keys/key_{'A' * 20}/revoke")).status == 404


async def test_the_audit_of_everything_names_the_account_of_each_row(site: Site, operator: Browser) -> None:
    account = await site.account()
    await created(await site.visitor(account), account)
    page = await operator.get(f"{OPERATORS}/audit")
    assert "Created an admin key" in page.text
    assert f"{BASE}/{account.id}/audit" in page.links
    narrowed = await operator.get(f"{OPERATORS}/audit?action=integration.create")
    assert "Created a private integration" in narrowed.text
    assert narrowed.text.count('<p class="what">') == 1
