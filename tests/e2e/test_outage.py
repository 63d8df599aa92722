"""The store goes away and comes back: known tokens keep working for a bounded time, and nothing is let through unchecked.

A real PostgreSQL is stopped, started and frozen under a running node.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest

from gateway.core.rotation import Operation
from gateway.storage.database import connect
from gateway.storage.errors import StoreUnavailable
from gateway.wiring.configuration import Configuration
from gateway.wiring.node import running_node
from gateway.wiring.store import opened
from tests.e2e.own_store import OwnStore
from tests.proxy.caller import Answer, request
from tests.wiring.databases import run
from tests.wiring.rig import Gateway, LivedTime, Rig, settings
from tests.wiring.standing import small_map
from tests.wiring.tenants import PEPPERS, Tenants, never_issued

# A frozen server is noticed after the look-up's own limit, a stopped one at once.
FROZEN_SECONDS = 4.0


@pytest.fixture(scope="module")
def store() -> Iterator[OwnStore]:
    """One server for these tests; each leaves it running."""
    made = OwnStore()
    try:
        made.start()
        run(_migrate(made.dsn))
        yield made
    finally:
        made.remove()


async def _migrate(dsn: str) -> None:
    async with opened(dsn, pool_size=1):
        pass


@pytest.fixture
async def asker(rig: Rig, store: OwnStore) -> AsyncIterator[Rig]:
    """The network; when it ends, the store is whole again."""
    try:
        yield rig
    finally:
        store.thaw()
        store.start()
        await rig.close()


async def gateway_on(rig: Rig, store: OwnStore, **values: Any) -> Gateway:
    return await rig.gateway(await rig.upstream(), dsn=store.dsn, **values)


def judge_unavailable(answer: Answer) -> None:
    assert (answer.status, answer.code) == (503, "store_unavailable")
    assert answer.value(b"Retry-After") == b"5"
    assert answer.value(b"WWW-Authenticate") is None


@pytest.mark.parametrize("how", ["stopped", "frozen"])
async def test_known_tokens_keep_working_and_unknown_ones_are_503(
    asker: Rig, store: OwnStore, how: str
) -> None:
    gateway = await gateway_on(asker, store)
    known, later = await gateway.tenants.issue_many([["contacts.readonly"]] * 2)
    await gateway.caught_up()
    caller = await gateway.caller()
    asked = request("GET", "/contacts/c1", token=known.secret)
    assert (await caller.ask(asked)).status == 200
    store.stop() if how == "stopped" else store.freeze()
    frozen = LivedTime()
    # A token that the store knows and the node does not, and one that nobody knows: neither may be judged.
    tokens = (later.secret, never_issued(), later.secret)
    asking = asyncio.gather(*(gateway.get("/contacts/c1", token=token) for token in tokens))
    while not asking.done():
        assert (await caller.ask(asked)).status == 200
    for answer in asking.result():
        judge_unavailable(answer)
    assert (await gateway.get("/contacts/c1", token=known.secret[:-1] + "!")).code == "token_malformed"
    assert (await gateway.get("/contacts/c1")).code == "token_missing"
    assert (await gateway.ask(request("POST", "/oauth/token"))).status == 200
    await gateway.store_is("away")
    assert frozen.stop() < FROZEN_SECONDS * 3
    ready = await gateway.admin("/readyz")
    assert (ready.status, ready.json["ready"]) == (200, True)
    health = await gateway.admin("/healthz")
    assert (health.status, health.json["store"]) == (200, "away")
    assert (await caller.ask(asked)).status == 200
    store.start() if how == "stopped" else store.thaw()
    await gateway.store_is("up")
    assert (await gateway.get("/contacts/c1", token=later.secret)).status == 200
    assert (await gateway.get("/contacts/c1", token=never_issued())).code == "token_unknown"


async def test_what_was_revoked_during_the_outage_of_a_node_is_applied_when_the_store_is_back(
    asker: Rig, store: OwnStore
) -> None:
    """The change is made before the node can hear of anything again."""
    gateway = await gateway_on(asker, store)
    known, other = await gateway.tenants.issue_many([["contacts.readonly"]] * 2)
    await gateway.caught_up()
    caller = await gateway.caller()
    for issued in (known, other):
        assert (await caller.ask(request("GET", "/contacts/c1", token=issued.secret))).status == 200
    store.stop()
    await gateway.store_is("away")
    store.start()
    aside = await connect(store.dsn, pool_size=1)
    try:
        revision, _ = await Tenants(aside).operate(known, Operation.ROTATE_NOW)
    finally:
        await aside.close()
    await gateway.applied(revision)
    answer = await caller.ask(request("GET", "/contacts/c1", token=known.secret))
    assert (answer.status, answer.code) == (401, "token_revoked")
    assert (await caller.ask(request("GET", "/contacts/c1", token=other.secret))).status == 200


async def test_a_known_token_whose_freshness_ends_in_an_outage_is_not_refused(
    asker: Rig, store: OwnStore
) -> None:
    """Also in the moments before the node has noticed that the store is away."""
    gateway = await gateway_on(asker, store, index__fresh_for="50ms")
    known = await gateway.tenants.issue("contacts.readonly")
    await gateway.caught_up()
    caller = await gateway.caller()
    asked = request("GET", "/contacts/c1", token=known.secret)
    assert (await caller.ask(asked)).status == 200
    store.stop()
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        assert (await caller.ask(asked)).status == 200
        await asyncio.sleep(0.01)


async def test_a_deadline_holds_during_an_outage(asker: Rig, store: OwnStore) -> None:
    gateway = await gateway_on(asker, store)
    known = await gateway.tenants.issue("contacts.readonly")
    revision, _ = await gateway.tenants.operate(known, Operation.ROTATE_LATER, window=timedelta(seconds=3))
    await gateway.applied(revision)
    caller = await gateway.caller()
    asked = request("GET", "/contacts/c1", token=known.secret)
    began = time.monotonic()
    answer = await caller.ask(asked)
    assert answer.status == 200
    store.stop()
    asked_at = began
    while answer.status == 200:
        assert asked_at - began < 4, "the old token passed after its deadline"
        await asyncio.sleep(0.005)
        asked_at = time.monotonic()
        answer = await caller.ask(asked)
    assert (answer.status, answer.code) == (401, "token_rotated")


async def test_serving_from_memory_ends_with_the_grace(asker: Rig, store: OwnStore) -> None:
    gateway = await gateway_on(asker, store, index__outage_grace="1500ms")
    known = await gateway.tenants.issue("contacts.readonly")
    await gateway.caught_up()
    caller = await gateway.caller()
    asked = request("GET", "/contacts/c1", token=known.secret)
    assert (await caller.ask(asked)).status == 200
    store.stop()
    asked_at = stopped_at = time.monotonic()
    answer = await caller.ask(asked)
    while answer.status == 200:
        assert asked_at - stopped_at < 2, "served for longer than the grace"
        await asyncio.sleep(0.01)
        asked_at = time.monotonic()
        answer = await caller.ask(asked)
    judge_unavailable(answer)
    await gateway.store_is("away")
    ready = await gateway.admin("/readyz")
    assert (ready.status, ready.json["ready"]) == (503, False)
    assert (await gateway.admin("/healthz")).status == 200
    store.start()
    await gateway.store_is("up")
    assert (await caller.ask(asked)).status == 200
    assert (await gateway.admin("/readyz")).status == 200


async def test_a_node_ends_in_time_while_the_store_is_away(asker: Rig, store: OwnStore) -> None:
    """What it would tell the store at its end is not worth waiting for, or failing for."""
    upstream = await asker.upstream()
    database = await connect(store.dsn, pool_size=5)
    try:
        route_map = small_map(asker.folder, main=upstream.url)
        configuration = Configuration(settings=settings(asker.folder), route_map=route_map)
        async with running_node(configuration, database, PEPPERS) as node:
            assert node.health().store == "up"
            store.freeze()
            ending = LivedTime()
        assert ending.stop() < 8
    finally:
        store.thaw()
        await database.close()


async def test_a_node_does_not_start_without_a_store(asker: Rig, store: OwnStore) -> None:
    store.stop()
    with pytest.raises(StoreUnavailable):
        await gateway_on(asker, store)
