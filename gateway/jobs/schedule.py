"""What there is to do by time, and how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from gateway.core.usage import KEPT_SECONDS
from gateway.jobs.runner import Job
from gateway.storage import inactivity, rotation_ends
from gateway.storage.changes import prune_changes
from gateway.storage.database import Database
from gateway.storage.nodes import prune_nodes
from gateway.storage.operator_sessions import prune_operator_sessions
from gateway.storage.record_writing import turn_days
from gateway.storage.sessions import prune_sessions
from gateway.storage.usage_recording import extend_period, prune_usage

CHANGES_KEPT: Final = timedelta(days=1)
# Until then a silent node holds up the expiry of unused tokens: it may hold uses that nobody else knows of.
NODES_KEPT: Final = timedelta(days=1)
# Longer than any session may be idle.
SESSIONS_KEPT: Final = timedelta(days=1)
USAGE_KEPT: Final = timedelta(seconds=KEPT_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """How often each job is done, in seconds."""

    rotation_ends: float = 5.0
    usage_period: float = 20.0
    inactivity: float = 300.0
    record_days: float = 600.0
    pruning: float = 1800.0


def schedule(
    database: Database,
    *,
    expire_after: Callable[[], float | None],
    keep_records: Callable[[], float],
    intervals: Intervals | None = None,
) -> tuple[Job, ...]:
    """The jobs of a node. Asked at each turn: `expire_after` seconds without use, None for never; `keep_records` seconds."""
    every = intervals or Intervals()
    log = structlog.get_logger("gateway")

    async def note_rotation_ends() -> None:
        while found := await rotation_ends.unnoted(database):
            for ended in found:
                await rotation_ends.note(database, ended)

    async def extend() -> None:
        await extend_period(database)

    async def expire_idle() -> None:
        seconds = expire_after()
        allowed = None if seconds is None else timedelta(seconds=seconds)
        for idle in await inactivity.idle_tokens(database, expire_after=allowed):
            if await inactivity.expire_idle(database, idle, expire_after=allowed):
                log.info(
                    "a token that nobody used has expired", token=idle.id, integration=idle.integration_id
                )

    async def turn_record_days() -> None:
        await turn_days(database, timedelta(seconds=keep_records()))

    async def prune() -> None:
        await prune_changes(database, CHANGES_KEPT)
        await prune_nodes(database, NODES_KEPT)
        await prune_sessions(database, idle=SESSIONS_KEPT)
        await prune_operator_sessions(database, idle=SESSIONS_KEPT)
        await prune_usage(database, USAGE_KEPT)

    return (
        Job(name="rotation ends", every_seconds=every.rotation_ends, work=note_rotation_ends),
        Job(name="usage period", every_seconds=every.usage_period, work=extend),
        Job(name="inactivity", every_seconds=every.inactivity, work=expire_idle),
        Job(name="record days", every_seconds=every.record_days, work=turn_record_days),
        Job(name="pruning", every_seconds=every.pruning, work=prune),
    )
