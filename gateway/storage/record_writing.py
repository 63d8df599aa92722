"""Writing down the records of requests: whole batches by COPY, into partitions that are made as they are needed.

What is recorded is listed here and nowhere else: no header, no body, no query, no path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeAlias

from gateway.core.model import Caller
from gateway.core.usage import operation_of
from gateway.storage.database import Database

# When it ended, trace id, when it began, when the upstream was asked and answered (0: it did not), bytes of the two
# bodies, client, whose it was; status, method, template, code, shadow, map version. Times are monotonic seconds.
Entry: TypeAlias = (
    "tuple[float, str, float, float, float, int, int, str, Caller | None, int, str, str, str, str, str]"
)
_WHAT: Final = 9
_COLUMNS: Final = (
    "at",
    "trace_id",
    "duration_ms",
    "upstream_ms",
    "bytes_in",
    "bytes_out",
    "client",
    "account_id",
    "integration_id",
    "token_id",
    "status",
    "route",
    "code",
    "shadow",
    "map_version",
)
# One format of the old kind takes a third less time than the new ones.
_ROW: Final = "%s.%06d+00\t%s\t%.2f\t%.2f\t%d\t%d\t%s\t%s\t%s\n"
_ROW_WITHOUT_UPSTREAM: Final = "%s.%06d+00\t%s\t%.2f\t\\N\t%d\t%d\t%s\t%s\t%s\n"
_MAX_KNOWN: Final = 20_000
# Days for which a partition is there before they begin.
_AHEAD: Final = 3
# What COPY's text form gives a meaning to (PostgreSQL, "COPY", File Formats).
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_NULL: Final = "\\N"
_NOBODYS: Final = "\t".join([_NULL] * 3)


class RecordForm:
    """Turns entries into rows. `client_of` says what is kept of an address; empty: nothing.

    Whose requests are, and what they were, is put into form once: else that would be most of the work.
    """

    def __init__(self, client_of: Callable[[str], str]) -> None:
        self._client_of = client_of
        self._callers: dict[str, tuple[Caller, str]] = {}
        self._calls: dict[tuple[int, str, str, str, str, str], str] = {}
        self._second = -1
        self._second_text = ""

    def __repr__(self) -> str:
        return f"RecordForm({len(self._callers)} callers, {len(self._calls)} calls)"

    def rows(self, entries: Iterable[Entry], offset: float) -> list[str]:
        """A row for each. `offset` leads from monotonic seconds to those of the database's clock, since 1970."""
        rows = []
        callers, calls, client_of = self._callers.get, self._calls.get, self._client_of
        for entry in entries:
            ended, trace_id, started, asked, answered, bytes_in, bytes_out, address, caller = entry[:_WHAT]
            whose = _NOBODYS
            if caller is not None:
                known = callers(caller.token_id)
                whose = self._whose(caller) if known is None or known[0] is not caller else known[1]
            call = entry[_WHAT:]
            sizes = (bytes_in, bytes_out, client_of(address) or _NULL, whose, calls(call) or self._call(call))
            at = ended + offset
            second = int(at)
            if second != self._second:
                self._second = second
                self._second_text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M:%S")
            moment, took = (at - second) * 1_000_000, (ended - started) * 1000
            if answered:
                took_upstream = (answered - asked) * 1000
                rows.append(_ROW % (self._second_text, moment, trace_id, took, took_upstream, *sizes))
            else:
                rows.append(_ROW_WITHOUT_UPSTREAM % (self._second_text, moment, trace_id, took, *sizes))
        return rows

    def _whose(self, caller: Caller) -> str:
        if len(self._callers) >= _MAX_KNOWN:
            self._callers.clear()
        text = _escaped(caller.account_id, caller.integration_id, caller.token_id)
        self._callers[caller.token_id] = (caller, text)
        return text

    def _call(self, call: tuple[int, str, str, str, str, str]) -> str:
        if len(self._calls) >= _MAX_KNOWN:
            self._calls.clear()
        status, method, template, code, shadow, map_version = call
        # A method without a route is the caller's own word.
        text = _escaped(str(status), operation_of(method, template), code, shadow, map_version)
        self._calls[call] = text
        return text


def _escaped(*texts: str) -> str:
    return "\t".join(text.translate(_ESCAPES) or _NULL for text in texts)


def days_of(rows: Iterable[str]) -> set[date]:
    """The days (UTC) that these rows are of."""
    return {date.fromisoformat(text) for text in {row[:10] for row in rows}}


async def store_rows(database: Database, rows: Sequence[str]) -> None:
    """Adds the rows, all or none. Raises Invalid when one is refused or its day has no partition.

    After a failure in the middle nobody knows whether they were added; adding them again may add them twice.
    """
    await database.copy("request_records", _COLUMNS, "".join(rows).encode())


async def make_day(database: Database, day: date) -> None:
    """Makes sure that records of this day (UTC) have a place. Raises Invalid for days far from today."""
    await database.fetch("SELECT make_request_records($1)", day)


async def turn_days(database: Database, keep: timedelta) -> int:
    """Makes the partitions of the coming days and drops those whose every record is older than `keep`; how many.

    Nobody who writes waits for it for longer than the drop of a table takes.
    """
    (row,) = await database.fetch(
        "SELECT (now() AT TIME ZONE 'UTC')::date AS today, now() - $1::interval AS oldest", keep
    )
    today: date = row["today"]
    if keep:
        for days in range(_AHEAD):
            await make_day(database, today + timedelta(days=days))
    dropped = 0
    while (await database.fetch("SELECT drop_request_records($1) AS name", row["oldest"].date()))[0]["name"]:
        dropped += 1
    return dropped
