"""Runs jobs again and again, each in a task of its own, and only on one node at a time. What they do is not known here."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import structlog

from gateway.storage.errors import StorageError
from gateway.storage.job_locks import JobLocks

# Nodes that were started together shall not ask together for ever.
_JITTER: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Something to be done every so often. It must do no harm when it is broken off, or done on two nodes at once."""

    name: str
    every_seconds: float
    work: Callable[[], Awaitable[None]]


@dataclass(slots=True)
class RunCounts:
    """What became of a job's turns here. `elsewhere`: another node was at it."""

    done: int = 0
    elsewhere: int = 0
    failed: int = 0


@dataclass(slots=True)
class _Turns:
    job: Job
    counts: RunCounts = field(default_factory=RunCounts)
    away: bool = False


class JobRunner:
    """The jobs of one node, between `start` and `stop`."""

    def __init__(self, jobs: Sequence[Job], locks: JobLocks) -> None:
        self._turns = [_Turns(job) for job in jobs]
        self._locks = locks
        self._tasks: list[asyncio.Task[None]] = []
        self._log = structlog.get_logger("gateway")

    def __repr__(self) -> str:
        return f"JobRunner({', '.join(turns.job.name for turns in self._turns)})"

    @property
    def counts(self) -> dict[str, RunCounts]:
        """What became of each job's turns here."""
        return {turns.job.name: turns.counts for turns in self._turns}

    def start(self) -> None:
        """Begin; the first turns come within a fraction of each interval."""
        self._tasks = [
            asyncio.create_task(self._repeat(turns), name=f"job-{turns.job.name}") for turns in self._turns
        ]

    async def stop(self) -> None:
        """Break off what is being done; its transaction is rolled back."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._locks.close()

    async def _repeat(self, turns: _Turns) -> None:
        every = turns.job.every_seconds
        await asyncio.sleep(every * random.uniform(0, _JITTER))  # noqa: S311 - spreads load, guards nothing
        while True:
            await self._take_turn(turns)
            await asyncio.sleep(every * random.uniform(1 - _JITTER, 1))  # noqa: S311

    async def _take_turn(self, turns: _Turns) -> None:
        """One turn. Whatever goes wrong is told once, and tried again at the next."""
        job, counts = turns.job, turns.counts
        try:
            async with self._locks.hold(job.name) as mine:
                if not mine:
                    counts.elsewhere += 1
                    return
                await job.work()
        except StorageError as error:
            counts.failed += 1
            if not turns.away:
                turns.away = True
                self._log.warning("a job waits for the store", job=job.name, problem=str(error))
        except Exception:  # noqa: BLE001 - a defect in one job must not end the others, nor its own next turn
            counts.failed += 1
            self._log.exception("a job failed and will be tried again", job=job.name)
        else:
            counts.done += 1
            turns.away = False
