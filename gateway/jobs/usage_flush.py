"""Carries what this node counted to the store, every few seconds, and once more when the node stops."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

import structlog

from gateway.core.usage_ledger import UsageLedger
from gateway.jobs.usage_counter import Clock, UsageCounter
from gateway.proxy.record import Trail
from gateway.storage.bounds import within
from gateway.storage.database import Database
from gateway.storage.errors import Invalid, StorageError
from gateway.storage.usage_recording import (
    note_usage_known,
    record_hours,
    record_networks,
    record_shadows,
    record_uses,
)

_CHUNK: Final = 1000
# With a write that takes its time, and a token that is busy at the first try, still less than ten seconds are lost.
INTERVAL_SECONDS: Final = 4.0
# A write takes milliseconds; a store that freezes holds up no end, and one that has been away just now even less.
_LAST_FLUSH_SECONDS: Final = 2.0
_AWAY_SECONDS: Final = 0.5
_BUSY_SECONDS: Final = 0.05


class UsageFlusher:
    """The one writer of a node's usage.

    `under_way` are the requests that have not ended: a stream that has been open for days is use of its token now.
    """

    def __init__(
        self,
        *,
        counter: UsageCounter,
        ledger: UsageLedger,
        database: Database,
        node_id: str,
        clock: Clock,
        under_way: Callable[[], Iterable[Trail]],
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._counter = counter
        self._ledger = ledger
        self._database = database
        self._node_id = node_id
        self._clock = clock
        self._under_way = under_way
        self._interval_seconds = interval_seconds
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._away = False
        self._log = structlog.get_logger("gateway")

    def __repr__(self) -> str:
        return f"UsageFlusher({self._ledger!r})"

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="usage-flush")

    async def stop(self) -> None:
        """Write all that there is, for as long as that makes sense. Nothing may be recorded afterwards."""
        task, self._task = self._task, None
        if task is None:
            return
        self._stopping.set()
        seconds = _AWAY_SECONDS if self._away else _LAST_FLUSH_SECONDS
        try:
            async with within(seconds):
                await task
                while not await self.flush():  # noqa: ASYNC110 - a row lock has no event
                    await asyncio.sleep(_BUSY_SECONDS)
        except (StorageError, TimeoutError) as error:
            if not len(self._ledger):
                return
            problem = str(error) or "the store took too long"
            self._log.warning("the last use of some tokens was not stored", problem=problem)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                spread = random.uniform(0.8, 1)  # noqa: S311 - spreads load, guards nothing
                async with asyncio.timeout(self._interval_seconds * spread):
                    await self._stopping.wait()
            try:
                await self.flush()
            except StorageError as error:
                if not self._away:
                    self._away = True
                    self._log.warning("usage is kept in memory: the store is away", problem=str(error))
            except Exception:  # noqa: BLE001 - a defect must not end the recording
                self._log.exception("usage could not be stored and will be tried again")
            else:
                self._away = False

    async def flush(self) -> bool:
        """Write what was counted. False: some tokens were busy, and their last use is still to be written.

        Raises StorageError; what was not written stays for the next time.
        """
        known_until = self._clock.now()
        for trail in self._under_way():
            if trail.token_id:
                self._ledger.use(trail.token_id, known_until, known_until)
        for _ in self._counter.fold(self._ledger):
            await asyncio.sleep(0)
        await self._write_uses()
        await self._write_hours()
        await self._write_shadows()
        await self._write_networks()
        if self._ledger.has_uses:
            return False
        await note_usage_known(self._database, self._node_id, known_until)
        return True

    async def _write_uses(self) -> None:
        busy: frozenset[str] = frozenset()
        while uses := self._ledger.peek_uses(_CHUNK, but=busy):
            now_busy: frozenset[str] = frozenset()
            with self._giving_up_what_cannot_be_stored():
                now_busy = await record_uses(self._database, uses)
            self._ledger.settle_uses(uses, but=now_busy)
            busy |= now_busy

    async def _write_hours(self) -> None:
        while hours := self._ledger.peek_hours(_CHUNK):
            with self._giving_up_what_cannot_be_stored():
                await record_hours(self._database, hours)
            self._ledger.settle_hours(hours)

    async def _write_shadows(self) -> None:
        while shadows := self._ledger.peek_shadows(_CHUNK):
            with self._giving_up_what_cannot_be_stored():
                await record_shadows(self._database, shadows)
            self._ledger.settle_shadows(shadows)

    async def _write_networks(self) -> None:
        while networks := self._ledger.peek_networks(_CHUNK):
            with self._giving_up_what_cannot_be_stored():
                await record_networks(self._database, networks)
            self._ledger.settle_networks(networks)

    @contextmanager
    def _giving_up_what_cannot_be_stored(self) -> Iterator[None]:
        """A row that the schema refuses would hold up all others for ever."""
        try:
            yield
        except Invalid as error:
            self._log.error("usage that cannot be stored was dropped", problem=str(error))
