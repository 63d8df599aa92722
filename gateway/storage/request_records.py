"""Finding the records of requests, newest first: of one account, one integration, or all; by route, status, reason and time.

A search goes back from the newest in spans of time that grow, so that it ends after a while also where little is found
among much: the page then holds less than was asked for, and its cursor goes on from there.
"""

# ruff: noqa: S608 (the SQL is put together from constants; values are parameters)

from __future__ import annotations

import binascii
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg
import orjson

from gateway.storage.database import Reader
from gateway.storage.errors import Invalid

_COLUMNS: Final = (
    "at, trace_id, account_id, integration_id, token_id, route, status, code, shadow,"
    " duration_ms, upstream_ms, bytes_in, bytes_out, abbrev(client) AS client, map_version"
)
# Those that there are indexes for, which are of hashes.
_INDEXED: Final = "hashtextextended({0}, 0) = hashtextextended({1}, 0) AND {0} = {1}"
# What each wish adds to the condition; its value takes the place of `{}`.
_CONDITIONS: Final = {
    "account_id": _INDEXED.format("account_id", "{0}"),
    "integration_id": _INDEXED.format("integration_id", "{0}"),
    "token_id": "token_id = {}",
    "trace_id": _INDEXED.format("trace_id", "{0}"),
    "route": "route = {}",
    "status_from": "status >= {}",
    "status_below": "status < {}",
    "code": "code = {}",
    "shadow": "shadow = {}",
}
_FIRST_SPAN: Final = timedelta(minutes=5)
# The next span is chosen so that it takes about this long.
_SPAN_SECONDS: Final = 0.3
# A search that has taken this long shows what it found.
PATIENCE_SECONDS: Final = 2.0
_AFTER: Final = timedelta(microseconds=1)
_OF_TRACE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """One request. `at` is when it had ended; `upstream_ms` None: no upstream answered; `status` 0: the caller left
    before any answer.

    `route` is method and template, such as `GET /contacts/{contactId}`; None: none was met. `code` is why the gateway
    said no, or how an answer broke off. `client` is a network such as `192.0.2.0/24`, or an address.
    """

    at: datetime
    trace_id: str
    account_id: str | None
    integration_id: str | None
    token_id: str | None
    route: str | None
    status: int
    code: str | None
    shadow: str | None
    duration_ms: float
    upstream_ms: float | None
    bytes_in: int
    bytes_out: int
    client: str | None
    map_version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which records; None asks for nothing. `since` and `status_from` are included, `until` and `status_below` are not."""

    account_id: str | None = None
    integration_id: str | None = None
    token_id: str | None = None
    trace_id: str | None = None
    route: str | None = None
    status_from: int | None = None
    status_below: int | None = None
    code: str | None = None
    shadow: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPage:
    """Some records, newest first; the cursor of what follows, None at the end; and how far back was looked.

    `searched_to` None: as far as was asked for.
    """

    items: tuple[RequestRecord, ...]
    next: str | None
    searched_to: datetime | None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page begins: below this moment, or at it below this trace id."""

    at: datetime
    trace_id: str


def _write(place: _Place) -> str:
    return urlsafe_b64encode(orjson.dumps([place.at, place.trace_id])).decode("ascii")


def _read(cursor: str) -> _Place:
    try:
        at, trace_id = orjson.loads(urlsafe_b64decode(cursor.encode("ascii")))
        return _Place(datetime.fromisoformat(at).astimezone(UTC), str(trace_id))
    except (binascii.Error, UnicodeEncodeError, ValueError, TypeError, OverflowError) as error:
        raise Invalid("this cursor is not one of ours") from error


def _record(row: asyncpg.Record) -> RequestRecord:
    fields: dict[str, Any] = dict(row)
    for name in ("duration_ms", "upstream_ms"):
        # Stored in four bytes, whose noise is not shown.
        fields[name] = None if fields[name] is None else round(fields[name], 2)
    return RequestRecord(**fields)


async def search(
    reader: Reader,
    wanted: Wanted,
    *,
    limit: int,
    cursor: str | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> RecordPage:
    """A page of records, newest first. Raises Invalid on a foreign cursor."""
    place = None if cursor is None else _read(cursor)
    bounds = await _bounds(reader, wanted, place)
    if bounds is None:
        return RecordPage(items=(), next=None, searched_to=None)
    earliest, end = bounds
    found: list[RequestRecord] = []
    began = asked = time.monotonic()
    # All of a trace is found at once, by an index of its own.
    length = _FIRST_SPAN if wanted.trace_id is None else end - earliest
    while end > earliest:
        begin = max(earliest, end - length)
        found += await _within(reader, wanted, begin, end, place, limit + 1 - len(found))
        if len(found) > limit:
            last = found[limit - 1]
            following = _write(_Place(last.at, last.trace_id))
            return RecordPage(items=tuple(found[:limit]), next=following, searched_to=None)
        now = time.monotonic()
        if begin > earliest and now - began > patience_seconds:
            return RecordPage(items=tuple(found), next=_write(_Place(begin, "")), searched_to=begin)
        length *= min(4.0, max(0.25, _SPAN_SECONDS / max(now - asked, 0.001)))
        end, asked = begin, now
    return RecordPage(items=tuple(found), next=None, searched_to=None)


async def _bounds(reader: Reader, wanted: Wanted, place: _Place | None) -> tuple[datetime, datetime] | None:
    """From when (included) to when (not) there is something to look at; None: there are no records."""
    (row,) = await reader.fetch("SELECT min(at) AS earliest, max(at) AS latest FROM request_records")
    if row["latest"] is None:
        return None
    ends = [row["latest"] + _AFTER]
    if wanted.until is not None:
        ends.append(wanted.until)
    if place is not None:
        ends.append(place.at + _AFTER)
    return row["earliest"] if wanted.since is None else max(row["earliest"], wanted.since), min(ends)


async def _within(
    reader: Reader, wanted: Wanted, begin: datetime, end: datetime, place: _Place | None, limit: int
) -> list[RequestRecord]:
    arguments: list[object] = [begin, end, limit]
    conditions = ["at >= $1", "at < $2"]
    if place is not None and place.at < end:
        arguments += [place.at, place.trace_id]
        conditions.append("(at, trace_id) < ($4, $5)")
    for name, condition in _CONDITIONS.items():
        value = getattr(wanted, name)
        if value is not None:
            arguments.append(value)
            conditions.append(condition.format(f"${len(arguments)}"))
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM request_records WHERE {' AND '.join(conditions)}"
        " ORDER BY at DESC, trace_id DESC LIMIT $3",
        *arguments,
    )
    return [_record(row) for row in rows]


async def of_trace(
    reader: Reader, trace_id: str, *, account_id: str | None = None, integration_id: str | None = None
) -> tuple[RequestRecord, ...]:
    """The records with this trace id, the newest first, at most 50: a caller may send the same id again."""
    wanted = Wanted(trace_id=trace_id, account_id=account_id, integration_id=integration_id)
    return (await search(reader, wanted, limit=_OF_TRACE)).items
