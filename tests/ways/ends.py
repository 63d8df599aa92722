"""The two ends of the network: an upstream that writes down each byte and says what a talk tells it to, and a caller."""

from __future__ import annotations

import asyncio
from typing import cast

from tests.conformance.strict import Fault, Incomplete, framing, read_arrival, read_chunks
from tests.ways.talk import Arrived, Packet, Reply, Talk


class End(asyncio.Protocol):
    """One end of a connection, with a count of what went through it. `ended` is how the other side ended it."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.port = 0
        self.sent = 0
        self.received = bytearray()
        self.ended = ""
        self.finished = False  # this side said that no more is coming
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.port = self._gateway_port(transport)

    def _gateway_port(self, transport: asyncio.BaseTransport) -> int:
        return cast(int, transport.get_extra_info("sockname")[1])

    def data_received(self, data: bytes) -> None:
        self.received += data

    def eof_received(self) -> bool:
        self.ended = "closed"
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if exc is not None and not self.ended:
            self.ended = "reset"

    def send(self, data: bytes) -> None:
        assert self.transport is not None
        if not self.lost:
            self.sent += len(data)
            self.transport.write(data)

    def finish(self) -> None:
        assert self.transport is not None
        self.finished = True
        if not self.lost and not self.transport.is_closing():
            self.transport.write_eof()

    def close(self) -> None:
        if self.transport is not None:
            self.transport.abort()


class UpstreamEnd(End):
    """A connection on which one request after the other is read to its end, and answered."""

    def __init__(self, upstream: Upstream) -> None:
        super().__init__()
        self._upstream = upstream
        self._served = 0
        self.unread = b""
        self.saying: list[bytes] = []
        self.closes = False
        self._answered_early = False

    def _gateway_port(self, transport: asyncio.BaseTransport) -> int:
        return cast(int, transport.get_extra_info("peername")[1])

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.unread += data
        try:
            self._read_on()
        except Fault as fault:
            self._upstream.faults.append(f"{fault}: {self.unread[:400]!r}")

    def _read_on(self) -> None:
        while (size := size_of(self.unread)) is not None:
            request, self.unread = self.unread[:size], self.unread[size:]
            self._upstream.arrived.append(Arrived(request, self._served == 0))
            self._served += 1
            self._answer(request)
        if self._upstream.talk.early and b"\r\n\r\n" in self.unread and not self._answered_early:
            self._answered_early = True
            self._answer(self.unread)

    def eof_received(self) -> bool:
        super().eof_received()
        return False

    def _answer(self, request: bytes) -> None:
        reply = self._upstream.next_reply(request.partition(b" ")[0])
        self.saying += reply.packet.pieces() if self._upstream.apart else [reply.packet.data]
        self.closes = self.closes or reply.closes

    def go_on(self, *, is_read: bool) -> bool:
        """Say the next piece if all before it has been read; whether there was anything to do."""
        if self.lost or not is_read:
            return False
        if self.saying:
            self.send(self.saying.pop(0))
            return True
        if self.closes and not self.finished:
            assert self.transport is not None
            self.finished = True
            self.transport.close()
            return True
        return False


class Upstream:
    """Listens between `start` and `stop`. `talk` is the one under way, `apart` whether replies go out in pieces."""

    def __init__(self) -> None:
        self.port = 0
        self.talk = Talk("none", (), 0, _no_reply)
        self.apart = False
        self.arrived: list[Arrived] = []
        self.faults: list[str] = []
        self.ends: list[UpstreamEnd] = []
        self._replies = 0
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for end in self.ends:
            end.close()

    def begin(self, talk: Talk, *, apart: bool) -> None:
        """Another talk begins. What has ended of the connections is forgotten."""
        self.talk, self.apart = talk, apart
        self.ends = [end for end in self.ends if not end.lost]
        self.arrived, self._replies = [], 0

    def next_reply(self, method: bytes) -> Reply:
        reply = self.talk.reply(self._replies, method)
        self._replies += 1
        return reply

    def _accept(self) -> UpstreamEnd:
        end = UpstreamEnd(self)
        self.ends.append(end)
        return end


def _no_reply(number: int, method: bytes) -> Reply:
    return Reply(Packet(b"HTTP/1.1 500 Nobody asked\r\nContent-Length: 0\r\n\r\n"))


def size_of(data: bytes) -> int | None:
    """Bytes of the request at the beginning, or None where it has not ended. Raises Fault for what no gateway may send."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    arrival = read_arrival(data[: end + 4])
    if arrival.faults:
        raise Fault("; ".join(arrival.faults))
    length = framing(arrival.fields)
    if length is None:
        try:
            return end + 4 + read_chunks(data[end + 4 :])[1]
        except Incomplete:
            return None
    return end + 4 + length if len(data) >= end + 4 + length else None
