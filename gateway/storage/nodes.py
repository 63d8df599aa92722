"""The nodes that have been heard from, and how far each has come: the receipt of a change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.storage.database import Database, Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """How many live nodes have applied a revision, and the identifiers of those that have not."""

    applied_by: int
    waiting_for: tuple[str, ...]


async def applied(database: Database, revision: int, *, alive_within: timedelta) -> Applied:
    """Who has applied `revision`, of the nodes heard from within `alive_within` by the database's clock."""
    rows = await database.fetch(
        "SELECT id, applied_revision >= $1 AS is_there FROM nodes WHERE heartbeat_at > now() - $2::interval ORDER BY id",
        revision,
        alive_within,
    )
    waiting = tuple(row["id"] for row in rows if not row["is_there"])
    return Applied(applied_by=len(rows) - len(waiting), waiting_for=waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A node as it was last heard from. `alive`: recently enough to be waited for. `version` is the program's."""

    id: str
    started_at: datetime
    heartbeat_at: datetime
    applied_revision: int
    version: str | None
    map_version: str
    alive: bool


async def list_nodes(reader: Reader, *, alive_within: timedelta) -> list[Heard]:
    """Every node that is not forgotten yet, by its identifier."""
    rows = await reader.fetch(
        "SELECT id, started_at, heartbeat_at, applied_revision, version, map_version,"
        " heartbeat_at > now() - $1::interval AS alive"
        " FROM nodes ORDER BY id",
        alive_within,
    )
    return [Heard(**dict(row)) for row in rows]


async def leave(database: Database, node_id: str) -> None:
    """A node that stops is waited for by nobody."""
    await database.fetch("DELETE FROM nodes WHERE id = $1", node_id)


async def prune_nodes(database: Database, keep: timedelta) -> None:
    """Forgets the nodes not heard from for `keep`."""
    await database.fetch("DELETE FROM nodes WHERE heartbeat_at < now() - $1::interval", keep)
