"""Keeps the index of this node true to the store: hears what changes, and once a second makes sure of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from gateway.index.cache import TokenIndex
from gateway.index.clock import DatabaseClock
from gateway.storage.changes import UNNUMBERED, Change
from gateway.storage.errors import StorageError


class ChangeSource(Protocol):
    """What the store is asked once a second. Each call raises StorageError when it cannot answer."""

    async def revision(self) -> tuple[int, float]: ...

    async def changes_since(self, revision: int, limit: int = 1000) -> Change | None: ...

    async def heartbeat(self, node_id: str, applied_revision: int) -> None: ...


class Follower:
    """Applies every revision of the store to the index.

    NOTIFY makes it quick; the comparison of revisions every `interval_seconds` makes it certain. `applied` is the
    newest revision up to which nothing is missing. `report` is told, once, when the store goes away and comes back.
    """

    def __init__(
        self,
        index: TokenIndex,
        source: ChangeSource,
        clock: DatabaseClock,
        *,
        node_id: str,
        report: Callable[[str], None],
        interval_seconds: float = 1.0,
    ) -> None:
        self._index = index
        self._source = source
        self._clock = clock
        self._node_id = node_id
        self._report = report
        self._interval_seconds = interval_seconds
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._away_since: float | None = None
        self.applied = 0

    def __repr__(self) -> str:
        return f"<Follower {self._node_id} applied={self.applied}>"

    async def start(self) -> None:
        """Catch up once, then follow in the background. Raises StorageError when the store cannot be asked."""
        await self._catch_up()
        self._task = asyncio.create_task(self._run(), name="follower")

    async def stop(self) -> None:
        """End following."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def on_change(self, change: Change) -> None:
        """Apply an announced change at once, when it is the very next; ask for what lies between when it is not."""
        if UNNUMBERED < change.revision <= self.applied:
            return
        if change.revision == UNNUMBERED:
            self._index.doubt()
        # Dropping early is always right; only counting it as applied needs the ones before it.
        self._drop(change)
        if change.complete and change.revision == self.applied + 1:
            self.applied = change.revision
        # Also when nothing is missing: who waits for this revision learns it from the heartbeat.
        self._wake.set()

    def on_listening(self) -> None:
        """The ear is back, perhaps on another server: what was said meanwhile must be asked for."""
        self._index.doubt()
        self._wake.set()

    def _drop(self, change: Change) -> None:
        self._index.drop(change.revision, accounts=change.accounts, integrations=change.integrations)

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval_seconds):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._catch_up()
            except Exception as error:  # noqa: BLE001 - whatever it is, following must go on
                self._index.unconfirm()
                if self._away_since is None:
                    self._away_since = time.monotonic()
                    told = str(error) if isinstance(error, StorageError) else repr(error)
                    self._report(f"the store is away, known tokens are served from memory: {told}")

    async def _catch_up(self) -> None:
        asked_at = time.monotonic()
        before = self.applied
        revision, database_seconds = await self._source.revision()
        self._clock.measure(database_seconds, asked_at, time.monotonic())
        # Announcements that came meanwhile may be ahead of the answer; only what was applied before it counts.
        if revision < before:
            # The store went back in time: it was restored from a backup.
            self._index.clear()
            self.applied = revision
        if revision and not self.applied and not len(self._index):
            # Nothing is held that a change could touch, and what is being read shall begin anew.
            self._index.clear()
            self.applied = revision
        while self.applied < revision:
            change = await self._source.changes_since(self.applied)
            if change is None:
                self._index.clear()
                self.applied = revision
                break
            # It was not heard, so it may be another's than the one that a load has seen under this number.
            self._index.doubt()
            self._drop(change)
            self.applied = max(self.applied, change.revision)
        self._index.confirm(asked_at)
        if self._away_since is not None:
            self._report(f"the store is back after {time.monotonic() - self._away_since:.1f} s")
            self._away_since = None
        # A store that answers and takes no writes, such as a standby, is not away.
        with suppress(StorageError):
            await self._source.heartbeat(self._node_id, self.applied)
