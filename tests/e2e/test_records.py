"""Requests through a running gateway leave their records: also around an outage of the store, and at the very end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gateway.storage.database import Database, connect
from gateway.storage.errors import StoreUnavailable
from gateway.storage.request_records import RequestRecord, Wanted, search
from gateway.wiring.store import opened
from tests.e2e.own_store import OwnStore
from tests.e2e.served import served
from tests.proxy.caller import request
from tests.proxy.recording import Arrival, Line
from tests.wiring.databases import run
from tests.wiring.rig import PATIENCE_SECONDS, Gateway, Rig
from tests.wiring.standing import MAP
from tests.wiring.tenants import Tenants, never_issued


async def records_of(database: Database, count: int, wanted: Wanted | None = None) -> list[RequestRecord]:
    """Waits until so many records are stored; a store that comes back may answer its first questions with an error."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with suppress(StoreUnavailable):
                page = await search(database, wanted or Wanted(), limit=200)
                if len(page.items) >= count:
                    return list(page.items)
            await asyncio.sleep(0.05)


async def metric(gateway: Gateway, name: str) -> float:
    """The value of one line of the metrics."""
    answer = await gateway.admin("/metrics")
    (line,) = (line for line in answer.body.decode().splitlines() if line.startswith(name + " "))
    return float(line.rpartition(" ")[2])


async def test_each_request_leaves_one_record(rig: Rig, own_dsn: str) -> None:
    gateway = await rig.gateway(await rig.upstream(), dsn=own_dsn, records__sample=1.0)
    issued = await gateway.tenants.issue("contacts.readonly")
    passed = await gateway.get("/contacts/c1", b"X-Request-Id: mine", token=issued.secret)
    refused = await gateway.ask(request("POST", "/contacts/", token=issued.secret, body=b"{}"))
    unknown = await gateway.get("/contacts/c1", token=never_issued())
    found = {one.trace_id: one for one in await records_of(gateway.database, 3)}
    assert set(found) == {answer.value(b"X-Request-Id").decode() for answer in (passed, refused, unknown)}  # type: ignore[union-attr]
    mine = found["mine"]
    assert (mine.account_id, mine.integration_id, mine.token_id) == (
        issued.account_id,
        issued.integration_id,
        issued.token_id,
    )
    assert (mine.route, mine.status, mine.code, mine.bytes_out) == ("GET /contacts/{contactId}", 200, None, 2)
    assert mine.client == "127.0.0.0/24"
    assert mine.upstream_ms is not None
    assert 0 < mine.upstream_ms <= mine.duration_ms
    by_code = {one.code: one for one in found.values()}
    assert (by_code["scope_missing"].route, by_code["scope_missing"].status) == ("POST /contacts/", 403)
    assert by_code["scope_missing"].upstream_ms is None
    assert (by_code["token_unknown"].status, by_code["token_unknown"].token_id) == (401, None)


async def test_nothing_that_a_caller_or_an_upstream_said_is_in_the_records(rig: Rig, own_dsn: str) -> None:
    """A word in every place that a caller and an upstream can fill."""

    async def script(arrival: Arrival, line: Line) -> None:
        await line.read_body(arrival)
        await line.send(
            b"HTTP/1.1 500 sesame\r\nX-Sesame: sesame\r\nSet-Cookie: sesame=1\r\nContent-Length: 6\r\n\r\nsesame"
        )

    gateway = await rig.gateway(await rig.upstream(script), dsn=own_dsn, records__sample=1.0)
    issued = await gateway.tenants.issue("contacts.readonly", "contacts.write")
    said = (b"X-Sesame: sesame", b"Cookie: sesame", b"User-Agent: sesame", b"Origin: https://sesame.example")
    answers = [
        await gateway.get("/contacts/sesame?sesame=sesame", *said, token=issued.secret),
        await gateway.ask(request("POST", "/contacts/", *said, token=issued.secret, body=b"sesame")),
        await gateway.get("/sesame", *said, token=issued.secret),
        await gateway.get("/contacts/sesame", *said, token="sesame"),
        await gateway.ask(request("SESAME", "/sesame", *said, token=issued.secret)),
        await gateway.ask(b"GET /contacts/sesame HTTP/1.1\r\nHost: sesame\r\nsesame: \0\r\n\r\n"),
        await gateway.ask(b"SESAME sesame\r\n\r\n"),
    ]
    assert [answer.status for answer in answers][:2] == [500, 500]
    await records_of(gateway.database, len(answers))
    rows = await gateway.database.fetch("SELECT lower(t::text) AS row FROM request_records AS t")
    assert len(rows) == len(answers)
    assert [row["row"] for row in rows if "sesame" in row["row"]] == []
    assert not any(issued.secret.lower() in row["row"] for row in rows)


async def test_where_nothing_is_kept_nothing_is_recorded(rig: Rig, own_dsn: str) -> None:
    gateway = await rig.gateway(await rig.upstream(), dsn=own_dsn, records__keep="0s")
    assert (await gateway.get("/contacts/c1", token=never_issued())).status == 401
    answer = await gateway.admin("/metrics")
    assert b"gateway_records" not in answer.body
    assert (await search(gateway.database, Wanted(), limit=9)).items == ()


async def test_what_is_recorded_is_written_when_the_gateway_is_told_to_end(
    rig: Rig, own_dsn: str, tmp_path: Path
) -> None:
    database = await connect(own_dsn, pool_size=2)
    issued = await Tenants(database).issue("contacts.readonly")
    upstream = await rig.upstream()
    routes = MAP.replace("MAIN", upstream.url).replace("AWAY", rig.away)
    async with served(tmp_path, own_dsn, routes, RECORDS__SAMPLE="1") as gateway:
        caller = await gateway.caller()
        for _ in range(300):
            assert (await caller.ask(request("GET", "/contacts/c1", token=issued.secret))).status == 200
        gateway.terminate()
        await caller.close()
        assert await gateway.ended() == 0
    (row,) = await database.fetch("SELECT count(*) AS n FROM request_records")
    await database.close()
    assert row["n"] == 300


@pytest.fixture(scope="module")
def store() -> Iterator[OwnStore]:
    made = OwnStore()
    try:
        made.start()
        run(_migrate(made.dsn))
        yield made
    finally:
        made.remove()


async def _migrate(dsn: str) -> None:
    async with opened(dsn, pool_size=1):
        pass


@pytest.fixture
async def asker(rig: Rig, store: OwnStore) -> AsyncIterator[Rig]:
    """The network; when it ends, the store is whole again."""
    try:
        yield rig
    finally:
        store.thaw()
        store.start()
        await rig.close()


@pytest.mark.parametrize("how", ["stopped", "frozen"])
async def test_an_outage_of_the_store_holds_up_no_request_and_its_first_records_are_kept(
    asker: Rig, store: OwnStore, how: str
) -> None:
    values: dict[str, Any] = {"records__sample": 1.0, "records__queue": 20}
    gateway = await asker.gateway(await asker.upstream(), dsn=store.dsn, **values)
    issued = await gateway.tenants.issue("contacts.readonly")
    wanted = Wanted(token_id=issued.token_id)
    asked = request("GET", "/contacts/c1", token=issued.secret)
    await gateway.caught_up()
    caller = await gateway.caller()
    assert (await caller.ask(asked)).status == 200
    await records_of(gateway.database, 1, wanted)
    store.stop() if how == "stopped" else store.freeze()
    for _ in range(30):
        async with asyncio.timeout(8):  # less than a write waits for
            assert (await caller.ask(asked)).status == 200
    assert await metric(gateway, "gateway_records_waiting") == 20
    assert await metric(gateway, 'gateway_records_dropped_total{reason="queue_full"}') == 10
    store.thaw() if how == "frozen" else store.start()
    await gateway.store_is("up")
    assert len(await records_of(gateway.database, 21, wanted)) == 21
    assert (await caller.ask(asked)).status == 200
    await records_of(gateway.database, 22, wanted)
