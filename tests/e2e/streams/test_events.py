"""Server-Sent Events and other answers without an end in sight pass piece by piece, as they come."""

from __future__ import annotations

import asyncio

import pytest

from tests.e2e.streams.net import streaming
from tests.proxy.caller import request
from tests.proxy.recording import Arrival, Line
from tests.wiring.rig import PATIENCE_SECONDS, Rig

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 1600\r\n\r\n"
CLOSING = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
EVENTS = [b"data: %08d\n\n" % number for number in range(100)]


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
@pytest.mark.parametrize("head", [CHUNKED, LENGTH, CLOSING], ids=["chunked", "length", "close"])
async def test_each_event_passes_before_the_next_is_sent(rig: Rig, head: bytes, version: bytes) -> None:
    """Whoever collects two events, or a buffer full, waits for ever here."""
    seen = asyncio.Semaphore(0)

    async def script(arrival: Arrival, line: Line) -> None:
        await line.send(head)
        for event in EVENTS:
            await seen.acquire()
            await line.send(b"%x\r\n%b\r\n" % (len(event), event) if head is CHUNKED else event)
        await line.send(b"0\r\n\r\n" if head is CHUNKED else b"")
        if head is CLOSING:
            line.close()

    gateway = await streaming(rig, await rig.upstream(script))
    caller = await gateway.caller()
    asked = request("GET", "/events/e1", token=rig.token).replace(b"HTTP/1.1", b"HTTP/" + version)
    await caller.send(asked)
    status, fields = await caller.head()
    assert (status, dict(fields)[b"Content-Type"]) == (200, b"text/event-stream")
    framed = dict(fields).get(b"Transfer-Encoding") == b"chunked"
    assert framed is (head is not LENGTH and version == b"1.1")
    for event in EVENTS:
        seen.release()
        expected = b"%x\r\n%b\r\n" % (len(event), event) if framed else event
        assert await caller.exactly(len(expected)) == expected
    if framed:
        assert await caller.exactly(5) == b"0\r\n\r\n"
    if version == b"1.0":
        assert await caller.rest() == b""


async def test_a_silent_stream_lives_as_long_as_silence_is_allowed_and_a_comment_renews_it(rig: Rig) -> None:
    """Heartbeats are bytes as any other."""
    stopped = asyncio.Event()

    async def script(arrival: Arrival, line: Line) -> None:
        await line.send(CHUNKED)
        for _ in range(8):
            await asyncio.sleep(0.45)
            await line.send(b"2\r\n:\n\r\n")
        await line.ended()
        stopped.set()

    gateway = await streaming(rig, await rig.upstream(script), upstream__timeouts__silence="3s")
    caller = await gateway.caller()
    await caller.send(request("GET", "/events/e1", token=rig.token))
    answer = await caller.answer()
    assert (answer.body, answer.whole) == (b":\n" * 8, False)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await stopped.wait()


async def test_a_caller_that_closes_its_stream_ends_the_upstreams(rig: Rig) -> None:
    stopped = asyncio.Event()

    async def script(arrival: Arrival, line: Line) -> None:
        await line.send(CHUNKED + b"2\r\n:\n\r\n")
        await line.ended()
        stopped.set()

    gateway = await streaming(rig, await rig.upstream(script))
    caller = await gateway.caller()
    await caller.send(request("GET", "/events/e1", token=rig.token))
    await caller.head()
    await caller.exactly(7)
    caller.leave()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await stopped.wait()
