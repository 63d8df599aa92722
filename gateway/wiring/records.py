"""From settings to the parts that record requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.core.networks import address_of, network_of
from gateway.index.clock import DatabaseClock
from gateway.jobs.record_gauges import RecordGauges
from gateway.jobs.record_writer import RecordWriter
from gateway.jobs.request_recorder import RequestRecorder
from gateway.settings.model import ClientRecords, ErrorRecords, Records
from gateway.storage.database import Database
from gateway.storage.record_writing import RecordForm


def _nothing_of(_address: str) -> str:
    return ""


_CLIENT: Final[dict[ClientRecords, Callable[[str], str]]] = {
    ClientRecords.NETWORK: network_of,
    ClientRecords.ADDRESS: address_of,
    ClientRecords.NONE: _nothing_of,
}


@dataclass(frozen=True, slots=True)
class RequestRecords:
    """What takes requests, what writes them, and what tells of both."""

    recorder: RequestRecorder
    writer: RecordWriter
    gauges: RecordGauges


def request_records(settings: Records, database: Database, clock: DatabaseClock) -> RequestRecords | None:
    """The parts, or None where nothing is to be recorded."""
    if not settings.keep:
        return None
    recorder = RequestRecorder(
        sample=settings.sample,
        all_errors=settings.errors is ErrorRecords.ALL,
        strangers=settings.strangers,
        size=settings.queue,
    )
    form = RecordForm(_CLIENT[settings.client])
    writer = RecordWriter(recorder=recorder, form=form, database=database, clock=clock)
    return RequestRecords(recorder, writer, RecordGauges(recorder=recorder, writer=writer))
