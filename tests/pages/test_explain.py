"""What operators are told of a call: by whom it may be made, and why it is refused; and no token in an address."""

from __future__ import annotations

import pytest

from gateway.admin.pages.answers import OPERATORS
from tests.pages.conftest import Browser, Page, Site, created, integration_id

EXPLAIN = f"{OPERATORS}/explain"


@pytest.fixture
async def operator(site: Site) -> Browser:
    return await site.operating()


async def asked(operator: Browser, **values: str) -> Page:
    """The answer, wherever it is."""
    page = await operator.submit(EXPLAIN, "explain", **values)
    return await operator.get(page.location) if page.status == 303 else page


async def test_a_call_alone_is_answered_with_what_it_needs(operator: Browser) -> None:
    page = await asked(operator, method="GET", path="/contacts/c1")
    assert page.at == f"{EXPLAIN}?method=GET&path=%2Fcontacts%2Fc1"
    for words in ("GET /contacts/{contactId}", "contacts.readonly", "Sub-accounts only", "token_missing"):
        assert words in page.text, words


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"by": "scopes", "scopes": "contacts.readonly"}, "Let through"),
        ({"by": "scopes", "scopes": "contacts.readonly, locations.readonly"}, "Let through"),
        ({"by": "scopes", "scopes": "contacts.write"}, "Refused with 403 <code>scope_missing</code>"),
        ({"by": "scopes", "scopes": ""}, "scope_missing"),
        (
            {"by": "scopes", "scopes": "contacts.readonly", "account_kind": "agency"},
            "Refused with 403 <code>account_kind</code>",
        ),
        ({"path": "/contacts//c1", "by": "scopes"}, "Refused with 400 <code>path_refused</code>"),
        ({"path": "/nowhere", "by": "scopes"}, "Refused with 404 <code>route_unknown</code>"),
        ({"path": "/versioned", "by": "scopes", "scopes": "contacts.readonly"}, "version_required"),
        (
            {
                "path": "/versioned",
                "by": "scopes",
                "scopes": "contacts.readonly",
                "version": "2021-07-28",
            },
            "Let through",
        ),
        ({"path": "/contacts/{contactId}"}, "/contacts/123"),
    ],
)
async def test_the_verdict_and_what_would_change_it(
    operator: Browser, values: dict[str, str], told: str
) -> None:
    page = await asked(operator, **{"method": "GET", "path": "/contacts/c1", **values})
    assert page.status == 200
    assert told in page.text
    assert "Step by step" in page.text


async def test_a_reload_answers_again_and_the_form_keeps_what_was_asked(operator: Browser) -> None:
    page = await asked(operator, method="GET", path="/contacts/c1", by="scopes", scopes="contacts.write")
    again = await operator.get(page.at)
    assert "scope_missing" in again.text
    fields = again.form("explain")
    assert (fields.field("path"), fields.field("by"), fields.field("scopes")) == (
        "/contacts/c1",
        "scopes",
        "contacts.write",
    )


async def test_an_integration_stands_for_its_token(site: Site, operator: Browser) -> None:
    account = await site.account()
    made = integration_id(await created(await site.visitor(account), account))
    page = await asked(operator, method="GET", path="/contacts/c1", by="integration", integration_id=made)
    assert "Let through" in page.text
    assert made in page.text
    refused = await asked(operator, method="GET", path="/x", by="integration", integration_id="pi_nobody")
    assert refused.status == 422
    assert 'id="e-integration_id"' in refused.text


async def test_a_token_is_answered_at_once_and_neither_repeated_nor_put_into_an_address(
    site: Site, operator: Browser
) -> None:
    account = await site.account()
    secret = (await created(await site.visitor(account), account)).secret
    form = await operator.get(EXPLAIN)
    values = {"method": "GET", "path": "/contacts/c1", "by": "token", "token": f" {secret} "}
    page = await operator.send(form, "explain", **values)
    assert page.status == 200, "no way on, with the token in its address"
    assert "Let through" in page.text
    assert secret not in page.text
    again = await operator.send(form, "explain", **values)
    assert "Let through" in again.text, "a question may be asked twice"
    assert secret not in await site.dump()
    unknown = await asked(operator, **{**values, "token": secret[:-1] + ("A" if secret[-1] != "A" else "B")})
    assert "token_malformed" in unknown.text


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"path": ""}, "e-path"),
        ({"path": "", "by": "token", "token": "x"}, "e-path"),
        ({"path": "/x", "by": "planet"}, "Choose who calls."),
        ({"path": "/x", "by": "scopes", "account_kind": "planet"}, "agency"),
        ({"path": "/x", "version": "a" * 20_000}, "e-version"),
    ],
)
async def test_what_cannot_be_asked_is_said_at_the_field(
    operator: Browser, values: dict[str, str], field: str
) -> None:
    page = await operator.submit(EXPLAIN, "explain", **{"method": "GET", **values})
    page = await operator.get(page.location) if page.status == 303 else page
    assert page.status == 422
    assert field in page.text


DRAFT = """
upstreams:
  crm: {urls: ["http://127.0.0.1:9001"]}
services:
  contacts:
    upstream: crm
    routes:
      GET /contacts/{contactId}: contacts.write
"""


async def test_a_draft_is_judged_by_and_not_put_in_force(operator: Browser) -> None:
    call = {"method": "GET", "path": "/contacts/c1", "by": "scopes", "scopes": "contacts.readonly"}
    page = await operator.submit(EXPLAIN, "explain", **call, map=DRAFT)
    assert page.status == 200, "a draft is too long for an address"
    assert "Refused with 403 <code>scope_missing</code>" in page.text
    assert "By the draft, which is not in force." in page.text
    assert "GET /contacts/{contactId}: contacts.write" in page.text, "the draft is kept in the form"
    live = await asked(operator, **call)
    assert "Let through" in live.text
    assert "By the draft" not in live.text


async def test_what_is_wrong_with_a_draft_is_said_with_its_lines_and_it_is_not_lost(
    operator: Browser,
) -> None:
    wrong = DRAFT.replace("upstream: crm", "upstrem: crm").replace("contacts.write", "[]")
    page = await operator.submit(
        EXPLAIN, "explain", method="GET", path="/contacts/c1", by="nobody", map=wrong
    )
    assert page.status == 422
    assert "map:6" in page.text
    assert "upstrem" in page.text
    assert "map:8" in page.text
    assert "upstrem: crm" in page.text, "the draft is kept in the form"
