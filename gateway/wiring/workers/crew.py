"""What a worker is given by its supervisor, and what it can ask of it: the listener, the other workers."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client import CollectorRegistry

from gateway.admin.health import WorkerState
from gateway.wiring.workers.channel import Channel, Gone
from gateway.wiring.workers.figures import exposition, figures_of, together

# Before a scrape gives up on a supervisor that hangs, and tells of this worker alone.
_FIGURES_SECONDS: Final = 5.0
_RELOAD_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Berth:
    """A worker's place. The sockets listen already, and outlive the worker: nobody is refused while it is replaced.

    `admin` None: another worker carries the admin listener, for all of them.
    """

    slot: int
    proxy: socket.socket
    admin: socket.socket | None


class Crew:
    """The workers, as one of them sees them. `workers` is what the supervisor told last."""

    def __init__(self) -> None:
        self._slot = 0
        self._channel: Channel | None = None
        self.workers: tuple[WorkerState, ...] = ()

    def __repr__(self) -> str:
        return f"Crew({self._slot} of {len(self.workers)})"

    def join(self, slot: int, channel: Channel) -> None:
        """From now on this is a worker, and reaches the supervisor this way."""
        self._slot = slot
        self._channel = channel

    def told(self, workers: list[dict[str, Any]]) -> None:
        """The supervisor tells how the workers are."""
        self.workers = tuple(WorkerState(**worker) for worker in workers)

    def serves(self, node_id: str, map_version: str) -> None:
        """Tell the supervisor what this worker serves."""
        if self._channel is not None:
            self._channel.tell("serving", {"node": node_id, "map_version": map_version})

    async def reload_others(self) -> None:
        """Have the others read their files anew, and wait until they have."""
        if self._channel is None:
            return
        try:
            await self._channel.ask("reload others", seconds=_RELOAD_SECONDS)
        except (Gone, TimeoutError):
            return

    async def metrics(self, registry: CollectorRegistry) -> bytes:
        """The figures of all workers; of this one alone, should the supervisor not answer."""
        own = await asyncio.to_thread(figures_of, registry)
        workers, former = {self._slot: own}, []
        if self._channel is not None:
            try:
                told = await self._channel.ask("figures", own, seconds=_FIGURES_SECONDS)
            except (Gone, TimeoutError):
                told = None
            if told is not None:
                workers |= {int(slot): figures for slot, figures in told["workers"].items()}
                workers[self._slot] = own
                former = told["former"]
        return await asyncio.to_thread(lambda: exposition(together(workers, former=former)))
