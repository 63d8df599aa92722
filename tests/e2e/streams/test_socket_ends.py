"""How WebSockets end: whatever one end says or fails to say is what the other hears."""

from __future__ import annotations

import asyncio

import pytest
from websockets.asyncio.server import ServerConnection

from tests.e2e.streams.frames import (
    ASKING,
    CLOSE,
    TEXT,
    close_code,
    frame,
    read_frame,
    switching,
)
from tests.e2e.streams.net import Exactly, connected, socket_service, stream_map, streaming
from tests.proxy.caller import request
from tests.proxy.recording import Arrival, Line
from tests.wiring.rig import PATIENCE_SECONDS, Rig


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
async def test_the_callers_close_code_reaches_the_service(rig: Rig, code: int) -> None:
    closed: asyncio.Future[tuple[int | None, str | None]] = asyncio.get_running_loop().create_future()

    async def waiting(socket: ServerConnection) -> None:
        await socket.wait_closed()
        closed.set_result((socket.close_code, socket.close_reason))

    url = await socket_service(rig, waiting)
    gateway = await rig.gateway(stream_map(rig, url))
    async with connected(gateway, rig.token) as socket:
        await socket.close(code, "the cäller's reason")
        assert socket.close_code == code
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await closed == (code, "the cäller's reason")


@pytest.mark.parametrize("code", [1000, 1011, 3000, 4999])
async def test_the_services_close_code_reaches_the_caller(rig: Rig, code: int) -> None:
    async def closing(socket: ServerConnection) -> None:
        await socket.send("bye")
        await socket.close(code, "the service's reason")

    url = await socket_service(rig, closing)
    gateway = await rig.gateway(stream_map(rig, url))
    async with connected(gateway, rig.token) as socket:
        assert await socket.recv() == "bye"
        await socket.wait_closed()
        assert (socket.close_code, socket.close_reason) == (code, "the service's reason")


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_service_that_goes_without_a_close_frame_is_not_made_to_have_sent_one(
    rig: Rig, how: str
) -> None:
    """The caller's library reports 1006, as it would without the gateway."""

    async def script(arrival: Arrival, line: Line) -> None:
        await line.send(switching(arrival) + frame(b"hello", TEXT) + frame(bytes(100))[:50])
        (line.close if how == "close" else line.reset)()

    gateway = await streaming(rig, await rig.upstream(script))
    caller = await gateway.caller()
    await caller.send(request("GET", "/socket/s1", *ASKING, token=rig.token))
    assert (await caller.head())[0] == 101
    rest = await caller.rest()
    expected = frame(b"hello", TEXT) + frame(bytes(100))[:50]
    # A reset may overtake what was sent before it, but nothing is put in its place.
    assert rest == expected if how == "close" else expected.startswith(rest)


async def test_a_caller_that_goes_without_a_close_frame_ends_the_services_socket(rig: Rig) -> None:
    ended: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def waiting(socket: ServerConnection) -> None:
        await socket.send("hello")
        await socket.wait_closed()
        ended.set_result(socket.close_code)

    url = await socket_service(rig, waiting)
    gateway = await rig.gateway(stream_map(rig, url))
    async with connected(gateway, rig.token) as socket:
        await socket.recv()
        socket.transport.abort()
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await ended == 1006


async def test_a_gateway_that_stops_tells_its_sockets_that_it_goes_away(rig: Rig) -> None:
    """Both ends, so that clients come back at another node and services free what they hold."""
    told: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def waiting(socket: ServerConnection) -> None:
        await socket.send("hello")
        await socket.wait_closed()
        told.set_result(socket.close_code)

    url = await socket_service(rig, waiting)
    gateway = await rig.gateway(stream_map(rig, url))
    async with connected(gateway, rig.token) as socket:
        await socket.recv()
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await gateway.node.drain()
            await socket.wait_closed()
            assert (socket.close_code, await told) == (1001, 1001)


async def test_a_close_that_the_caller_begins_is_finished_by_the_service(rig: Rig) -> None:
    """The answering Close frame comes from the other end, whole, and before the connection ends."""

    async def script(arrival: Arrival, line: Line) -> None:
        await line.send(switching(arrival))
        opcode, payload = await read_frame(Exactly(line))
        assert (opcode, close_code(payload)) == (CLOSE, (4000, "enough"))
        await line.send(frame(bytes(100_000)) + frame(payload, CLOSE))
        line.close()

    gateway = await streaming(rig, await rig.upstream(script))
    caller = await gateway.caller()
    await caller.send(request("GET", "/socket/s1", *ASKING, token=rig.token))
    assert (await caller.head())[0] == 101
    await caller.send(frame((4000).to_bytes(2, "big") + b"enough", CLOSE, masked=True))
    assert len((await read_frame(caller))[1]) == 100_000
    opcode, payload = await read_frame(caller)
    assert (opcode, close_code(payload)) == (CLOSE, (4000, "enough"))
    assert await caller.rest() == b""
