"""The route maps that were taken into use: the newest twenty, with their texts, who published each and when.

The file on each node is what counts; here is kept what it said, so that it can be looked at and written back.
"""

# ruff: noqa: S608 (the SQL is put together from constants)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gateway.storage.audit import Action, Subject, SubjectKind
from gateway.storage.database import Reader
from gateway.storage.errors import NotFound
from gateway.storage.mutation import Mutation

KEPT: Final = 20
# One publication at a time looks at the newest row: any number that no other program takes in this database.
_LOCK: Final = 0x67617465_6D617073
_COLUMNS: Final = (
    "number, version, published_at, actor, node, source, note, routes, services, scopes, upstreams"
)
_INSERT: Final = f"""
INSERT INTO maps (version, text, actor, node, source, note, routes, services, scopes, upstreams)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
RETURNING {_COLUMNS}
"""
_PRUNE: Final = "DELETE FROM maps WHERE number NOT IN (SELECT number FROM maps ORDER BY number DESC LIMIT $1)"


@dataclass(frozen=True, slots=True, kw_only=True)
class MapCounts:
    """How much there is in a map."""

    routes: int
    services: int
    scopes: int
    upstreams: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A map that is taken into use, or that was found and is only kept. `counts` None: it could not be read as a map."""

    version: str
    text: str
    node: str
    source: str
    note: str
    counts: MapCounts | None
    in_use: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedMap:
    """A row of the history, without the text."""

    number: int
    version: str
    published_at: datetime
    actor: dict[str, Any]
    node: str
    source: str
    note: str
    routes: int | None
    services: int | None
    scopes: int | None
    upstreams: int | None


async def publish(change: Mutation, new: Publication) -> PublishedMap | None:
    """Write down that a map was taken into use; None where the newest row says so already.

    Several nodes that load the same file are one publication.
    """
    await change.fetch("SELECT pg_advisory_xact_lock($1)", _LOCK)
    newest = await change.fetch("SELECT version FROM maps ORDER BY number DESC LIMIT 1")
    if newest and newest[0]["version"] == new.version:
        return None
    counts = new.counts
    (row,) = await change.fetch(
        _INSERT,
        new.version,
        new.text,
        change.actor.as_json(),
        new.node,
        new.source,
        new.note,
        *(
            (None,) * 4
            if counts is None
            else (counts.routes, counts.services, counts.scopes, counts.upstreams)
        ),
    )
    await change.fetch(_PRUNE, KEPT)
    change.audit(
        Action.MAP_PUBLISH if new.in_use else Action.MAP_KEEP,
        Subject(kind=SubjectKind.MAP, id=new.version, account_id=None),
        before={"version": newest[0]["version"]} if newest else None,
        after={"version": new.version, "node": new.node, "source": new.source, "note": new.note},
    )
    return PublishedMap(**dict(row))


async def history(reader: Reader) -> Sequence[PublishedMap]:
    """The publications that are kept, newest first."""
    rows = await reader.fetch(f"SELECT {_COLUMNS} FROM maps ORDER BY number DESC LIMIT $1", KEPT)
    return [PublishedMap(**dict(row)) for row in rows]


async def earliest_since(reader: Reader, at: datetime) -> tuple[PublishedMap, str] | None:
    """The map that was in use at a time, and its text; the oldest that is kept where none is so old. None: none is kept."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS}, text FROM maps"
        " ORDER BY published_at <= $1 DESC, CASE WHEN published_at <= $1 THEN number ELSE -number END DESC LIMIT 1",
        at,
    )
    if not rows:
        return None
    found = dict(rows[0])
    text: str = found.pop("text")
    return PublishedMap(**found), text


async def find(reader: Reader, version: str) -> tuple[PublishedMap, str]:
    """The newest publication of a version, and its text. `version` may be the beginning of one.

    Raises NotFound where no kept version begins with it, or more than one does.
    """
    rows = await reader.fetch(
        f"SELECT {_COLUMNS}, text FROM maps WHERE starts_with(version, $1) ORDER BY number DESC LIMIT $2",
        version,
        KEPT,
    )
    if len({row["version"] for row in rows}) != 1:
        raise NotFound("map", version)
    found = dict(rows[0])
    text: str = found.pop("text")
    return PublishedMap(**found), text
