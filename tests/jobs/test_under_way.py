"""Streams and sockets that are open are seen by the flush: else a token that does nothing else would pass for unused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.jobs.under_way import under_way
from tests.e2e.streams.frames import switching
from tests.e2e.streams.net import streaming
from tests.proxy.caller import Caller, request
from tests.proxy.recording import Arrival, Line
from tests.wiring.rig import Gateway, Rig

SOCKET = (
    b"Connection: Upgrade",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


async def open_for_ever(arrival: Arrival, line: Line) -> None:
    if arrival.value(b"Upgrade"):
        await line.send(switching(arrival))
    else:
        await line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n.\r\n")
    await line.ended()


@pytest.fixture
async def gateway(rig: Rig) -> AsyncIterator[Gateway]:
    yield await streaming(rig, await rig.upstream(open_for_ever))
    await rig.close()


def tokens(gateway: Gateway) -> list[str]:
    return [trail.token_id for trail in under_way(gateway.node._proxy)]


@pytest.mark.parametrize("fields", [(), SOCKET], ids=["a stream", "a socket"])
async def test_what_is_open_is_under_way_and_what_has_ended_is_not(
    rig: Rig, gateway: Gateway, fields: tuple[bytes, ...]
) -> None:
    caller: Caller = await gateway.caller()
    idle = await gateway.caller()
    target = "/socket/s1" if fields else "/events/e1"
    await caller.send(request("GET", target, *fields, token=rig.token))
    status, _ = await caller.head()
    assert status == (101 if fields else 200)
    assert tokens(gateway) == [rig.standing.full.token_id], "and an idle connection is nothing"
    caller.leave()
    async with asyncio.timeout(30):
        while tokens(gateway):  # noqa: ASYNC110 - the end of a connection has no event here
            await asyncio.sleep(0.005)
    await idle.close()
