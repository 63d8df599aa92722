"""The history of maps does not depend on the store being there at the moment of a reload."""

from __future__ import annotations

import asyncio

from gateway.storage.maps import history
from gateway.wiring.reload import Result
from tests.e2e.reload.maps import written
from tests.wiring.rig import PATIENCE_SECONDS, Rig


async def test_what_could_not_be_written_down_is_written_later_and_in_order(rig: Rig, own_dsn: str) -> None:
    upstream = await rig.upstream()
    gateway, site = await rig.gateway_on_files(written(upstream.url), dsn=own_dsn, watched=False)
    database = gateway.database

    async def until(count: int) -> list[str]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(found := await history(database)) < count:  # noqa: ASYNC110 - the store has no event
                await asyncio.sleep(0.02)
        return [row.version for row in found]

    (first,) = await until(1)
    await database.fetch("ALTER TABLE maps RENAME TO away")
    versions = []
    for note in ("one", "two"):
        versions.append(site.write_map(written(upstream.url, note=note)))
        assert await gateway.node.reload("test") is Result.APPLIED, "the map does not wait for its history"
        assert (await gateway.get("/contacts/c1", token=rig.token)).status in {200, 401}
    await database.fetch("ALTER TABLE away RENAME TO maps")
    assert await until(3) == [versions[1], versions[0], first]


async def test_nodes_tell_which_map_they_serve(rig: Rig, own_dsn: str) -> None:
    upstream = await rig.upstream()
    gateway, site = await rig.gateway_on_files(written(upstream.url), dsn=own_dsn, watched=False)
    version = site.write_map(written(upstream.url, note="another"))
    assert await gateway.node.reload("test") is Result.APPLIED
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            rows = await gateway.database.fetch("SELECT map_version FROM nodes")
            if [row["map_version"] for row in rows] == [version]:
                break
            await asyncio.sleep(0.02)
