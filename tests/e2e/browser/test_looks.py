"""Every page looked at, warnings and errors as well: nothing for axe to find, no sideways scrolling, a picture of each."""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page

import gateway.admin.pages
from gateway.admin.pages.views_actions import Action
from gateway.core.model import AccountKind
from gateway.core.rotation import Operation
from gateway.storage import accounts, admin_keys, maps
from gateway.storage.maps import MapCounts, Publication
from gateway.storage.members import Role
from gateway.wiring.routes import shipped_map
from tests.e2e.browser.conftest import Town
from tests.e2e.browser.looker import SCREENSHOTS, Findings, Looker, rendered
from tests.e2e.browser.walking import copied
from tests.wiring.recorded import entry, store
from tests.wiring.tenants import Issued

LONG_TRACE = "a" * 128
FORMER = "0" * 64
TEMPLATES = Path(gateway.admin.pages.__file__).with_name("templates")


def page_templates() -> set[str]:
    """The templates that are pages; the others are parts of pages."""
    return {
        path.name
        for path in TEMPLATES.glob("*.html")
        if "{% extends" in path.read_text() and path.name != "page.html"
    }


async def _called(town: Town, issued: Issued, name: str, description: str = "") -> None:
    await town.gateway.database.fetch(
        "UPDATE integrations SET name = $2, description = $3 WHERE id = $1",
        issued.integration_id,
        name,
        description,
    )


async def furnish(town: Town) -> dict[str, Issued]:
    """An account with something on every page; an integration in the middle of a rotation, and one in each other state."""
    tenants = town.gateway.tenants
    tenants._accounts[town.account.kind] = town.account.id
    await town.member(Role.USER, "kim@example.com", "Kim Lee")
    made = {
        "suspended": await tenants.issue("users.readonly", "calendars.readonly"),
        "without": await tenants.issue("invoices.readonly"),
        "deleted": await tenants.issue("contacts.readonly"),
        "current": await tenants.issue("contacts.readonly", "workflows.readonly"),
        "rotating": await tenants.issue("contacts.readonly", "contacts.write", "opportunities.readonly"),
    }
    await _called(
        town, made["suspended"], "Front desk calendar", "Shows today's appointments in the waiting room."
    )
    await _called(town, made["without"], "Invoice export")
    await _called(town, made["deleted"], "Old newsletter")
    await _called(
        town, made["current"], "Workflow starter", "Starts the recall workflow from the practice software."
    )
    await _called(
        town, made["rotating"], "Order sync", "Copies new orders into the warehouse, every ten minutes."
    )
    await tenants.suspend(made["suspended"])
    await tenants.operate(made["without"], Operation.EXPIRE)
    await tenants.delete(made["deleted"])
    _, new = await tenants.operate(made["rotating"], Operation.ROTATE_LATER)
    assert new is not None
    for target in ("/contacts/c1", "/contacts/c2", "/workflows/", "/nowhere"):
        await town.status(target, made["rotating"].secret)
    await town.status("/contacts/c1", new)
    await town.recorded(5)
    await town.noted(2)
    await _record(town, made["rotating"])
    await town.let_the_token_be_old(made["current"].secret, days=100)
    return made


async def _record(town: Town, issued: Issued) -> None:
    """Requests that are long in every way, and more than one page of them."""
    whose = {
        "account": issued.account_id,
        "integration": issued.integration_id,
        "token": issued.token_id,
    }
    long = "/locations/{locationId}/customFields/{customFieldId}/options/{optionId}"
    client = "2001:db8:1234:5678:9abc:def0:1234:5678"
    await store(
        town.gateway.database,
        entry(LONG_TRACE, ago=1.0, template=long, shadow="scope_missing", **whose),
        entry("b", ago=2.0, status=0, code="caller_left", client=client, **whose),
        entry("c", ago=3.0, status=502, code="upstream_unreachable", method="DELETE", template=long, **whose),
        *(entry(f"d{number}", ago=9.0 + number, **whose) for number in range(60)),
    )


async def _sent_unchecked(page: Page, button: str) -> None:
    """Sends a form as a browser does that checks nothing before."""
    await page.evaluate("for (const form of document.forms) form.noValidate = true")
    await page.get_by_role("button", name=button, exact=True).click()
    await page.locator(".error, [role=alert]").first.wait_for()


async def strangers(town: Town, looker: Looker) -> None:
    """What is seen before signing in."""
    base, page = f"{town.url}/settings", looker.page
    await looker.open(base, [("sign-in", "/sign-in"), ("stranger-not-found", "/static/x/other.css")])
    await page.goto(f"{base}/sign-in")
    await page.get_by_label("E-mail address").fill("robin@example.com")
    await page.get_by_label("Password").fill("not it")
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("alert").wait_for()
    await looker.look("sign-in-refused")
    await looker.open(base, [("operator-sign-in", "/operator/sign-in")])
    await page.get_by_label("Admin key").fill("adm_not_it")
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("alert").wait_for()
    await looker.look("operator-sign-in-refused")


async def members(town: Town, looker: Looker, made: dict[str, Issued]) -> None:
    """What an admin of the account sees."""
    base = f"{town.url}/settings"
    account = f"/{town.account.id}"
    section = f"{account}/private-integrations"
    here = {name: f"{section}/{issued.integration_id}" for name, issued in made.items()}
    (kim,) = await town.gateway.database.fetch("SELECT id FROM members WHERE email = 'kim@example.com'")
    (row,) = await town.gateway.database.fetch(
        "SELECT trace_id FROM request_records WHERE integration_id = $1 AND code = 'scope_missing'",
        made["rotating"].integration_id,
    )
    await looker.open(
        base,
        [
            ("private-integrations", section),
            ("private-integrations-nothing-found", f"{section}?q=zzz"),
            ("create-1-details", f"{section}/new"),
            ("create-1-details-wrong", f"{section}/new/scopes?name="),
            ("create-2-scopes", f"{section}/new/scopes?name=Order+sync"),
            ("integration-current", here["current"]),
            ("integration-rotating", here["rotating"]),
            ("integration-suspended", here["suspended"]),
            ("integration-without-token", here["without"]),
            ("integration-deleted", here["deleted"]),
            ("activity", f"{here['rotating']}/activity"),
            ("activity-30-days", f"{here['rotating']}/activity?span=month"),
            ("activity-none", f"{here['current']}/activity"),
            ("requests", f"{here['rotating']}/requests"),
            ("requests-none", f"{here['current']}/requests"),
            ("requests-nothing-found", f"{here['rotating']}/requests?ended=5xx&from=noon&route={'x' * 500}"),
            ("request", f"{here['rotating']}/requests/{row['trace_id']}"),
            ("request-long", f"{here['rotating']}/requests/{LONG_TRACE}"),
            ("edit-1-details", f"{here['rotating']}/edit"),
            ("edit-2-scopes", f"{here['rotating']}/edit/scopes?name=Order+sync"),
            *((f"warning-{action.value}", f"{here['current']}/{action.value}") for action in Action),
            ("delete", f"{here['rotating']}/delete"),
            ("token-rules", f"{section}/rules"),
            ("my-team", f"{account}/team"),
            ("member", f"{account}/team/{kim['id']}"),
            ("member-self", f"{account}/team/{town.admin.id}"),
            ("member-remove", f"{account}/team/{kim['id']}/remove"),
            ("member-new", f"{account}/team/new"),
            ("labs", f"{account}/labs"),
            ("audit-log", f"{account}/audit"),
            ("audit-log-nothing-found", f"{account}/audit?actor=nobody"),
            ("profile", "/profile"),
            ("not-found", "/nowhere"),
            ("for-operators", "/operator/accounts"),
        ],
    )


async def mistakes(town: Town, looker: Looker, made: dict[str, Issued]) -> None:
    """Forms with something wrong in them, and the token, which is shown once."""
    base, page = f"{town.url}/settings", looker.page
    section = f"{base}/{town.account.id}/private-integrations"
    current = f"{section}/{made['current'].integration_id}"
    await page.goto(f"{section}/new/scopes?name=Order+sync")
    await _sent_unchecked(page, "Generate Access Token")
    await looker.look("create-2-scopes-wrong")
    await page.goto(f"{current}/delete")
    await page.get_by_label("Type the name to confirm").fill("something else")
    await _sent_unchecked(page, "Delete")
    await looker.look("delete-wrong")
    await page.goto(f"{section}/rules")
    await page.get_by_label("Rotation is due after (days)").fill("soon")
    await _sent_unchecked(page, "Save")
    await looker.look("token-rules-wrong")
    await page.goto(f"{base}/{town.account.id}/team/new")
    await _sent_unchecked(page, "Add member")
    await looker.look("member-new-wrong")
    await page.goto(f"{base}/profile")
    await page.get_by_label("Current password").fill("not it")
    await page.get_by_label("New password", exact=True).fill("something long")
    await page.get_by_label("New password again").fill("something else")
    await _sent_unchecked(page, "Change password")
    await looker.look("profile-wrong")
    await page.goto(f"{section}/{made['rotating'].integration_id}/requests")
    async with page.expect_navigation():
        await page.get_by_role("link", name="Older").click()
    await looker.look("requests-older")
    # Somebody else rotates while the warning is open.
    await page.goto(f"{current}/rotate-now")
    await town.gateway.tenants.operate(made["current"], Operation.ROTATE_NOW)
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_text("Somebody was faster").wait_for()
    await looker.look("somebody-was-faster")
    await page.goto(f"{current}/rotate-later")
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_label("Access token").wait_for()
    await looker.look("token-of-rotation")
    await page.goto(f"{section}/new/scopes?name=Order+sync")
    await page.locator('input[value="contacts.readonly"]').check()
    await page.get_by_role("button", name="Generate Access Token").click()
    await page.get_by_label("Access token").wait_for()
    await looker.look("create-3-token")
    await copied(page)
    await page.locator("details.who > summary").click()
    await looker.look("menu-open")


async def operators(town: Town, looker: Looker, made: dict[str, Issued]) -> None:
    """What an operator sees."""
    base, page = f"{town.url}/settings", looker.page
    async with town.gateway.tenants.change() as change:
        other = await admin_keys.create(
            change, name="Nightly report", digest=b"x" * 32, hint="adm_abcd…wxyz", account_id=town.account.id
        )
        gone = await admin_keys.create(change, name="Old laptop", digest=b"y" * 32, hint="adm_efgh…stuv")
        await admin_keys.revoke(change, gone.id)
        for version in (FORMER, town.gateway.node.health().map.version):
            await maps.publish(
                change,
                Publication(
                    version=version,
                    text=shipped_map().read_text(),
                    node="gateway-1",
                    source="/etc/gateway/routes.yaml",
                    note="calendars moved to their own upstream",
                    counts=MapCounts(routes=576, services=41, scopes=147, upstreams=1),
                ),
            )
        for name in ("Harbour Physiotherapy", "Lakeside Vets", "Miller & Sons Roofing"):
            await accounts.create(change, name=name, kind=AccountKind.SUB_ACCOUNT)
    await town.gateway.database.fetch(
        "INSERT INTO nodes (id, applied_revision, heartbeat_at) VALUES ('gateway-2', 1, now() - $1::interval)",
        timedelta(hours=1),
    )
    (own,) = await town.gateway.database.fetch("SELECT id FROM admin_keys WHERE name = 'Platform team'")
    operator = "/operator"
    live = town.gateway.node.health().map.version
    explain = f"{operator}/explain?method=GET&path=/contacts/c1"
    await looker.open(
        base,
        [
            ("operator-accounts", f"{operator}/accounts"),
            ("operator-accounts-nothing-found", f"{operator}/accounts?q=zzz"),
            ("operator-account-new", f"{operator}/accounts/new"),
            ("operator-map", f"{operator}/map"),
            ("operator-map-search", f"{operator}/map?q=contacts"),
            ("operator-map-nothing-found", f"{operator}/map?q=zzz"),
            ("operator-map-history", f"{operator}/map/history"),
            ("operator-map-text", f"{operator}/map/history/{live}"),
            ("operator-map-compare", f"{operator}/map/compare"),
            ("operator-map-text-former", f"{operator}/map/history/{FORMER}"),
            ("operator-map-compare-former", f"{operator}/map/history/{FORMER}/compare"),
            ("operator-explain", f"{operator}/explain"),
            ("operator-explain-needs", explain),
            ("operator-explain-let-through", f"{explain}&by=scopes&scopes=contacts.readonly"),
            ("operator-explain-refused", f"{explain}&by=scopes&scopes=contacts.write"),
            (
                "operator-explain-integration",
                f"{explain}&by=integration&integration_id={made['rotating'].integration_id}",
            ),
            ("operator-explain-wrong", f"{explain}&by=integration&integration_id=pi_nobody"),
            ("operator-requests", f"{operator}/requests"),
            ("operator-requests-nothing-found", f"{operator}/requests?ended=5xx&account=acc_nobody"),
            ("operator-request", f"{operator}/requests/{LONG_TRACE}"),
            ("operator-nodes", f"{operator}/nodes"),
            ("operator-keys", f"{operator}/keys"),
            ("operator-key-new", f"{operator}/keys/new"),
            ("operator-key-revoke", f"{operator}/keys/{other.id}/revoke"),
            ("operator-key-revoke-own", f"{operator}/keys/{own['id']}/revoke"),
            ("operator-key-revoked", f"{operator}/keys/{gone.id}/revoke"),
            ("operator-audit-log", f"{operator}/audit"),
            ("operator-in-account", f"/{town.account.id}/private-integrations"),
            ("operator-no-profile", "/profile"),
        ],
    )
    await page.goto(f"{base}{explain}")
    await page.get_by_text("Judge by a draft of the route map").click()
    await page.get_by_label("Draft").fill("upstreams:\n  crm: {}\nservices: {}\n")
    await page.get_by_role("button", name="Explain").click()
    await page.locator("#e-map").wait_for()
    await looker.look("operator-explain-draft-wrong")
    await _compared(town, looker)
    await page.goto(f"{base}{operator}/accounts/new")
    await _sent_unchecked(page, "Create account")
    await looker.look("operator-account-new-wrong")
    await page.goto(f"{base}{operator}/keys/new")
    await page.get_by_label("Name").fill("Deployment")
    await page.get_by_role("button", name="Create admin key").click()
    await page.get_by_label("Admin key").wait_for()
    await looker.look("operator-key-shown")


async def _compared(town: Town, looker: Looker) -> None:
    """Drafts of the route map: one that opens and closes, one that means the same, and one with errors."""
    page, text = looker.page, shipped_map().read_text().replace("http://127.0.0.1:9001", town.upstream)
    changed = text
    for old, new in (
        ("GET /contacts/{contactId}: contacts.readonly", "GET /contacts/{contactId}: contacts.full"),
        ("DELETE /contacts/{contactId}: contacts.write", "DELETE /contacts/{contactId}: public"),
        ("GET /workflows/: workflows.readonly", "GET /workflows/: contacts.readonly"),
    ):
        assert old in changed
        changed = changed.replace(old, new)
    for name, draft in (("", changed), ("-same", text), ("-wrong", "upstreams:\n  crm: {}\nservices: {}\n")):
        await page.goto(f"{town.url}/settings/operator/map/compare")
        await page.get_by_label("Draft").fill(draft)
        await page.get_by_role("button", name="Compare").click()
        await page.locator(".error, .verdict").first.wait_for()
        await looker.look(f"operator-map-compared{name}")


async def test_every_page_can_be_read_by_everybody_and_fits(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(SCREENSHOTS, ignore_errors=True)
    findings = Findings()
    with rendered(monkeypatch) as shown:
        stranger = await (await town.context()).new_page()
        await strangers(town, Looker(stranger, findings, shown))
        looker = Looker(await town.signed_in(), findings, shown)
        await looker.look("private-integrations-empty")
        made = await furnish(town)
        await members(town, looker, made)
        await mistakes(town, looker, made)
        kim = await town.signed_in(await town.found("kim@example.com"))
        await Looker(kim, findings, shown).open(
            f"{town.url}/settings",
            [("no-permission", f"/{town.account.id}/private-integrations")],
        )
        agency = await town.signed_in(town.agency_admin)
        await Looker(agency, findings, shown).open(f"{town.url}/settings", [("switch-account", "/accounts")])
        await operators(town, Looker(await town.operating(), findings, shown), made)
    findings.write()
    assert findings.wrong == []
    assert page_templates() - findings.templates == set(), "nobody looked at these"


def test_the_templates_that_are_pages_are_told_from_parts() -> None:
    """A page that extends nothing would not be looked at."""
    shown = set()
    for path in Path(gateway.admin.pages.__file__).parent.glob("*.py"):
        shown |= set(re.findall(r'"(\w+\.html)"', path.read_text()))
    assert shown == page_templates()
