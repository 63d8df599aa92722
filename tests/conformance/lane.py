"""An upstream of raw sockets, one per lane: it records what comes exactly, and behaves or misbehaves as it is told."""

from __future__ import annotations

import asyncio
import socket
import struct
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha1
from typing import Final

from tests.conformance.case import (
    SERVE,
    Accept,
    AfterAnswer,
    Arrival,
    Close,
    Echo,
    Pause,
    ReadBody,
    Say,
    Script,
    Silence,
)
from tests.conformance.strict import Fault, framing, read_arrival, read_chunks

# So that what is sent before and after it is not read at once: there is no event on this side for "it was read".
APART_SECONDS: Final = 0.02
PROBE: Final = b"probe-"
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Lane:
    """One upstream address, for one case at a time."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.prefix = b"/l%d" % number
        self.port = 0
        self.arrivals: list[Arrival] = []
        self.answered = asyncio.Event()
        self._news: set[asyncio.Event] = set()
        self._script: Script = SERVE
        self._server: asyncio.Server | None = None
        self._tasks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._acting: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<Lane {self.number} port={self.port}, {len(self._tasks)} connections>"

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=2**22)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End every connection."""
        if self._server is not None:
            self._server.close()
        await self._end(list(self._tasks))

    def begin(self, script: Script, news: asyncio.Event) -> None:
        """A case begins; `news` is set whenever something arrives."""
        self.arrivals = []
        self._script = script
        self._news = {news}
        self.answered = asyncio.Event()

    async def end(self) -> tuple[Arrival, ...]:
        """The case is over: what arrived."""
        await self._end(list(self._acting))
        self._news = set()
        arrivals, self.arrivals, self._script = self.arrivals, [], SERVE
        return tuple(arrivals)

    def serve(self) -> None:
        """Back to good manners, while the case is looked at."""
        self._script = SERVE

    async def _end(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks[task] = writer
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        writer = self._tasks.pop(task)
        self._acting.discard(task)
        if not writer.is_closing():
            writer.transport.abort()
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error

    def _tell(self) -> None:
        for event in self._news:
            event.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            while (head := await self._next_head(reader)) is not None:
                arrival = read_arrival(head)
                if PROBE in arrival.target:
                    await _read_body(reader, arrival, lambda: None)
                    writer.write(_echo(arrival))
                    continue
                self.arrivals.append(arrival)
                self._tell()
                self._acting.add(task)
                if arrival.faults:
                    writer.write(
                        b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
                    )
                    break
                for action in self._script:
                    if not await self._act(action, arrival, reader, writer):
                        return
                if not arrival.whole:
                    await _read_body(reader, arrival, self._tell)
                self._acting.discard(task)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        writer.close()

    async def _next_head(self, reader: asyncio.StreamReader) -> bytes | None:
        try:
            return await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            if error.partial:
                self.arrivals.append(Arrival(raw=error.partial, faults=["bytes that are no request"]))
                self._tell()
        except asyncio.LimitOverrunError:
            self.arrivals.append(Arrival(raw=b"", faults=["a head without end"]))
            self._tell()
        return None

    async def _act(
        self,
        action: object,
        arrival: Arrival,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        """One action; False when the connection is not to be read any more."""
        match action:
            case ReadBody():
                await _read_body(reader, arrival, self._tell)
                self._tell()
            case Say(data):
                writer.write(data)
                await writer.drain()
            case Echo():
                writer.write(_echo(arrival))
            case AfterAnswer():
                await self.answered.wait()
            case Pause():
                await asyncio.sleep(APART_SECONDS)
            case Silence():
                await reader.read()
                return False
            case Accept(proof):
                await self._tunnel(proof, arrival, reader, writer)
                return False
            case Close(reset):
                _close(writer, reset=reset)
                return False
        return True

    async def _tunnel(
        self,
        proof: bytes | None,
        arrival: Arrival,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        key = b"".join(arrival.values(b"Sec-WebSocket-Key"))
        accept = b64encode(sha1(key + _GUID, usedforsecurity=False).digest()) if proof is None else proof
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        while data := await reader.read(65536):
            arrival.tunnelled += data
            self._tell()
            writer.write(data)
        writer.close()


def _close(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    if reset:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()


def _echo(arrival: Arrival) -> bytes:
    """An answer that says whose it is."""
    body = arrival.method + b" " + arrival.target
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head if arrival.method == b"HEAD" else head + body


async def _read_body(reader: asyncio.StreamReader, arrival: Arrival, tell: Callable[[], None]) -> None:
    length = framing(arrival.fields)
    if length is None:
        await _read_chunked(reader, arrival)
        return
    while length:
        piece = await reader.read(min(length, 65536))
        if not piece:
            raise asyncio.IncompleteReadError(b"", length)
        arrival.body += piece
        length -= len(piece)
        tell()
    arrival.whole = True


async def _read_chunked(reader: asyncio.StreamReader, arrival: Arrival) -> None:
    """Line by line, so that not a byte of what follows is taken; then the strict reader reads it all."""
    coded = b""
    try:
        while True:
            line = await reader.readuntil(b"\r\n")
            coded += line
            size = int(line.partition(b";")[0].strip() or b"z", 16)
            if not size:
                break
            coded += await reader.readexactly(size + 2)
            arrival.body += coded[-size - 2 : -2]
        while line != b"\r\n":
            line = await reader.readuntil(b"\r\n")
            coded += line
        arrival.body, _ = read_chunks(coded)
    except (ValueError, Fault) as error:
        arrival.faults.append(f"chunked body: {error}")
        raise ConnectionError from None
    arrival.whole = True
