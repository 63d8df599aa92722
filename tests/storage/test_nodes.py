"""The receipt of a change counts the nodes that are alive, and names those it waits for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from gateway.storage.lookup import Lookup
from gateway.storage.nodes import Applied, applied, leave, prune_nodes

if TYPE_CHECKING:
    from tests.storage.conftest import Maker

ALIVE = timedelta(seconds=5)


async def test_a_node_is_waited_for_until_it_has_come_that_far_or_is_silent_or_leaves(make: Maker) -> None:
    lookup = Lookup(make.database)
    assert await applied(make.database, 7, alive_within=ALIVE) == Applied(applied_by=0, waiting_for=())
    for node, revision in (("a", 7), ("b", 6), ("c", 5), ("d", 0)):
        await lookup.heartbeat(node, revision)
    assert await applied(make.database, 7, alive_within=ALIVE) == Applied(
        applied_by=1, waiting_for=("b", "c", "d")
    )
    await lookup.heartbeat("b", 8)
    await leave(make.database, "c")
    await make.database.fetch("UPDATE nodes SET heartbeat_at = now() - interval '1 minute' WHERE id = 'd'")
    assert await applied(make.database, 7, alive_within=ALIVE) == Applied(applied_by=2, waiting_for=())
    await prune_nodes(make.database, timedelta(seconds=30))
    rows = await make.database.fetch("SELECT id, started_at <= heartbeat_at AS sane FROM nodes ORDER BY id")
    assert [tuple(row) for row in rows] == [("a", True), ("b", True)]
