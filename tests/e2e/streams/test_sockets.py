"""WebSockets through the gateway: what two ends say to each other is theirs, byte for byte."""

from __future__ import annotations

import asyncio
import os

import pytest
import websockets
from websockets.asyncio.server import ServerConnection

from tests.e2e.streams.frames import (
    ASKING,
    BINARY,
    PING,
    TEXT,
    frame,
    read_frame,
    switching,
)
from tests.e2e.streams.net import Exactly, connected, echo, socket_service, stream_map, streaming
from tests.proxy.caller import request
from tests.proxy.recording import Arrival, Line
from tests.wiring.rig import PATIENCE_SECONDS, Rig

MEGABYTE = 2**20


async def test_messages_of_each_sort_and_size_pass_both_ways(rig: Rig) -> None:
    messages: list[str | bytes] = [
        "",
        "hellø",
        b"",
        b"\x00",
        os.urandom(125),
        os.urandom(126),
        os.urandom(65536),
        "x" * 70_000,
    ]
    url = await socket_service(rig, echo)
    gateway = await rig.gateway(stream_map(rig, url))
    async with connected(gateway, rig.token) as socket:
        for message in messages:
            await socket.send(message)
            assert await socket.recv() == message


async def test_frames_of_ten_megabytes_pass_both_ways(rig: Rig) -> None:
    big = os.urandom(10 * MEGABYTE)
    url = await socket_service(rig, echo, compression=None)
    gateway = await rig.gateway(stream_map(rig, url))
    async with connected(gateway, rig.token, compression=None) as socket:
        await socket.send(big)
        assert await socket.recv() == big


async def test_a_message_in_fragments_arrives_in_the_same_fragments(rig: Rig) -> None:
    """And a ping may stand between them."""

    async def script(arrival: Arrival, line: Line) -> None:
        await line.send(switching(arrival))
        fragments = [await read_frame(Exactly(line)) for _ in range(4)]
        assert fragments == [(TEXT, b"a"), (PING, b"p"), (0, b"b" * 200), (0, b"")]
        await line.send(frame(b"x", fin=False) + frame(b"p", PING) + frame(b"y", 0))
        await line.ended()

    gateway = await streaming(rig, await rig.upstream(script))
    caller = await gateway.caller()
    await caller.send(request("GET", "/socket/s1", *ASKING, token=rig.token))
    assert (await caller.head())[0] == 101
    sent = [
        frame(b"a", TEXT, fin=False, masked=True),
        frame(b"p", PING, masked=True),
        frame(b"b" * 200, 0, fin=False, masked=True),
        frame(b"", 0, masked=True),
    ]
    await caller.send(b"".join(sent))
    assert [await read_frame(caller) for _ in range(3)] == [(BINARY, b"x"), (PING, b"p"), (0, b"y")]


async def test_pings_of_both_ends_are_answered_by_the_other_end(rig: Rig) -> None:
    async def pinging(socket: ServerConnection) -> None:
        latency = await (await socket.ping(b"from the service"))
        await socket.send(str(latency >= 0))
        await socket.wait_closed()

    url = await socket_service(rig, pinging)
    gateway = await rig.gateway(stream_map(rig, url))
    async with connected(gateway, rig.token) as socket:
        assert await socket.recv() == "True"
        assert await (await socket.ping(b"from the caller")) >= 0


async def test_subprotocol_and_compression_are_negotiated_by_the_ends(rig: Rig) -> None:
    """The gateway changes neither what is offered nor what is chosen, nor a compressed byte."""
    offered = b"permessage-deflate; client_max_window_bits=12, x-unknown; q=1"
    chosen = b"permessage-deflate; client_max_window_bits=10"
    compressed = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"  # RFC 7692 section 7.2.3.1, RSV1 set

    async def script(arrival: Arrival, line: Line) -> None:
        assert arrival.values(b"Sec-WebSocket-Extensions") == [offered]
        assert arrival.values(b"Sec-WebSocket-Protocol") == [b"v3, v2"]
        assert arrival.values(b"Upgrade") == [b"websocket"]
        assert arrival.values(b"Connection") == [b"Upgrade"]
        assert arrival.values(b"Authorization") == []
        fields = (b"Sec-WebSocket-Extensions: " + chosen, b"Sec-WebSocket-Protocol: v2")
        await line.send(switching(arrival, *fields) + compressed)
        await line.ended()

    gateway = await streaming(rig, await rig.upstream(script))
    caller = await gateway.caller()
    fields = (b"Sec-WebSocket-Extensions: " + offered, b"Sec-WebSocket-Protocol: v3, v2")
    await caller.send(request("GET", "/socket/s1", *ASKING, *fields, token=rig.token))
    status, answered = await caller.head()
    assert status == 101
    assert dict(answered)[b"Sec-WebSocket-Extensions"] == chosen
    assert dict(answered)[b"Sec-WebSocket-Protocol"] == b"v2"
    assert await caller.exactly(len(compressed)) == compressed


async def test_frames_sent_before_the_101_arrives_wait_for_it(rig: Rig) -> None:
    ready = asyncio.Event()

    async def script(arrival: Arrival, line: Line) -> None:
        await ready.wait()
        await line.send(switching(arrival))
        assert await read_frame(Exactly(line)) == (TEXT, b"early")
        await line.send(frame(b"got it", TEXT))
        await line.ended()

    upstream = await rig.upstream(script)
    gateway = await streaming(rig, upstream)
    caller = await gateway.caller()
    await caller.send(
        request("GET", "/socket/s1", *ASKING, token=rig.token) + frame(b"early", TEXT, masked=True)
    )
    await upstream.arrived(1)
    ready.set()
    assert (await caller.head())[0] == 101
    assert await read_frame(caller) == (TEXT, b"got it")


async def test_a_public_route_may_be_a_socket(rig: Rig) -> None:
    url = await socket_service(rig, echo)
    gateway = await rig.gateway(stream_map(rig, url))
    port = gateway.node.proxy_port
    async with websockets.connect(f"ws://127.0.0.1:{port}/open", proxy=None) as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"


async def test_a_silent_socket_outlives_every_time_out(rig: Rig) -> None:
    url = await socket_service(rig, echo)
    gateway = await rig.gateway(
        stream_map(rig, url),
        proxy__timeouts__head="1s",
        proxy__timeouts__idle="1s",
        proxy__timeouts__body="1s",
        upstream__timeouts__silence="1s",
        upstream__timeouts__first_byte="1s",
    )
    async with connected(gateway, rig.token) as socket:
        await asyncio.sleep(2.5)  # the silence that is meant
        await socket.send("still here")
        assert await socket.recv() == "still here"


@pytest.mark.parametrize("direction", ["to the caller", "to the service"])
async def test_whoever_reads_slowly_holds_up_whoever_writes(rig: Rig, direction: str) -> None:
    """The writer gets only as far as the buffers between the two: the gateway keeps no backlog."""
    block = frame(bytes(MEGABYTE), masked=direction == "to the service")
    limit = 64

    async def script(arrival: Arrival, line: Line) -> None:
        await line.send(switching(arrival))
        if direction == "to the caller":
            for _ in range(limit):
                line.writer.write(block)
        await go_on.wait()
        if direction == "to the service":
            for _ in range(limit):
                assert len((await read_frame(Exactly(line)))[1]) == MEGABYTE
            await line.send(frame(b"all", TEXT))
        await line.ended()

    go_on = asyncio.Event()
    upstream = await rig.upstream(script)
    gateway = await streaming(rig, upstream)
    caller = await gateway.caller()
    await caller.send(request("GET", "/socket/s1", *ASKING, token=rig.token))
    assert (await caller.head())[0] == 101
    if direction == "to the caller":
        writer = upstream.lines[0].writer
    else:
        writer = caller._writer
        for _ in range(limit):
            writer.write(block)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await settled(writer)
    # The kernel holds a few megabytes for each of the two connections; the rest is still the writer's.
    assert writer.transport.get_write_buffer_size() > (limit - 30) * MEGABYTE
    go_on.set()
    if direction == "to the caller":
        for _ in range(limit):
            assert len((await read_frame(caller))[1]) == MEGABYTE
    else:
        assert await read_frame(caller) == (TEXT, b"all")


async def settled(writer: asyncio.StreamWriter) -> None:
    """Waits until nothing more leaves this writer."""
    before = -1
    while (now := writer.transport.get_write_buffer_size()) != before:
        before = now
        await asyncio.sleep(0.15)
