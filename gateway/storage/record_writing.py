"""Writing down the records of requests: whole batches by COPY, into partitions that are made as they are needed.

What is recorded is listed here and nowhere else: no header, no body, no query, no path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeAlias

from gateway.core.usage import operation_of
from gateway.storage.database import Database

# When it ended, trace id, when it began, when the upstream was asked and answered (0: it did not), bytes of the two
# bodies; then what many requests have in common: status, account, integration, token, method, template, code, shadow,
# client, map version. Times are monotonic seconds.
Entry: TypeAlias = (
    "tuple[float, str, float, float, float, int, int, int, str, str, str, str, str, str, str, str, str]"
)
_COMMON: Final = 7
_COLUMNS: Final = (
    "at",
    "trace_id",
    "duration_ms",
    "upstream_ms",
    "bytes_in",
    "bytes_out",
    "status",
    "account_id",
    "integration_id",
    "token_id",
    "route",
    "code",
    "shadow",
    "client",
    "map_version",
)
_MAX_COMMON: Final = 20_000
# Days for which a partition is there before they begin.
_AHEAD: Final = 3
# What COPY's text form gives a meaning to (PostgreSQL, "COPY", File Formats).
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_NULL: Final = "\\N"


class RecordForm:
    """Turns entries into rows. `client_of` says what is kept of an address; empty: nothing.

    What requests have in common is put into form once: at tens of thousands a second it is most of the work.
    """

    def __init__(self, client_of: Callable[[str], str]) -> None:
        self._client_of = client_of
        self._common: dict[object, str] = {}
        self._second = -1
        self._second_text = ""

    def __repr__(self) -> str:
        return f"RecordForm({len(self._common)} kinds)"

    def rows(self, entries: Iterable[Entry], offset: float) -> list[str]:
        """A row for each. `offset` leads from monotonic seconds to those of the database's clock, since 1970."""
        rows = []
        known = self._common
        for entry in entries:
            ended, trace_id, started, asked, answered, bytes_in, bytes_out = entry[:_COMMON]
            key = entry[_COMMON:]
            common = known.get(key)
            if common is None:
                common = self._put_in_form(*key)
            at = ended + offset
            second = int(at)
            if second != self._second:
                self._second = second
                self._second_text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M:%S")
            upstream = f"{(answered - asked) * 1000:.2f}" if answered else _NULL
            rows.append(
                f"{self._second_text}.{int((at - second) * 1_000_000):06d}+00\t{trace_id}\t{(ended - started) * 1000:.2f}"
                f"\t{upstream}\t{bytes_in}\t{bytes_out}\t{common}"
            )
        return rows

    def _put_in_form(
        self,
        status: int,
        account_id: str,
        integration_id: str,
        token_id: str,
        method: str,
        template: str,
        code: str,
        shadow: str,
        client: str,
        map_version: str,
    ) -> str:
        if len(self._common) >= _MAX_COMMON:
            self._common.clear()
        texts = (
            account_id,
            integration_id,
            token_id,
            operation_of(method, template),
            code,
            shadow,
            self._client_of(client),
            map_version,
        )
        common = "\t".join([str(status), *(text.translate(_ESCAPES) or _NULL for text in texts)]) + "\n"
        key = (status, account_id, integration_id, token_id, method, template, code, shadow, client)
        self._common[(*key, map_version)] = common
        return common


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
