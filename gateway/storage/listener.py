"""The ear for announced changes: one connection that listens, and comes back for as long as it is wanted.

It promises speed, not delivery: what is announced while it is away is found by comparing revisions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import asyncpg

from gateway.storage.changes import CHANNEL, Change, from_payload
from gateway.storage.database import connect_alone
from gateway.storage.errors import StorageError, translated

_FIRST_DELAY_SECONDS: Final = 0.05


class Listener:
    """Calls back, in the event loop: `on_up` when it listens, `on_change` for a change, `on_down` when it was lost.

    Between `on_up` and `on_down` changes committed after `on_up` arrive; what came before must be asked for. The
    callbacks are plain functions and must not raise. `on_down` comes once for each `on_up`.
    """

    def __init__(
        self,
        dsn: str,
        *,
        on_change: Callable[[Change], None],
        on_up: Callable[[], None],
        on_down: Callable[[], None],
        max_delay_seconds: float = 5.0,
        check_seconds: float = 5.0,
    ) -> None:
        self._dsn = dsn
        self._on_change = on_change
        self._on_up = on_up
        self._on_down = on_down
        self._max_delay_seconds = max_delay_seconds
        self._check_seconds = check_seconds
        self._task: asyncio.Task[None] | None = None
        self._listening = False

    def __repr__(self) -> str:
        return f"Listener({'listening' if self._listening else 'away' if self._task else 'stopped'})"

    def start(self) -> None:
        """Begins in the background; the first connection is one of the many that may fail."""
        if self._task is not None:
            raise RuntimeError("the listener is started already")
        self._task = asyncio.create_task(self._run(), name="storage-listener")

    async def stop(self) -> None:
        """Ends it. Safe to call twice."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        delay = _FIRST_DELAY_SECONDS
        while True:
            # Whatever PostgreSQL says, also "no such database", may be over a moment later.
            with suppress(StorageError, asyncpg.PostgresError):
                connection = await connect_alone(self._dsn)
                delay = _FIRST_DELAY_SECONDS
                await self._listen(connection)
            await asyncio.sleep(delay)
            delay = min(2 * delay, self._max_delay_seconds)

    async def _listen(self, connection: asyncpg.Connection[Any]) -> None:
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _connection: lost.set())
        try:
            with translated():
                await connection.add_listener(CHANNEL, self._hear)
            self._listening = True
            self._on_up()
            while not lost.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._check_seconds):
                        await lost.wait()
                        return
                # A connection whose other end vanished is only noticed by asking.
                with translated():
                    await connection.execute("SELECT", timeout=self._check_seconds)
        finally:
            # Not close(): it would wait for an answer of a server that may be gone.
            connection.terminate()
            if self._listening:
                self._listening = False
                self._on_down()

    def _hear(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        # A message that is not ours says nothing; if it hid a change, the next comparison of revisions finds it.
        if (change := from_payload(str(payload))) is not None:
            self._on_change(change)
