"""Writes the maps that this node took into use to the history, as soon as the store takes it: no request waits for it."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import Final

import structlog

from gateway.storage.audit import Actor
from gateway.storage.database import Database
from gateway.storage.errors import Invalid, StorageError
from gateway.storage.maps import KEPT, Publication, publish
from gateway.storage.mutation import mutation

_AGAIN_SECONDS: Final = 3.0
_LAST_SECONDS: Final = 1.0


class MapJournal:
    """What is still to be written, in order."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # What is pushed out here would be pushed out there as well.
        self._notes: deque[tuple[Publication, Actor, str | None]] = deque(maxlen=KEPT)
        self._news = asyncio.Event()
        self._written = asyncio.Event()
        self._written.set()
        self._task: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("gateway")

    def __repr__(self) -> str:
        return f"MapJournal({len(self._notes)} to be written)"

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="map-journal")

    async def stop(self) -> None:
        """Write what there is, unless the store is away."""
        await self.written(seconds=_LAST_SECONDS)
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def note(self, publication: Publication, actor: Actor, address: str | None) -> None:
        """Have this publication written down."""
        self._notes.append((publication, actor, address))
        self._written.clear()
        self._news.set()

    async def written(self, *, seconds: float) -> None:
        """Wait until everything is written, at most this long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._written.wait()

    async def _run(self) -> None:
        away = False
        while True:
            await self._news.wait()
            try:
                await self._write()
                away = False
            except StorageError as error:
                if not away:
                    away = True
                    self._log.warning("the history of route maps waits for the store", problem=str(error))
                await asyncio.sleep(_AGAIN_SECONDS)
            except Exception:  # noqa: BLE001 - a defect must not end the writing of what comes later
                self._log.exception("a route map could not be written to the history")
                self._notes.popleft()

    async def _write(self) -> None:
        while self._notes:
            note = publication, actor, address = self._notes[0]
            try:
                async with mutation(self._database, actor=actor, address=address) as change:
                    await publish(change, publication)
            except Invalid as error:
                self._log.error("a route map cannot be kept in the history", problem=str(error))
            if self._notes and self._notes[0] is note:
                self._notes.popleft()
        self._news.clear()
        self._written.set()
