"""SIGINT and SIGTERM, heard from before the start until after the end: a gateway that is told to stop ends with 0."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from gateway.wiring.node import Node


class StopSignals:
    """What was heard so far. Made by `stoppable`."""

    def __init__(self) -> None:
        self._starting = asyncio.current_task()
        self._asked = asyncio.Event()
        self._again = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._hear)

    def __repr__(self) -> str:
        state = "asked again" if self._again.is_set() else "asked" if self._asked.is_set() else "not asked"
        return f"<StopSignals {state}>"

    @property
    def asked(self) -> bool:
        """Whether a signal came."""
        return self._asked.is_set()

    def _hear(self) -> None:
        (self._again if self._asked.is_set() else self._asked).set()
        if self._starting is not None:
            self._starting.cancel()

    async def drain_when_asked(self, node: Node) -> None:
        """The node serves: wait for a signal and drain; a second one cuts what is left."""
        self._starting = None
        log = structlog.get_logger("gateway")
        await self._asked.wait()
        log.info("stopping: requests in flight finish, new connections are refused")
        draining = asyncio.create_task(node.drain())
        impatient = asyncio.create_task(self._again.wait())
        await asyncio.wait({draining, impatient}, return_when=asyncio.FIRST_COMPLETED)
        for task in (draining, impatient):
            task.cancel()
        finished = draining.done() and not draining.cancelled() and draining.result()
        log.info("stopped" if finished else "stopped; requests still in flight were cut")


@asynccontextmanager
async def stoppable() -> AsyncIterator[StopSignals]:
    """A block that a signal ends cleanly, also while it is still starting. Enter it before what takes time."""
    signals = StopSignals()
    try:
        yield signals
    except asyncio.CancelledError:
        if not signals.asked:
            raise
        structlog.get_logger("gateway").info("stopped before it served")
