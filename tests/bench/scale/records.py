"""Records of requests: none, a tenth of those that pass, all: what a request costs, and what a record takes to keep."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Final

import asyncpg

from gateway.core.model import AccountKind, Caller
from gateway.core.networks import network_of
from gateway.storage.database import connect
from gateway.storage.record_writing import Entry, RecordForm, days_of, make_day, store_rows
from tests.bench.mix import Mix, requests
from tests.bench.population import caller
from tests.bench.programs import cpu_seconds
from tests.bench.scale.readings import Reading
from tests.bench.scale.stand import Stand, pressed

PART: Final = "records"
CASES: Final = {
    "none": {"GATEWAY__RECORDS__KEEP": "0s"},
    "a tenth": {"GATEWAY__RECORDS__SAMPLE": "0.1"},
    "all": {"GATEWAY__RECORDS__SAMPLE": "1"},
}
_CONNECTIONS: Final = 32
_ROWS: Final = 200_000
_BATCH: Final = 2000
# After the load: what is waiting is written within about a second.
_SETTLE_SECONDS: Final = 2.0


def measure(stand: Stand) -> Iterator[Reading]:
    """Three gateways in turn; then rows straight into the table, as fast as it takes them."""
    lists = requests(Mix.MIXED, stand.job.callers, host="api.example.com")
    load = stand.load(PART, lists, _CONNECTIONS)
    gateways = {case: stand.gateway(f"records {case}", settings) for case, settings in CASES.items()}
    for gateway in gateways.values():
        pressed(load, gateway, 1)
    time.sleep(_SETTLE_SECONDS)
    for number in stand.rounds:
        for case, gateway in gateways.items():
            stored, database = _stored(stand), cpu_seconds(stand.installation.database_pids)
            run = pressed(load, gateway, stand.seconds)
            time.sleep(_SETTLE_SECONDS)
            stored = _stored(stand) - stored
            database = cpu_seconds(stand.installation.database_pids) - database
            yield _reading(number, case, "µs CPU per request", run.microseconds, 2, compared=True)
            yield _reading(number, case, "µs of PostgreSQL", database / run.requests * 1e6, 2)
            yield _reading(number, case, "% recorded", stored / run.requests * 100, 2)
        for figure, value in asyncio.run(_straight(stand.installation.dsn)).items():
            yield _reading(number, "rows alone", figure, value, 0)


def _reading(
    number: int, case: str, figure: str, value: float, digits: int, *, compared: bool = False
) -> Reading:
    return Reading(
        part=PART, case=case, figure=figure, round=number, value=value, digits=digits, compared=compared
    )


def _stored(stand: Stand) -> int:
    async def count() -> int:
        connection = await asyncpg.connect(stand.installation.dsn)
        try:
            return int(await connection.fetchval("SELECT count(*) FROM request_records"))
        finally:
            await connection.close()

    return asyncio.run(count())


def _entries(count: int) -> list[Entry]:
    """Requests of a thousand integrations, some of them busier than others."""
    callers = [
        Caller(
            account_id=each.account_id,
            account_kind=AccountKind.SUB_ACCOUNT,
            integration_id=each.integration_id,
            token_id=each.token_id,
            scopes=frozenset(each.scopes),
        )
        for each in map(caller, range(1000))
    ]
    made: list[Entry] = []
    for number in range(count):
        ended = number / 1000
        trace = f"{number * 0x9E3779B97F4A7C15 % 2**128:032x}"
        who = (f"10.0.{number % 200}.1", callers[number * number % 1000])
        what = (200, "GET", "/contacts/{contactId}", "", "", "0123456789abcdef" * 4)
        made.append((ended, trace, ended - 0.02, ended - 0.019, ended - 0.001, 0, 512, *who, *what))
    return made


async def _straight(dsn: str) -> dict[str, float]:
    """Rows per second of one writer, and bytes per row with its indexes."""
    database = await connect(dsn, pool_size=1)
    try:
        await database.fetch("TRUNCATE request_records")
        rows = RecordForm(network_of).rows(_entries(_ROWS), time.time() - _ROWS / 1000)
        for day in days_of(rows):
            await make_day(database, day)
        began = time.perf_counter()
        for at in range(0, len(rows), _BATCH):
            await store_rows(database, rows[at : at + _BATCH])
        seconds = time.perf_counter() - began
        (size,) = await database.fetch(
            "SELECT sum(pg_total_relation_size(inhrelid))::bigint AS bytes FROM pg_inherits"
            " WHERE inhparent = 'request_records'::regclass"
        )
        await database.fetch("TRUNCATE request_records")
    finally:
        await database.close()
    return {"rows per second": _ROWS / seconds, "bytes per row": size["bytes"] / _ROWS}
