"""Carries the records of requests to the store, every second, and once more when the node stops."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from typing import Final

import structlog

from gateway.jobs.request_recorder import RequestRecorder
from gateway.jobs.usage_counter import Clock
from gateway.storage.bounds import within
from gateway.storage.database import Database
from gateway.storage.errors import Invalid, StorageError
from gateway.storage.record_writing import RecordForm, days_of, make_day, store_rows

INTERVAL_SECONDS: Final = 1.0
_BATCH: Final = 2000
# What is put into form in one go: a fraction of a millisecond, for which requests wait.
_SLICE: Final = 250
_LAST_SECONDS: Final = 2.0
_AWAY_SECONDS: Final = 0.5


class RecordWriter:
    """The one writer of a node's records. While the store is away they wait in the recorder, up to its bound."""

    def __init__(
        self,
        *,
        recorder: RequestRecorder,
        form: RecordForm,
        database: Database,
        clock: Clock,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._recorder = recorder
        self._form = form
        self._database = database
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._in_hand: list[str] = []
        self._made: set[date] = set()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._failed = self._away = False
        self._log = structlog.get_logger("gateway")
        self.written = 0

    def __repr__(self) -> str:
        return f"RecordWriter({self._recorder!r}, {self.written} written)"

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="request-records")

    async def stop(self) -> None:
        """Write what is waiting, for as long as that makes sense. Nothing may be recorded afterwards."""
        task, self._task = self._task, None
        if task is None:
            return
        self._stopping.set()
        self._recorder.ready.set()
        try:
            async with within(_AWAY_SECONDS if self._away else _LAST_SECONDS):
                await task
                await self.flush()
        except (StorageError, TimeoutError) as error:
            problem = str(error) or "the store took too long"
            self._log.warning(
                "the last records were not stored", records=len(self._recorder), problem=problem
            )
        finally:
            self._recorder.dropped.late += len(self._recorder)

    async def _run(self) -> None:
        last = time.monotonic()
        while not self._stopping.is_set():
            await self._wait()
            now = time.monotonic()
            self._recorder.let_in(now - last)
            last = now
            try:
                await self.flush()
            except StorageError as error:
                self._failed = True
                if not self._away:
                    self._away = True
                    self._log.warning("request records wait in memory: the store is away", problem=str(error))
            except Exception:  # noqa: BLE001 - a defect must not end the recording
                self._failed = True
                self._log.exception("request records could not be stored and will be tried again")
            else:
                self._failed = self._away = False

    async def _wait(self) -> None:
        """Until it is time; sooner when much has come, unless the last turn failed."""
        sooner = self._stopping if self._failed else self._recorder.ready
        with suppress(TimeoutError):
            async with asyncio.timeout(self._interval_seconds):
                await sooner.wait()

    async def flush(self) -> None:
        """Write everything that is waiting. Raises StorageError; what was not written stays for the next time."""
        while self._in_hand or await self._take():
            await self._store(self._in_hand)
            self._recorder.settle(len(self._in_hand))
            self._in_hand = []

    async def _take(self) -> bool:
        """Put the oldest into form; whether there are any."""
        entries = self._recorder.take(_BATCH)
        offset = self._clock.now() - time.monotonic()
        rows: list[str] = []
        try:
            for start in range(0, len(entries), _SLICE):
                rows += self._form.rows(entries[start : start + _SLICE], offset)
                await asyncio.sleep(0)
        except Exception:
            self._give_up(len(entries))
            self._recorder.settle(len(entries))
            raise
        self._in_hand = rows
        return bool(rows)

    async def _store(self, rows: Sequence[str]) -> None:
        """Store these rows, but for those that the schema refuses."""
        days = days_of(rows)
        known = days <= self._made
        try:
            for day in days - self._made:
                await make_day(self._database, day)
                self._made.add(day)
            await store_rows(self._database, rows)
        except Invalid as error:
            self._made -= days
            if known:
                # Perhaps a partition is gone that was there: the store went back to a backup, or an age was made short.
                await self._store(rows)
            elif len(rows) == 1:
                self._give_up(1)
                self._log.error("a request record that cannot be stored was dropped", problem=str(error))
            else:
                middle = len(rows) // 2
                await self._store(rows[:middle])
                await self._store(rows[middle:])
        else:
            self.written += len(rows)

    def _give_up(self, count: int) -> None:
        self._recorder.dropped.refused += count
