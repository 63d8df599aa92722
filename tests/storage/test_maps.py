"""The history of route maps: one row for each publication, the newest twenty, and all of it in the audit."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

import pytest

from gateway.storage.audit import Actor, ActorKind, list_entries, verify_audit
from gateway.storage.errors import NotFound
from gateway.storage.maps import KEPT, MapCounts, Publication, PublishedMap, find, history, publish
from gateway.storage.mutation import mutation

if TYPE_CHECKING:
    from tests.storage.conftest import Maker

ACTOR = Actor(kind=ActorKind.SYSTEM, id="web1:/etc/gateway/routes.yaml", name="a file changed")
COUNTS = MapCounts(routes=1, services=1, scopes=1, upstreams=1)


def version_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def published(make: Maker, text: str, *, node: str = "a", kept: bool = False) -> PublishedMap | None:
    new = Publication(
        version=version_of(text),
        text=text,
        node=node,
        source="/etc/gateway/routes.yaml",
        note="",
        counts=None if kept else COUNTS,
        in_use=not kept,
    )
    async with mutation(make.database, actor=ACTOR) as change:
        return await publish(change, new)


async def test_many_nodes_that_load_one_file_are_one_publication(make: Maker) -> None:
    made = await asyncio.gather(*(published(make, "one", node=f"n{number}") for number in range(8)))
    assert len([row for row in made if row is not None]) == 1
    assert len(await history(make.database)) == 1
    assert len([e for e in await list_entries(make.database) if e.action == "map.publish"]) == 1


async def test_going_back_is_a_publication_of_its_own(make: Maker) -> None:
    for text in ("one", "two", "one"):
        assert await published(make, text) is not None
    assert [row.version for row in await history(make.database)] == [
        version_of(text) for text in ("one", "two", "one")
    ]
    newest = (await list_entries(make.database, limit=1))[0]
    assert (newest.before, newest.subject_id) == ({"version": version_of("two")}, version_of("one"))
    assert newest.after is not None
    assert newest.after["source"] == "/etc/gateway/routes.yaml"
    assert (await verify_audit(make.database)).is_intact


async def test_only_the_newest_are_kept(make: Maker) -> None:
    for number in range(KEPT + 3):
        await published(make, f"map {number}")
    kept = await history(make.database)
    assert [row.version for row in kept] == [version_of(f"map {number}") for number in range(22, 2, -1)]
    (row,) = await make.database.fetch("SELECT count(*) AS number FROM maps")
    assert row["number"] == KEPT
    with pytest.raises(NotFound):
        await find(make.database, version_of("map 2"))


async def test_a_map_is_found_by_the_beginning_of_its_version(make: Maker) -> None:
    await published(make, "one")
    await published(make, "two")
    found, text = await find(make.database, version_of("one")[:8])
    assert (found.version, text, found.actor["name"]) == (version_of("one"), "one", "a file changed")
    for unknown in ("%", "_", "zz", version_of("three")):
        with pytest.raises(NotFound):
            await find(make.database, unknown)
    with pytest.raises(NotFound):
        await find(make.database, "")  # which both begin with


async def test_what_was_no_map_can_be_put_aside(make: Maker) -> None:
    kept = await published(make, "- not a map", kept=True)
    assert kept is not None
    assert kept.routes is None
    assert (await list_entries(make.database, limit=1))[0].action == "map.keep"
