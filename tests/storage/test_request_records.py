"""The records of requests as they are found: newest first, page by page, by whatever is asked for, and never for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.storage.database import Database
from gateway.storage.errors import Invalid
from gateway.storage.record_writing import Entry, make_day
from gateway.storage.request_records import RecordPage, Wanted, of_trace, search
from tests.wiring import recorded
from tests.wiring.recorded import store


def entry(ago: float, trace: str, **what: Any) -> Entry:
    mine = {"account": "acc_1", "integration": "int_1", "token": "tok_1"}
    return recorded.entry(trace, ago=ago, **{**mine, **what})


def traces(page: RecordPage) -> list[str]:
    return [one.trace_id for one in page.items]


async def everything(database: Database, wanted: Wanted, limit: int, **how: Any) -> list[str]:
    """The traces of all pages. No page is longer than was asked for, and they come to an end."""
    found: list[str] = []
    cursor = None
    for _ in range(200):
        page = await search(database, wanted, limit=limit, cursor=cursor, **how)
        assert len(page.items) <= limit
        found += traces(page)
        if page.next is None:
            return found
        cursor = page.next
    raise AssertionError("the pages do not end")


async def test_nothing_is_found_where_nothing_is(database: Database) -> None:
    page = await search(database, Wanted(), limit=5)
    assert page == RecordPage(items=(), next=None, searched_to=None)
    await make_day(database, datetime.now(UTC).date())
    assert (await search(database, Wanted(), limit=5)).items == ()


async def test_all_are_found_once_newest_first_over_days_and_pages(database: Database) -> None:
    await store(database, *(entry(3600.0 * 7 * number, f"t{number:02}") for number in range(20)))
    expected = [f"t{number:02}" for number in range(20)]
    for limit in (1, 3, 20, 50):
        assert await everything(database, Wanted(), limit) == expected


async def test_records_of_one_moment_are_not_lost_between_pages(database: Database) -> None:
    await store(database, *(entry(5.0, f"t{number}") for number in range(7)))
    assert await everything(database, Wanted(), 2) == [f"t{number}" for number in reversed(range(7))]


async def test_what_comes_while_pages_are_read_shifts_none(database: Database) -> None:
    await store(database, *(entry(10.0 + number, f"t{number}") for number in range(4)))
    first = await search(database, Wanted(), limit=2)
    await store(database, entry(0.0, "new"))
    second = await search(database, Wanted(), limit=2, cursor=first.next)
    assert traces(first) + traces(second) == ["t0", "t1", "t2", "t3"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, "abcdef"),
        ({"account_id": "acc_2"}, "b"),
        ({"integration_id": "int_2"}, "c"),
        ({"token_id": "tok_2"}, "d"),
        ({"route": "POST /contacts/{contactId}"}, "e"),
        ({"code": "scope_missing"}, "f"),
        ({"shadow": "account_kind"}, "a"),
        ({"status_from": 400, "status_below": 500}, "f"),
        ({"status_from": 200, "status_below": 201}, "abcde"),
        ({"trace_id": "c"}, "c"),
        ({"account_id": "acc_1", "trace_id": "b"}, ""),
        ({"account_id": "acc_1", "status_from": 403, "code": "scope_missing"}, "f"),
    ],
)
async def test_each_wish_narrows_the_search(database: Database, wanted: dict[str, Any], found: str) -> None:
    await store(
        database,
        entry(0.0, "a", shadow="account_kind"),
        entry(1.0, "b", account="acc_2"),
        entry(2.0, "c", integration="int_2"),
        entry(3.0, "d", token="tok_2"),
        entry(4.0, "e", method="POST"),
        entry(5.0, "f", status=403, code="scope_missing"),
    )
    assert "".join(traces(await search(database, Wanted(**wanted), limit=50))) == found


async def test_times_bound_the_search(database: Database) -> None:
    await store(database, *(entry(3600.0 * hours, f"{hours}h") for hours in range(1, 6)))
    (three,) = (await search(database, Wanted(trace_id="3h"), limit=1)).items
    assert await everything(database, Wanted(since=three.at), 1) == ["1h", "2h", "3h"], "included"
    assert await everything(database, Wanted(until=three.at), 1) == ["4h", "5h"], "not included"
    assert await everything(database, Wanted(since=three.at, until=three.at), 1) == []
    long_ago = datetime(1, 1, 1, tzinfo=UTC)
    assert await everything(database, Wanted(until=long_ago), 1) == []
    assert len(await everything(database, Wanted(since=long_ago), 9)) == 5


async def test_a_search_that_takes_too_long_shows_what_it_has_and_goes_on_from_there(
    database: Database,
) -> None:
    await store(
        database,
        *(
            entry(240.0 * number, f"t{number:02}", code="x" if number in {0, 9, 19} else "")
            for number in range(20)
        ),
    )
    first = await search(database, Wanted(code="x"), limit=50, patience_seconds=0.0)
    assert traces(first) == ["t00"], "five minutes are looked at, whatever it takes"
    assert first.searched_to is not None
    assert first.next is not None
    assert first.items[0].at - first.searched_to == timedelta(minutes=5) - timedelta(microseconds=1)
    assert await everything(database, Wanted(code="x"), 50, patience_seconds=0.0) == ["t00", "t09", "t19"]


async def test_a_trace_is_found_within_an_account_alone(database: Database) -> None:
    """A caller chooses its trace ids, and may choose another's."""
    await store(
        database,
        entry(86400.0, "same"),
        entry(10.0, "same", account="acc_2"),
        entry(5.0, "other", account="acc_2"),
    )
    found = await of_trace(database, "same")
    assert [one.account_id for one in found] == ["acc_2", "acc_1"]
    (mine,) = await of_trace(database, "same", account_id="acc_1")
    assert mine.account_id == "acc_1"
    assert await of_trace(database, "other", account_id="acc_1") == ()
    assert await of_trace(database, "never") == ()


@pytest.mark.parametrize(
    "cursor", ["x", "é", "", "W10=", "WzEsIDJd", "WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzEyOjAwIiwgIngiXQ=="]
)
async def test_a_foreign_cursor_is_refused(database: Database, cursor: str) -> None:
    with pytest.raises(Invalid, match="this cursor is not one of ours"):
        await search(database, Wanted(), limit=1, cursor=cursor)
