"""What operators are told of a draft of the map: what it opens and closes, whom it would refuse, what is wrong with it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest

from gateway.admin.management.sessions import csrf_token
from gateway.admin.pages.answers import BASE, OPERATORS
from gateway.core.usage import HourlyCount
from gateway.settings.errors import ConfigurationError
from gateway.storage.usage_recording import extend_period, record_hours
from gateway.wiring.routes import judged, shipped_map
from tests.admin.conftest import published
from tests.pages.conftest import Browser, Page, Site
from tests.wiring.standing import MAP
from tests.wiring.tenants import Issued, Tenants

COMPARE = f"{OPERATORS}/map/compare"
LIVE = MAP.replace("MAIN", "http://127.0.0.1:8").replace("AWAY", "http://127.0.0.1:9")
GET = "GET /contacts/{contactId}"
CLOSING = LIVE.replace(f"{GET}: contacts.readonly", f"{GET}: [contacts.readonly, contacts.write]")
OPENING = CLOSING.replace("GET /public/ping: authenticated", "GET /public/ping: public")
WRONG = LIVE.replace("account: agency", "account: agencies").replace("GET /hosted/{id}", "FETCH /hosted/{id}")


@pytest.fixture
async def operator(site: Site) -> Browser:
    return await site.operating()


def words(page: Page) -> str:
    """The page as it is read: without markup, with single blanks."""
    return " ".join(unescape(re.sub(r"<[^>]*>", "", page.text)).split())


def verdict(page: Page) -> tuple[str, str]:
    """The colour of the answer, and the answer."""
    found = re.search(r'<div class="verdict (\w+)" role="status"><strong>(.*?)</strong>', page.text)
    assert found is not None, page.text
    return found[1], unescape(found[2])


def answer(page: Page) -> str:
    return verdict(page)[1]


def headings(page: Page) -> list[str]:
    return [
        " ".join(re.sub(r"<[^>]*>", "", heading).split())
        for heading in re.findall(r"<h2[^>]*>(.*?)</h2>", page.text)
    ]


def draft_of(page: Page) -> str:
    """What stands in the text field, as a browser reads it."""
    found = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page.text, re.DOTALL)
    assert found is not None
    return unescape(found[1])


async def asked(operator: Browser, draft: str, traffic: str = "") -> Page:
    return await operator.submit(COMPARE, "compare", map=draft, traffic=traffic)


async def uploaded(operator: Browser, file: bytes, *, pasted: str = "", name: str = "routes.yaml") -> Page:
    """Sends the form with a file as a browser does."""
    form = (await operator.get(COMPARE)).form("compare")
    sent = {**dict(form.fields), "map": pasted.replace("\n", "\r\n"), "traffic": ""}
    sent.pop("file", None)
    lines = b"".join(
        f'--x-1\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
        for field, value in sent.items()
    )
    chosen = f'--x-1\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'.encode()
    body = lines + chosen + b"Content-Type: application/yaml\r\n\r\n" + file + b"\r\n--x-1--\r\n"
    return await operator.ask(
        "POST", form.action, body, {"Content-Type": "multipart/form-data; boundary=x-1"}
    )


async def test_the_map_in_force_means_the_same_as_itself(operator: Browser) -> None:
    page = await asked(operator, LIVE + "\n# another version, and the same map\n", "7d")
    assert page.status == 200
    assert answer(page) == "The draft means the same as the map in force."
    assert "Who would notice" not in page.text


async def test_what_is_opened_comes_first_and_asks_for_a_second_look(operator: Browser) -> None:
    page = await asked(operator, OPENING)
    assert answer(page) == "The draft opens 1 operation and closes 1."
    assert headings(page)[-3:] == ["What the draft would change", "Opened 1 Needs a second look", "Closed 1"]
    assert "was (authenticated) now (public) No token" in words(page)
    assert "was contacts.readonly now contacts.readonly and contacts.write" in words(page)
    assert "Who would notice" not in page.text, "it was not asked for"


async def test_moved_served_elsewhere_and_otherwise_are_told_apart(operator: Browser) -> None:
    draft = (
        LIVE.replace("GET /hosted/{id}: contacts.readonly", "GET /hosted/{id}: locations.readonly")
        .replace("upstream: away", "upstream: main")
        .replace("timeout: 150ms", "timeout: 1s")
        .replace("http://127.0.0.1:9", "http://127.0.0.1:7")
    )
    page = await asked(operator, draft)
    assert answer(page) == (
        "The draft moves 1 operation to other callers, serves 4 elsewhere and changes 1 otherwise."
    )
    assert headings(page)[-4:] == [
        "Moved to other callers 1 Needs a second look",
        "Served elsewhere 2",
        "Changed otherwise 1",
        "Upstreams",
    ]


async def counted(site: Site, *, requests: int) -> Issued:
    """An integration that reads contacts, and has done so."""
    (issued,) = await Tenants(site.database).issue_many([["contacts.readonly"]])
    hour = int(datetime.now(UTC).timestamp()) // 3600 * 3600
    await extend_period(site.database)
    await record_hours(site.database, [HourlyCount(issued.token_id, hour, GET, "2xx", requests)])
    return issued


async def test_whose_requests_would_be_refused_is_told_with_ways_to_them(
    site: Site, operator: Browser
) -> None:
    issued = await counted(site, requests=1234)
    page = await asked(operator, CLOSING, "30d")
    assert answer(page) == (
        "The draft opens nothing and closes 1 operation; 1,234 requests of 1 private integration in the last 30 days"
        " would newly be refused."
    )
    assert f"{BASE}/{issued.account_id}" in page.links
    assert f"{BASE}/{issued.account_id}/private-integrations/{issued.integration_id}" in page.links
    assert "1,234 requests refused Scope not granted contacts.write" in words(page)
    assert "The gateway counts only since" in page.text
    assert page.form("compare").field("traffic") == "30d"
    opened = await operator.get(f"{BASE}/{issued.account_id}")
    assert opened.status in {200, 303}


async def test_where_nobody_is_refused_it_says_so_and_what_depends_is_not_guessed(
    site: Site, operator: Browser
) -> None:
    await counted(site, requests=5)
    page = await asked(operator, LIVE.replace("timeout: 150ms", "timeout: 1s"), "24h")
    assert answer(page) == (
        "The draft opens nothing and changes 1 operation otherwise; none of the 5 requests of the last 24 hours would"
        " newly be refused."
    )
    assert "No private integration would notice" in page.text
    literal = LIVE.replace(
        "GET /contacts/lookup:", "GET /contacts/search: contacts.write\n      GET /contacts/lookup:"
    )
    page = await asked(operator, literal, "24h")
    assert answer(page).endswith(
        "none of the 5 requests of the last 24 hours would newly be refused"
        " and for 5 it depends on what is not recorded."
    )
    assert "Up to 5 requests refused" in words(page)
    assert "5 requests where the path or the Version header decides, which are not recorded" in words(page)


async def test_a_single_request_is_no_crowd(site: Site, operator: Browser) -> None:
    await counted(site, requests=1)
    page = await asked(operator, LIVE.replace("timeout: 150ms", "timeout: 1s"), "24h")
    assert answer(page).endswith("; the one request of the last 24 hours would not newly be refused.")


async def test_where_nothing_was_counted_it_says_so(operator: Browser) -> None:
    page = await asked(operator, CLOSING, "7d")
    assert answer(page).endswith("closes 1 operation; no request was counted in the last 7 days.")
    assert "The gateway has counted nothing yet." in page.text


@pytest.mark.parametrize(
    ("draft", "traffic", "requests", "colour"),
    [
        (LIVE, "7d", 5, "quiet"),
        (OPENING, "", 5, "warn"),
        (CLOSING, "7d", 5, "warn"),
        (CLOSING, "", 5, "quiet"),
        (CLOSING, "7d", 0, "quiet"),
        (LIVE.replace("      POST /small", "      # POST /small"), "7d", 5, "good"),
        (LIVE.replace("timeout: 150ms", "timeout: 1s"), "", 0, "good"),
    ],
)
async def test_the_answer_is_green_only_where_one_knows_that_nobody_is_refused(
    site: Site, operator: Browser, draft: str, traffic: str, requests: int, colour: str
) -> None:
    if requests:
        await counted(site, requests=requests)
    assert verdict(await asked(operator, draft, traffic))[0] == colour


async def test_errors_stand_with_their_lines_and_the_draft_is_not_lost(operator: Browser) -> None:
    page = await asked(operator, WRONG, "90d")
    assert page.status == 422
    with pytest.raises(ConfigurationError) as refused:
        judged(Path("map"), WRONG.encode())
    told = [unescape(one) for one in re.findall(r"<li>(map:\d+: .*?)</li>", page.text)]
    assert told == [f"{problem}." for problem in refused.value.problems], "as `gateway check` says them"
    assert len(told) == 2
    assert draft_of(page) == WRONG
    assert page.form("compare").field("traffic") == "90d"
    assert 'id="result"' not in page.text


async def test_a_draft_is_shown_as_text_and_never_as_markup(operator: Browser) -> None:
    nasty = LIVE.replace("GET /away/{id}", "GET /</textarea><script>alert(1)</script>/{id}")
    page = await asked(operator, nasty)
    assert draft_of(page) == nasty
    assert "<script>alert" not in page.text


async def test_many_errors_are_cut_and_counted(operator: Browser) -> None:
    routes = "\n".join(f"      GET /x{number}: []" for number in range(30))
    page = await asked(operator, LIVE + routes)
    assert page.status == 422
    assert page.text.count("<li>map:") == 20
    assert "and 10 more" in page.text


@pytest.mark.parametrize("time", ["soon", "5000d", "1ms"])
async def test_a_time_that_is_none_is_told_at_its_field(operator: Browser, time: str) -> None:
    page = await asked(operator, LIVE, time)
    assert page.status == 422
    assert 'id="e-traffic"' in page.text
    assert draft_of(page) == LIVE


async def test_any_time_that_the_api_takes_has_its_words(operator: Browser) -> None:
    assert answer(await asked(operator, CLOSING, "3d")).endswith("counted in the last 3 days.")


async def test_nothing_to_compare_is_told_at_its_field(operator: Browser) -> None:
    page = await asked(operator, " \n")
    assert page.status == 422
    assert "Paste a map, or choose its file." in page.text


async def test_a_file_is_read_by_the_gateway_and_stands_in_the_field(operator: Browser) -> None:
    page = await uploaded(operator, b"\xef\xbb\xbf" + OPENING.replace("\n", "\r\n").encode(), pasted=LIVE)
    assert page.status == 200, page.text
    assert answer(page) == "The draft opens 1 operation and closes 1.", "the file, not what was pasted"
    assert draft_of(page).replace("\r\n", "\n") == OPENING


async def test_without_a_file_the_form_is_what_was_pasted(operator: Browser) -> None:
    page = await uploaded(operator, b"", pasted=CLOSING, name="")
    assert answer(page) == "The draft opens nothing and closes 1 operation."


@pytest.mark.parametrize(
    ("file", "told"),
    [(b"\xff\xfe\x00", "not UTF-8"), (b"", "The file is empty."), (b" \n", "The file is empty.")],
)
async def test_a_file_that_is_no_text_is_told_at_its_field(operator: Browser, file: bytes, told: str) -> None:
    page = await uploaded(operator, file, pasted=LIVE)
    assert page.status == 422
    assert told in page.text
    assert 'id="e-file"' in page.text
    assert draft_of(page) == LIVE, "what was pasted is still there"


async def test_a_large_map_is_read_and_a_huge_one_is_not(operator: Browser) -> None:
    page = await uploaded(operator, (LIVE + "# " + "x" * 900_000).encode())
    assert answer(page) == "The draft means the same as the map in force."
    page = await uploaded(operator, b"#" * 1_030_000)
    assert page.status == 413
    assert "1000 KiB" in page.text


async def test_many_changes_are_listed_up_to_a_bound_and_counted_whole(operator: Browser) -> None:
    page = await asked(operator, shipped_map().read_text())
    assert page.status == 200
    assert page.text.count('<p class="was">') < 576 + 20
    assert "more operations: <code>gateway diff live FILE</code>" in page.text


async def test_a_map_of_the_history_is_compared_with_the_one_in_force(site: Site, operator: Browser) -> None:
    version = await published(site, CLOSING)
    shown = await operator.get(f"{OPERATORS}/map/history/{version}")
    (way,) = [link for link in shown.links if link.endswith("/compare")]
    page = await operator.get(way)
    assert page.status == 200
    assert answer(page).startswith("The draft opens nothing and closes 1 operation")
    assert "what going back to it would change" in page.text
    assert draft_of(page) == CLOSING
    again = await operator.send(page, "compare", map=OPENING, traffic="")
    assert answer(again) == "The draft opens 1 operation and closes 1."
    gone = await published(site, "upstreams: {}")
    page = await operator.get(f"{OPERATORS}/map/history/{gone}/compare")
    assert page.status == 200
    assert "map:1" in page.text
    assert (await operator.get(f"{OPERATORS}/map/history/{'b' * 64}/compare")).status == 404


async def test_nothing_is_kept_of_a_draft(site: Site, operator: Browser) -> None:
    form = await operator.get(COMPARE)
    before = await site.dump()
    await operator.send(form, "compare", map=OPENING, traffic="7d")
    assert await site.dump() == before
    again = await operator.send(form, "compare", map=OPENING, traffic="7d")
    assert again.status == 200, "the form asks, and may be sent again"


async def test_it_is_for_operators_of_all_accounts(site: Site) -> None:
    account = await site.account()
    for browser in (await site.visitor(account), await site.operating(account)):
        assert (await browser.get(COMPARE)).status == 403
        csrf = csrf_token(browser.cookies["gateway_session"])
        page = await browser.post(COMPARE, {"csrf": csrf, "once": "y" * 20, "map": LIVE, "traffic": ""})
        assert page.status == 403
