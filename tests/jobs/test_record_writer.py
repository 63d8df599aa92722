"""Records reach the store in time, survive its absence within their bound, and are written when the node ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.core.networks import address_of, network_of
from gateway.index.clock import DatabaseClock
from gateway.jobs.record_gauges import RecordGauges
from gateway.jobs.record_writer import RecordWriter
from gateway.jobs.request_recorder import RequestRecorder
from gateway.proxy.record import Trail
from gateway.storage.database import Database, connect
from gateway.storage.errors import StorageError, StoreUnavailable
from gateway.storage.record_writing import RecordForm, turn_days
from gateway.storage.request_records import RequestRecord, Wanted, search
from tests.wiring.trails import caller_of, plan_of

PATIENCE_SECONDS = 30.0


class Recording:
    """One node's recording, as it is wired."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = DatabaseClock(monotonic=time.monotonic, wall=time.time)
        self.recorder = RequestRecorder(sample=1.0, all_errors=True, strangers=100, size=5000)

    def writer(self, interval_seconds: float = 3600.0, form: RecordForm | None = None) -> RecordWriter:
        return RecordWriter(
            recorder=self.recorder,
            form=form or RecordForm(network_of),
            database=self.database,
            clock=self.clock,
            interval_seconds=interval_seconds,
        )

    def record(self, number: int = 0, **what: Any) -> None:
        now = time.monotonic()
        trail = Trail(f"trace-{number}", "192.0.2.7", "GET", "/contacts/secret", now - 0.25)
        trail.plan, trail.caller = (
            plan_of("/contacts/{contactId}"),
            caller_of("tok_1", integration_id="int_1"),
        )
        trail.status, trail.ended, trail.bytes_in, trail.bytes_out = 200, now, 3, 2**33
        trail.upstream_started, trail.upstream_answered = now - 0.2, now - 0.1
        for name, value in what.items():
            setattr(trail, name, value)
        self.recorder.record(trail)

    async def stored(self) -> list[RequestRecord]:
        return list((await search(self.database, Wanted(), limit=10_000)).items)

    async def written(self, writer: RecordWriter, count: int) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while writer.written < count:  # noqa: ASYNC110 - the store has no event
                await asyncio.sleep(0.005)


@pytest.fixture
async def recording(own_dsn: str) -> AsyncIterator[Recording]:
    database = await connect(own_dsn, pool_size=4)
    try:
        yield Recording(database)
    finally:
        await database.close()


async def test_a_record_says_all_that_is_promised_and_nothing_else(recording: Recording) -> None:
    before = recording.clock.now()
    recording.record(map_version="0123abcd", shadow="scope_missing")
    await recording.writer().flush()
    (found,) = await recording.stored()
    assert before - 1 < found.at.timestamp() <= recording.clock.now()
    assert found == RequestRecord(
        at=found.at,
        trace_id="trace-0",
        account_id="acc_1",
        integration_id="int_1",
        token_id="tok_1",
        route="GET /contacts/{contactId}",
        status=200,
        code=None,
        shadow="scope_missing",
        duration_ms=250.0,
        upstream_ms=100.0,
        bytes_in=3,
        bytes_out=2**33,
        client="192.0.2.0/24",
        map_version="0123abcd",
    )
    (row,) = await recording.database.fetch("SELECT t::text AS row FROM request_records AS t")
    assert "secret" not in row["row"], "the path that was called"


async def test_what_is_not_known_is_null(recording: Recording) -> None:
    """A stranger's request that met no route: not even his method, which may be any word, is kept."""
    recording.record(
        method="WORD" * 100,
        plan=None,
        caller=None,
        status=401,
        code="token_unknown",
        client="",
        upstream_answered=0.0,
    )
    await recording.writer().flush()
    (found,) = await recording.stored()
    unknown = (found.account_id, found.integration_id, found.token_id, found.route, found.client)
    assert (*unknown, found.upstream_ms, found.shadow, found.map_version) == (None,) * 8
    assert (found.status, found.code) == (401, "token_unknown")


@pytest.mark.parametrize(
    ("client_of", "address", "kept"),
    [
        (network_of, "192.0.2.7", "192.0.2.0/24"),
        (network_of, "2001:db8:1:2:3::4", "2001:db8:1::/56"),
        (address_of, "192.0.2.7", "192.0.2.7"),
        (address_of, "::ffff:192.0.2.7", "192.0.2.7"),
        (address_of, "fe80::1%eth0", "fe80::1"),
        (address_of, "not one", None),
        (lambda _address: "", "192.0.2.7", None),
    ],
)
async def test_of_the_address_only_what_is_wanted_is_kept(
    recording: Recording, client_of: Any, address: str, kept: str | None
) -> None:
    recording.record(client=address)
    await recording.writer(form=RecordForm(client_of)).flush()
    (found,) = await recording.stored()
    assert found.client == kept


async def test_text_that_means_something_to_copy_arrives_as_it_is(recording: Recording) -> None:
    template = "/a\\b/\\N/\t/\r\n/{x}"
    recording.record(plan=plan_of(template))
    recording.record(1)
    await recording.writer().flush()
    assert [one.route for one in await recording.stored()] == [
        "GET /contacts/{contactId}",
        f"GET {template}",
    ]


async def test_many_are_written_in_batches_and_counted(recording: Recording) -> None:
    writer = recording.writer()
    for number in range(4500):
        recording.record(number)
    await writer.flush()
    assert (len(recording.recorder), writer.written, len(await recording.stored())) == (0, 4500, 4500)
    families = {
        metric.name: metric for metric in RecordGauges(recorder=recording.recorder, writer=writer).collect()
    }
    assert families["gateway_records_written"].samples[0].value == 4500
    assert {sample.labels["reason"] for sample in families["gateway_records_dropped"].samples} == {
        "queue_full",
        "strangers",
        "refused",
        "late",
    }


async def test_no_partition_need_be_there(recording: Recording) -> None:
    """The job that makes them ahead may never have run; a partition that was there may be gone."""
    writer = recording.writer()
    for number in range(3):
        recording.record(number)
        await writer.flush()
        assert len(await recording.stored()) == 1
        (row,) = await recording.database.fetch(
            "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'request_records'::regclass"
        )
        await recording.database.fetch(f"DROP TABLE {row['name']}")
    assert (writer.written, recording.recorder.dropped.refused) == (3, 0)


async def test_a_row_that_is_refused_takes_no_other_with_it(recording: Recording) -> None:
    for number in range(300):
        recording.record(number, plan=plan_of("/with\0nul" if number == 123 else "/fine"))
    writer = recording.writer()
    await writer.flush()
    stored = {one.trace_id for one in await recording.stored()}
    assert stored == {f"trace-{number}" for number in range(300)} - {"trace-123"}
    assert (writer.written, recording.recorder.dropped.refused, len(recording.recorder)) == (299, 1, 0)


async def test_a_moment_far_from_now_is_given_up(recording: Recording) -> None:
    """A broken clock must not hold up all others for ever."""
    recording.record(0, ended=time.monotonic() - timedelta(days=400).total_seconds())
    recording.record(1)
    await recording.writer().flush()
    assert [one.trace_id for one in await recording.stored()] == ["trace-1"]
    assert recording.recorder.dropped.refused == 1


async def test_while_the_store_is_away_they_wait_up_to_the_bound(recording: Recording, own_dsn: str) -> None:
    real, gone = recording.database, await connect(own_dsn, pool_size=1)
    await gone.close()
    recording.database = gone
    writer = recording.writer()
    for number in range(5002):
        recording.record(number)
        if number % 1000 == 0:
            with pytest.raises(StorageError):
                await writer.flush()
    assert (len(recording.recorder), recording.recorder.dropped.queue_full) == (5000, 2)
    writer._database = recording.database = real
    await writer.flush()
    assert [one.trace_id for one in await recording.stored()] == [
        f"trace-{number}" for number in reversed(range(5000))
    ]
    recording.record(6000)
    assert (len(recording.recorder), recording.recorder.dropped.queue_full) == (1, 2), "there is room again"


async def test_it_writes_by_itself_in_time_and_sooner_when_there_is_much(recording: Recording) -> None:
    writer = recording.writer(interval_seconds=0.05)
    writer.start()
    recording.record()
    await recording.written(writer, 1)
    await writer.stop()
    patient = recording.writer()
    patient.start()
    for number in range(1200):
        recording.record(number)
    await recording.written(patient, 1200)
    await patient.stop()


async def test_stopping_writes_what_came_last(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.jobs.record_writer._LAST_SECONDS", PATIENCE_SECONDS)
    writer = recording.writer()
    writer.start()
    await asyncio.sleep(0)
    for number in range(3000):
        recording.record(number)
    await writer.stop()
    assert len(await recording.stored()) == 3000
    assert recording.recorder.dropped.late == 0


async def test_stopping_while_the_store_is_away_waits_for_nothing_and_counts_what_is_lost(
    recording: Recording, own_dsn: str
) -> None:
    gone = await connect(own_dsn, pool_size=1)
    await gone.close()
    recording.database = gone
    writer = recording.writer(interval_seconds=0.01)
    writer.start()
    recording.record()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not writer._away:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        await writer.stop()
    assert recording.recorder.dropped.late == 1


@pytest.mark.parametrize("failure", [StoreUnavailable("away"), RuntimeError("a defect")])
async def test_a_failure_is_not_repeated_before_its_time_however_much_waits(
    recording: Recording, failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, turns = recording.writer(), 0

    async def fail(_rows: object) -> None:
        nonlocal turns
        turns += 1
        await asyncio.sleep(0)
        raise failure

    monkeypatch.setattr(writer, "_store", fail)
    for number in range(4000):
        recording.record(number)
    writer.start()
    for _ in range(200):
        await asyncio.sleep(0)
    monkeypatch.undo()
    monkeypatch.setattr("gateway.jobs.record_writer._LAST_SECONDS", PATIENCE_SECONDS)
    await writer.stop()
    assert (turns, len(await recording.stored())) == (1, 4000)


async def test_days_are_made_ahead_and_dropped_by_age(recording: Recording) -> None:
    database = recording.database
    today = datetime.now(UTC).date()
    for age in (9, 8, 7, 6):
        await database.fetch("SELECT make_request_records($1)", today - timedelta(days=age))
    assert await turn_days(database, timedelta(days=7)) == 2

    async def days() -> set[str]:
        rows = await database.fetch(
            "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'request_records'::regclass"
        )
        return {row["name"].removeprefix("request_records_") for row in rows}

    def named(*ages: int) -> set[str]:
        return {f"{today - timedelta(days=age):%Y%m%d}" for age in ages}

    # Seven days ago there was an evening: its records are not seven days old.
    assert await days() == named(7, 6, 0, -1, -2)
    assert await turn_days(database, timedelta(days=7)) == 0
    assert await turn_days(database, timedelta(0)) == 2
    assert await days() == named(0, -1, -2), "where nothing is kept, nothing of yesterday is"


async def test_two_nodes_that_need_a_day_at_once_make_it_once(recording: Recording) -> None:
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    await asyncio.gather(
        *(recording.database.fetch("SELECT make_request_records($1)", tomorrow) for _ in range(8))
    )
