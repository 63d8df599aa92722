"""Signals, heard from before the start until after the end: SIGINT and SIGTERM stop a gateway, which ends with 0; SIGHUP
has it read its configuration anew."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog

from gateway.wiring.node import Node
from gateway.wiring.notify import notify, notify_reloading
from gateway.wiring.reload import Result

STOPPING: Final = "stopping: requests in flight finish, new connections are refused"


class StopSignals:
    """What was heard so far. Made by `stoppable`."""

    def __init__(self) -> None:
        self._starting = asyncio.current_task()
        self._asked = asyncio.Event()
        self._again = asyncio.Event()
        self._reload = asyncio.Event()
        self._on_terminal = _is_terminal()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._hear)
        # Also while it starts: the signal's own way would be to end it.
        loop.add_signal_handler(signal.SIGHUP, self._hear_hangup)

    def __repr__(self) -> str:
        state = "asked again" if self._again.is_set() else "asked" if self._asked.is_set() else "not asked"
        return f"<StopSignals {state}>"

    @property
    def asked(self) -> bool:
        """Whether a signal came."""
        return self._asked.is_set()

    def stop(self) -> None:
        """As if a signal had come."""
        self._hear()

    def _hear(self) -> None:
        (self._again if self._asked.is_set() else self._asked).set()
        if self._starting is not None:
            self._starting.cancel()

    def _hear_hangup(self) -> None:
        if self._on_terminal and not _is_terminal():
            # The terminal it ran at was closed: there is nobody to tell, and a line that cannot be written must not
            # end it before its requests have ended.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            for descriptor in (sys.stdout.fileno(), sys.stderr.fileno()):
                os.dup2(nowhere, descriptor)
            self._hear()
        else:
            self._reload.set()

    async def drain_when_asked(self, node: Node) -> None:
        """The node serves: reload at SIGHUP; at another signal drain, and at a second one cut what is left."""
        log = structlog.get_logger("gateway")
        notify("READY=1")
        await self.until_asked(lambda: _reload(node))
        log.info(STOPPING)
        draining = asyncio.create_task(node.drain())
        impatient = asyncio.create_task(self.asked_again())
        await asyncio.wait({draining, impatient}, return_when=asyncio.FIRST_COMPLETED)
        for task in (draining, impatient):
            task.cancel()
        finished = draining.done() and not draining.cancelled() and draining.result()
        log.info("stopped" if finished else "stopped; requests still in flight were cut")

    async def until_asked(self, reload: Callable[[], Awaitable[None]]) -> None:
        """Wait for a signal that ends the gateway; at SIGHUP, `reload`."""
        self._starting = None
        reloading = asyncio.create_task(self._reload_when_asked(reload))
        try:
            await self._asked.wait()
        finally:
            reloading.cancel()
        notify("STOPPING=1")

    async def asked_again(self) -> None:
        """Wait for a second signal."""
        await self._again.wait()

    async def _reload_when_asked(self, reload: Callable[[], Awaitable[None]]) -> None:
        while True:
            await self._reload.wait()
            self._reload.clear()
            notify_reloading()
            await reload()
            notify("READY=1")


async def _reload(node: Node) -> None:
    if await node.reload("SIGHUP") is Result.UNCHANGED:
        structlog.get_logger("gateway").info("SIGHUP: the configuration is as it was")


def _is_terminal() -> bool:
    try:
        return os.isatty(sys.stderr.fileno())
    except (OSError, ValueError):
        return False


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
