"""The gateway's memory does not grow with what flows through it, nor with what does not flow."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.served import Served, served
from tests.e2e.streams.frames import ASKING, frame, switching
from tests.e2e.streams.net import ROUTES
from tests.proxy.caller import Caller, request
from tests.proxy.recording import OK, Arrival, Line, RecordingUpstream
from tests.wiring.standing import Standing

MIB: Final = 2**20
ALLOWED: Final = 40 * MIB
BLOCK: Final = bytes(256 * 1024)
CHUNK: Final = b"%x\r\n%b\r\n" % (len(BLOCK), BLOCK)
FIGURES: Final = Path(__file__).parents[3] / "build" / "memory.json"


class Net:
    """A gateway process, its upstream in this one, and callers."""

    def __init__(
        self, gateway: Served, upstream: RecordingUpstream, token: str, stack: AsyncExitStack
    ) -> None:
        self.gateway = gateway
        self.upstream = upstream
        self.token = token
        self._stack = stack

    async def caller(self) -> Caller:
        caller = await self.gateway.caller()
        self._stack.callback(caller.leave)
        return caller

    async def warm_up(self) -> None:
        """The first requests load what stays; only growth after them counts."""
        caller = await self.caller()
        for _ in range(20):
            assert (await caller.ask(request("GET", "/plain", token=self.token))).status == 200
        self.gateway.forget_peak()

    async def all_stand_still(self, writers: list[asyncio.StreamWriter]) -> None:
        """Waits until none of them gets rid of another byte."""
        before = None
        async with asyncio.timeout(60):
            while (now := [writer.transport.get_write_buffer_size() for writer in writers]) != before:
                before = now
                await asyncio.sleep(0.3)
        assert all(now), f"there was nothing to hold up: {now}"


@pytest.fixture
async def net(tmp_path: Path, standing: Standing) -> AsyncIterator[Net]:
    async with AsyncExitStack() as stack:
        upstream = RecordingUpstream()
        await upstream.start()
        stack.push_async_callback(upstream.stop)
        routes = ROUTES.replace("MAIN", upstream.url)
        environ = {"LOG__ACCESS": "off", "PROXY__DRAIN": "0s"}
        gateway = await stack.enter_async_context(served(tmp_path, standing.dsn, routes, **environ))
        inner = await stack.enter_async_context(AsyncExitStack())
        yield Net(gateway, upstream, standing.full.secret, inner)


def keep(name: str, *, mebibytes: int, growth: int, seconds: float) -> None:
    """Prints the figures and leaves them where they can be quoted from."""
    told = {
        "mebibytes": mebibytes,
        "peak growth in MiB": round(growth / MIB, 1),
        "seconds": round(seconds, 2),
    }
    print(f"{name}: {told}")
    FIGURES.parent.mkdir(exist_ok=True)
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    FIGURES.write_text(json.dumps({**figures, f"{name}, {mebibytes} MiB": told}, indent=1) + "\n")


SIZES = pytest.mark.parametrize("mebibytes", [256, pytest.param(1024, marks=pytest.mark.bench)])


@SIZES
@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_large_upload_passes_in_little_memory(net: Net, framing: str, mebibytes: int) -> None:
    arrived = 0

    async def script(arrival: Arrival, line: Line) -> None:
        nonlocal arrived
        async for piece in line.pieces(arrival):
            arrived += len(piece)
        await line.send(OK)

    await net.warm_up()
    net.upstream.script = script
    caller = await net.caller()
    size = mebibytes * MIB
    field = b"Content-Length: %d" % size if framing == "length" else b"Transfer-Encoding: chunked"
    began, before = time.monotonic(), net.gateway.resident()
    await caller.send(request("POST", "/files/upload", field, token=net.token))
    for _ in range(size // len(BLOCK)):
        await caller.send(BLOCK if framing == "length" else CHUNK)
    if framing == "chunked":
        await caller.send(b"0\r\n\r\n")
    assert (await caller.answer("POST")).status == 200
    assert arrived == size
    growth = net.gateway.peak() - before
    keep(f"upload, {framing}", mebibytes=mebibytes, growth=growth, seconds=time.monotonic() - began)
    assert growth < ALLOWED


@SIZES
@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
async def test_a_large_download_passes_in_little_memory(net: Net, framing: str, mebibytes: int) -> None:
    size = mebibytes * MIB
    heads = {
        "length": b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size,
        "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "close": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
    }

    async def script(arrival: Arrival, line: Line) -> None:
        await line.send(heads[framing])
        for _ in range(size // len(BLOCK)):
            await line.send(CHUNK if framing == "chunked" else BLOCK)
        if framing == "chunked":
            await line.send(b"0\r\n\r\n")
        elif framing == "close":
            line.close()

    await net.warm_up()
    net.upstream.script = script
    caller = await net.caller()
    began, before = time.monotonic(), net.gateway.resident()
    await caller.send(request("GET", "/plain", b"Connection: close", token=net.token))
    assert (await caller.head())[0] == 200
    read = 0
    while piece := await caller.read(MIB):
        read += len(piece)
    assert read == size if framing == "length" else read > size
    growth = net.gateway.peak() - before
    keep(f"download, {framing}", mebibytes=mebibytes, growth=growth, seconds=time.monotonic() - began)
    assert growth < ALLOWED


async def test_callers_that_never_read_and_upstreams_that_never_stop_cost_little(net: Net) -> None:
    """Answers and sockets at once, more than the allowance would hold if a megabyte each were kept."""

    async def script(arrival: Arrival, line: Line) -> None:
        if arrival.values(b"Upgrade"):
            await line.send(switching(arrival))
            line.writer.write(frame(BLOCK) * 200)
        else:
            await line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            line.writer.write(CHUNK * 200)
        await line.ended()

    await net.warm_up()
    net.upstream.script = script
    before = net.gateway.resident()
    for number in range(40):
        caller = await net.caller()
        fields = ASKING if number % 2 else ()
        await caller.send(request("GET", "/socket/s1", *fields, token=net.token))
        await caller.head()
    await net.all_stand_still([line.writer for line in net.upstream.lines[-40:]])
    growth = net.gateway.peak() - before
    keep("40 callers that never read", mebibytes=40 * 50, growth=growth, seconds=0)
    assert growth < ALLOWED


async def test_upstreams_that_never_read_and_callers_that_never_stop_cost_little(net: Net) -> None:
    async def script(arrival: Arrival, line: Line) -> None:
        line.writer.transport.pause_reading()  # type: ignore[attr-defined]
        if arrival.values(b"Upgrade"):
            await line.send(switching(arrival))
        await never.wait()

    never = asyncio.Event()
    await net.warm_up()
    net.upstream.script = script
    before = net.gateway.resident()
    callers = []
    for number in range(40):
        caller = await net.caller()
        callers.append(caller)
        if number % 2:
            await caller.send(request("GET", "/socket/s1", *ASKING, token=net.token))
            await caller.head()
            caller._writer.write(frame(BLOCK, masked=True) * 200)
        else:
            chunked = b"Transfer-Encoding: chunked"
            await caller.send(request("POST", "/files/upload", chunked, token=net.token))
            caller._writer.write(CHUNK * 200)
    await net.all_stand_still([caller._writer for caller in callers])
    growth = net.gateway.peak() - before
    keep("40 upstreams that never read", mebibytes=40 * 50, growth=growth, seconds=0)
    assert growth < ALLOWED
