"""One side goes in the middle: the other side's work ends at once, and what is incomplete is seen to be."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import struct

import pytest

from gateway.proxy.connection import ProxyConnection
from tests.e2e.streams.net import streaming
from tests.proxy.caller import Caller, request
from tests.proxy.recording import Arrival, Line, RecordingUpstream
from tests.wiring.rig import PATIENCE_SECONDS, Gateway, Rig

# One look at a paused caller is a second away; without any, silence would end it after a minute.
AT_ONCE_SECONDS = 20.0
BLOCK = bytes(2**18)


class Watching:
    """A script that does one thing, then reads on and tells when its connection has ended."""

    def __init__(self, first: bytes = b"", *, flood: bool = False, deaf: bool = False) -> None:
        self.ended = asyncio.Event()
        self._first = first
        self._flood = flood
        self._deaf = deaf

    async def __call__(self, arrival: Arrival, line: Line) -> None:
        try:
            if self._first:
                await line.send(self._first)
            while self._flood:
                await line.send(b"%x\r\n%b\r\n" % (len(BLOCK), BLOCK))
            if self._deaf:
                line.writer.transport.pause_reading()  # type: ignore[attr-defined]
                while not line.closing:
                    await asyncio.sleep(0.01)
                    line.writer.write(b"")
                    _raise_if_gone(line)
            await line.ended()
        except ConnectionError:
            pass
        self.ended.set()

    async def wait(self) -> None:
        async with asyncio.timeout(AT_ONCE_SECONDS):
            await self.ended.wait()


def _raise_if_gone(line: Line) -> None:
    poll = select.poll()
    poll.register(line.writer.get_extra_info("socket").fileno(), select.POLLRDHUP | select.POLLHUP)
    if poll.poll(0):
        raise ConnectionResetError


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


async def opened(rig: Rig, script: Watching) -> tuple[Gateway, RecordingUpstream, Caller]:
    upstream = await rig.upstream(script)
    gateway = await streaming(rig, upstream)
    return gateway, upstream, await gateway.caller()


def only_connection(gateway: Gateway) -> ProxyConnection:
    (connection,) = gateway.node._proxy.connections
    assert isinstance(connection, ProxyConnection)
    return connection


def go(caller: Caller, how: str) -> None:
    """Leave: by a reset, or by closing while there is nothing to be read."""
    if how == "reset":
        raw = caller._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        caller.leave()
    else:
        caller._writer.close()


WAYS = pytest.mark.parametrize("how", ["close", "reset"])


@WAYS
async def test_a_caller_that_leaves_while_it_waits_ends_the_upstreams_work(rig: Rig, how: str) -> None:
    script = Watching()
    _, upstream, caller = await opened(rig, script)
    await caller.send(request("GET", "/plain", token=rig.token))
    await upstream.arrived(1)
    go(caller, how)
    await script.wait()


@WAYS
async def test_a_caller_that_leaves_in_its_upload_ends_the_upstreams_work(rig: Rig, how: str) -> None:
    script = Watching()
    _, upstream, caller = await opened(rig, script)
    await caller.send(
        request("POST", "/files/upload", b"Content-Length: 1000000", token=rig.token) + b"x" * 1000
    )
    await upstream.arrived(1)
    go(caller, how)
    await script.wait()
    assert not upstream.arrivals[0].whole


@WAYS
async def test_a_caller_that_leaves_in_its_download_ends_the_upstreams_work(rig: Rig, how: str) -> None:
    script = Watching(CHUNKED + b"5\r\nhello\r\n")
    _, _, caller = await opened(rig, script)
    await caller.send(request("GET", "/plain", token=rig.token))
    assert (await caller.head())[0] == 200
    go(caller, how)
    await script.wait()


@WAYS
async def test_a_caller_that_leaves_a_download_it_does_not_read_ends_the_upstreams_work(
    rig: Rig, how: str
) -> None:
    """The gateway has stopped reading from the upstream: it waits for the caller to take more."""
    script = Watching(CHUNKED, flood=True)
    gateway, _, caller = await opened(rig, script)
    await caller.send(request("GET", "/plain", token=rig.token))
    assert (await caller.head())[0] == 200
    connection = only_connection(gateway)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while connection.writable:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
    go(caller, how)
    await script.wait()


async def test_a_caller_that_leaves_an_upload_nobody_reads_ends_the_upstreams_work(rig: Rig) -> None:
    """The gateway has stopped reading from the caller, so the end of its bytes cannot be read either.

    And an upstream that does not read sees no end behind megabytes that it has not taken: only a reset tells it.
    """
    script = Watching(deaf=True)
    gateway, _, caller = await opened(rig, script)
    await caller.send(request("POST", "/files/upload", b"Content-Length: 1000000000", token=rig.token))
    with contextlib.suppress(ConnectionError):
        caller._writer.write(bytes(64 * 2**20))
    connection = only_connection(gateway)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while connection._reading:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
    go(caller, "reset")  # an end would stand behind what nobody reads
    await script.wait()


DYING = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 500,
    "chunked": CHUNKED + b"1f4\r\n" + b"x" * 500 + b"\r\n",
    "inside a chunk": CHUNKED + b"3e8\r\n" + b"x" * 500,
    "before the last line": CHUNKED + b"1f4\r\n" + b"x" * 500 + b"\r\n0\r\n",
}


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
@pytest.mark.parametrize("death", ["close", "reset"])
@pytest.mark.parametrize("name", DYING)
async def test_an_upstream_that_dies_in_its_answer_leaves_a_broken_body(
    rig: Rig, name: str, death: str, version: bytes
) -> None:
    """However it was framed: by a length that is not reached, by chunks without a last one, by a reset."""
    seen = asyncio.Event()

    async def script(arrival: Arrival, line: Line) -> None:
        await line.send(DYING[name])
        await seen.wait()
        (line.close if death == "close" else line.reset)()

    gateway = await streaming(rig, await rig.upstream(script))
    caller = await gateway.caller()
    await caller.send(request("GET", "/plain", token=rig.token).replace(b"HTTP/1.1", b"HTTP/" + version))
    _, fields = await caller.head()
    framing = {field for field, _ in fields} & {b"Content-Length", b"Transfer-Encoding"}
    read = b""
    while read.count(b"x") < 500:
        read += await caller.read(65536)
    seen.set()
    try:
        read += await caller.rest()
    except ConnectionResetError:
        return  # nobody takes it for an end
    assert framing, "the end of the connection would pass for the end of the body"
    assert read.count(b"x") == 500
    assert not read.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("death", ["close", "reset"])
async def test_an_upstream_that_dies_in_the_callers_upload_is_502_and_not_sent_again(
    rig: Rig, death: str
) -> None:
    async def script(arrival: Arrival, line: Line) -> None:
        await line.reader.readexactly(1000)
        (line.close if death == "close" else line.reset)()

    upstream = await rig.upstream(script)
    gateway = await streaming(rig, upstream)
    caller = await gateway.caller()
    await caller.send(
        request("POST", "/files/upload", b"Content-Length: 100000", token=rig.token) + b"x" * 2000
    )
    answer = await caller.answer("POST")
    assert (answer.status, answer.code) == (502, "upstream_bad_response")
    assert len(upstream.arrivals) == 1
