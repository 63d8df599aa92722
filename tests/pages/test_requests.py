"""The page of recorded requests: found by filters, page by page, and one of them whole; never another's."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest

from gateway.admin.pages.answers import BASE, OPERATORS
from gateway.admin.pages.moments import milliseconds
from gateway.core.reasons import Code
from gateway.storage.accounts import Account
from tests.pages.conftest import Browser, Page, Site, created, integration_id, section
from tests.wiring.recorded import entry, store


class Recorded:
    """An integration, its admin's browser, and its requests."""

    def __init__(self, site: Site, account: Account, browser: Browser, made: str, token: str) -> None:
        self.site = site
        self.account = account
        self.browser = browser
        self.integration_id = made
        self.token_id = token
        self.path = section(account, made, "requests")

    async def add(self, trace: str, **what: Any) -> None:
        mine = {"account": self.account.id, "integration": self.integration_id, "token": self.token_id}
        await store(self.site.database, entry(trace, **{**mine, **what}))

    def traces(self, page: Page) -> list[str]:
        """Of the rows, in their order."""
        assert page.status == 200, page.text
        return [link.rpartition("/")[2] for link in page.links if link.startswith(f"{self.path}/")]


@pytest.fixture
async def recorded(site: Site) -> Recorded:
    account = await site.account()
    browser = await site.visitor(account)
    made = integration_id(await created(browser, account))
    (row,) = await site.database.fetch("SELECT id FROM tokens WHERE integration_id = $1", made)
    return Recorded(site, account, browser, made, row["id"])


async def test_the_tab_leads_here_and_an_empty_list_says_so(recorded: Recorded) -> None:
    overview = await recorded.browser.get(section(recorded.account, recorded.integration_id))
    assert recorded.path in overview.links
    page = await recorded.browser.get(recorded.path)
    assert (page.status, "No request was recorded yet." in page.text) == (200, True)
    filtered = await recorded.browser.get(f"{recorded.path}?ended=5xx")
    assert "No request was recorded that these filters describe." in filtered.text


async def test_requests_are_shown_newest_first_with_what_happened_to_them(recorded: Recorded) -> None:
    await recorded.add("older", ago=60.0)
    await recorded.add("newer", status=403, code="scope_missing", method="POST", template="/contacts/<b>")
    await recorded.add("shadowed", ago=90.0, shadow="account_kind")
    page = await recorded.browser.get(recorded.path)
    assert recorded.traces(page) == ["newer", "older", "shadowed"]
    assert "<code>POST /contacts/&lt;b&gt;</code>" in page.text
    assert re.search(r'badge warn">403</span> <span class="quiet">Scope not granted', page.text)
    assert "Would be: For the other kind of account" in page.text
    assert "12.3 ms" in page.text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "abcde"),
        ("ended=2xx", "a"),
        ("ended=4xx", "bc"),
        ("ended=5xx", "d"),
        ("ended=scope_missing", "c"),
        ("ended=caller_left", "e"),
        ("ended=too_purple", ""),
        (f"route={quote('POST /contacts/{contactId}')}", "c"),
        ("route=+GET+%2Fnowhere%00+", ""),
        ("trace=b", "b"),
        ("from=2020-01-01", "abcde"),
        ("to=2020-01-01", ""),
        ("ended=4xx&trace=b", "b"),
    ],
)
async def test_filters_narrow_the_list(recorded: Recorded, query: str, found: str) -> None:
    await recorded.add("a", ago=1.0)
    await recorded.add("b", ago=2.0, status=404)
    await recorded.add("c", ago=3.0, status=403, code="scope_missing", method="POST")
    await recorded.add("d", ago=4.0, status=502, code="upstream_unreachable")
    await recorded.add("e", ago=5.0, status=0, code="caller_left")
    page = await recorded.browser.get(f"{recorded.path}?{query}")
    assert "".join(recorded.traces(page)) == found


async def test_the_token_filter_offers_the_hints_and_keeps_a_token_that_is_gone(recorded: Recorded) -> None:
    await recorded.add("live", ago=1.0)
    await recorded.add("gone", ago=2.0, token="tok_gone")
    page = await recorded.browser.get(f"{recorded.path}?token={recorded.token_id}")
    assert recorded.traces(page) == ["live"]
    assert re.search(rf'value="{recorded.token_id}" selected>pit_\w{{4}}…\w{{4}}<', page.text)
    page = await recorded.browser.get(f"{recorded.path}?token=tok_gone")
    assert recorded.traces(page) == ["gone"]
    assert page.form("requests", "get").field("token") == "tok_gone"


async def test_what_is_wrong_with_a_filter_stands_beside_it(recorded: Recorded) -> None:
    page = await recorded.browser.get(f"{recorded.path}?from=noon&to=2026-02-30")
    assert page.status == 422
    assert page.text.count("Write a date such as 2026-01-31.") == 2
    assert (await recorded.browser.get(f"{recorded.path}?cursor=nonsense")).status == 422


async def test_a_long_list_is_read_page_by_page_with_its_filters(recorded: Recorded) -> None:
    mine = {
        "account": recorded.account.id,
        "integration": recorded.integration_id,
        "token": recorded.token_id,
    }
    await store(
        recorded.site.database,
        *(
            entry(f"t{number:03}", ago=float(number), status=404 if number % 2 else 200, **mine)
            for number in range(130)
        ),
    )
    seen: list[str] = []
    target = f"{recorded.path}?ended=4xx"
    while target:
        page = await recorded.browser.get(target)
        rows = recorded.traces(page)
        assert len(rows) <= 50
        seen += rows
        target = next((link for link in page.links if "cursor=" in link), "")
    assert seen == [f"t{number:03}" for number in range(1, 130, 2)]
    assert f"{recorded.path}?ended=4xx" in page.links, "the way back to the newest keeps the filter"


async def test_one_request_is_shown_whole(recorded: Recorded) -> None:
    await recorded.add("again", ago=9.0)
    await recorded.add("again", status=403, code="scope_missing", shadow="account_kind")
    page = await recorded.browser.get(f"{recorded.path}/again")
    assert page.status == 200
    for words in (
        "GET /contacts/{contactId}",
        "Scope not granted",
        "A need that is only judged would have refused it: For the other kind of account",
        "12.3 ms",
        "10 ms",
        "5 bytes",
        "7 bytes",
        "192.0.2.0/24",
        "v1",
        "1 other request with this trace id",
    ):
        assert words in page.text, words
    by_trace = await recorded.browser.get(f"{recorded.path}?trace=again")
    assert len(recorded.traces(by_trace)) == 2
    for link in page.links:
        if link.startswith(f"{recorded.path}?"):
            assert recorded.traces(await recorded.browser.get(link)), link


async def test_a_request_without_an_answer_or_an_operation(recorded: Recorded) -> None:
    await recorded.add("left", status=0, code="caller_left", template="", client="")
    listed = await recorded.browser.get(recorded.path)
    assert "No operation" in listed.text
    page = await recorded.browser.get(f"{recorded.path}/left")
    assert "No answer" in page.text
    assert "Caller left before the answer" in page.text
    assert "Not recorded" in page.text


async def test_what_belongs_to_another_is_missing(site: Site, recorded: Recorded) -> None:
    other = integration_id(await created(recorded.browser, recorded.account, "Other"))
    await recorded.add("mine")
    await recorded.add("others", integration=other)
    await recorded.add("elsewhere", account="acc_1", integration="int_1")
    await recorded.add("mine", integration=other, code="scope_missing", status=403)
    assert recorded.traces(await recorded.browser.get(recorded.path)) == ["mine"]
    for trace in ("others", "elsewhere", "never", "a%20b", "x" * 129):
        assert (await recorded.browser.get(f"{recorded.path}/{trace}")).status == 404, trace
    shown = await recorded.browser.get(f"{recorded.path}/mine")
    assert "Scope not granted" not in shown.text, "a trace id that another integration used as well"
    stranger = await site.visitor(await site.account())
    for path in (recorded.path, f"{recorded.path}/mine"):
        assert (await stranger.get(path)).status == 404


async def test_operators_see_everybodys_and_find_their_way(site: Site, recorded: Recorded) -> None:
    await recorded.add("mine", ago=1.0)
    await recorded.add("theirs", ago=2.0, account="acc_1", integration="pi_1")
    await store(site.database, entry("nobodys", ago=3.0, status=401, code="token_unknown", template=""))
    operator = await site.operating()
    path = f"{OPERATORS}/requests"

    async def traces(query: str) -> list[str]:
        page = await operator.get(path + query)
        assert page.status == 200, page.text
        return [link.rpartition("/")[2] for link in page.links if link.startswith(f"{path}/")]

    assert await traces("") == ["mine", "theirs", "nobodys"]
    assert await traces(f"?account={recorded.account.id}") == ["mine"]
    assert await traces("?integration=pi_1") == ["theirs"]
    assert await traces(f"?token={recorded.token_id}&trace=mine") == ["mine"]
    assert await traces("?ended=token_unknown") == ["nobodys"]
    shown = await operator.get(f"{path}/mine")
    integration = section(recorded.account, recorded.integration_id)
    assert {f"{BASE}/{recorded.account.id}", integration} <= set(shown.links)
    within = await operator.get(f"{integration}/requests")
    assert recorded.traces(within) == ["mine"]
    assert (await operator.get(f"{path}/nobodys")).status == 200
    assert (await operator.get(f"{path}/never")).status == 404
    assert (await recorded.browser.get(path)).status == 403
    assert (await recorded.browser.get(f"{path}/mine")).status == 403


async def test_every_reason_can_be_chosen(recorded: Recorded) -> None:
    page = await recorded.browser.get(recorded.path)
    for code in Code:
        assert f'<option value="{code.value}">' in page.text


@pytest.mark.parametrize(
    ("duration", "told"),
    [
        (0.0, "0 ms"),
        (0.123, "0.123 ms"),
        (12.34, "12.3 ms"),
        (123.4, "123 ms"),
        (61234.0, "61.23 s"),
        (4e6, "4,000.00 s"),
    ],
)
def test_durations_in_words(duration: float, told: str) -> None:
    assert milliseconds(duration) == told
