"""What a connection took is free again when it ends, and not only when garbage is collected."""

from __future__ import annotations

import asyncio
import gc
import time

import pytest

from gateway.proxy.connection import ProxyConnection
from tests.proxy.caller import SECONDS, Ended, request
from tests.proxy.recording import OK, Arrival, Line
from tests.wiring.rig import Rig


def connections() -> int:
    """How many are in memory, in use or not."""
    return sum(type(each) is ProxyConnection for each in gc.get_objects())


async def test_a_closed_connection_leaves_nothing_for_the_garbage_collector(rig: Rig) -> None:
    """Else thousands pile up, until a collection stops all requests to look for them."""
    gateway = await rig.gateway(await rig.upstream())
    gc.collect()
    gc.disable()
    try:
        before = connections()
        for number in range(5):
            caller = await gateway.caller()
            assert (await caller.ask(request("GET", f"/contacts/c{number}", token=rig.token))).status == 200
            body = b"x" * 100_000
            assert (await caller.ask(request("POST", "/contacts/", token=rig.token, body=body))).status == 200
            assert (await caller.ask(request("GET", "/nowhere", token=rig.token))).status == 404
            await caller.send(b"GET / HTTP/1.1\r\nbad field\r\n\r\n")
            assert (await caller.answer()).status == 400
            with pytest.raises(Ended):
                await caller.answer()
            await caller.close()
        async with asyncio.timeout(SECONDS):
            while connections() > before:  # noqa: ASYNC110 - connections end in the loop's own time
                await asyncio.sleep(0.02)
    finally:
        gc.enable()


async def test_a_request_that_was_looked_at_leaves_nothing_either(rig: Rig) -> None:
    """What keeps time over a slow request is not kept with it."""
    looked_at = asyncio.Event()

    async def answer(arrival: Arrival, line: Line) -> None:
        await line.read_body(arrival)
        await looked_at.wait()
        await line.send(OK)

    upstream = await rig.upstream(answer)
    gateway = await rig.gateway(upstream)
    gc.collect()
    gc.disable()
    try:
        before = connections()
        caller = await gateway.caller()
        await caller.send(request("GET", "/contacts/c1", token=rig.token))
        await upstream.arrived(1)
        gateway.node._proxy._look(time.monotonic())
        looked_at.set()
        assert (await caller.answer()).status == 200
        await caller.close()
        async with asyncio.timeout(SECONDS):
            while connections() > before:  # noqa: ASYNC110 - connections end in the loop's own time
                await asyncio.sleep(0.02)
    finally:
        gc.enable()
