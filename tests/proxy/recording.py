"""An upstream made of bare sockets: it records the exact bytes of each request and answers by a script.

A script may misbehave in any way; the recording half is strict, and what it finds wrong is a fault that fails the test.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

# Only what fails takes so long.
SECONDS = 30.0
_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) (/[\x21-\x7e]*) HTTP/1\.1")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ?([\t\x20-\x7e\x80-\xff]*)")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(slots=True, kw_only=True, eq=False)
class Arrival:
    """One request as it came. `body` grows while it is read; `whole` once it has ended as its framing says."""

    head: bytes
    method: str
    target: str
    fields: tuple[tuple[bytes, bytes], ...]
    connection: int
    body: bytes = b""
    whole: bool = False
    cut: bool = False

    def values(self, name: bytes) -> list[bytes]:
        """The values of a field, its name taken as CGI does: in any case, `_` for `-`."""
        alike = name.lower().replace(b"_", b"-")
        return [value for other, value in self.fields if other.lower().replace(b"_", b"-") == alike]

    def value(self, name: bytes) -> bytes | None:
        values = self.values(name)
        assert len(values) <= 1, f"{name!r} stands {len(values)} times in {self.fields}"
        return values[0] if values else None


class Line:
    """One connection, from the upstream's side."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.reader = reader
        self.writer = writer
        self.number = number

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def read_body(self, arrival: Arrival) -> None:
        """Read the body to its end, strictly; a connection that ends before leaves `cut`."""
        try:
            async for piece in self.pieces(arrival):
                arrival.body += piece
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            arrival.body += getattr(error, "partial", b"")
            arrival.cut = True
            raise asyncio.IncompleteReadError(b"", None) from None

    async def pieces(self, arrival: Arrival):  # type: ignore[no-untyped-def] # an async generator of bytes
        """The body, piece by piece as it comes."""
        length = arrival.value(b"Content-Length")
        coding = arrival.value(b"Transfer-Encoding")
        assert length is None or coding is None, "two framings"
        if coding is not None:
            assert coding == b"chunked"
            while size := int((await self.reader.readuntil(b"\r\n"))[:-2], 16):
                yield await self.reader.readexactly(size)
                assert await self.reader.readexactly(2) == b"\r\n"
            assert await self.reader.readexactly(2) == b"\r\n", "trailers"
        else:
            remaining = int(length or 0)
            while remaining:
                piece = await self.reader.read(min(remaining, 256 * 1024))
                if not piece:
                    raise asyncio.IncompleteReadError(b"", remaining)
                remaining -= len(piece)
                yield piece
        arrival.whole = True

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def ended(self) -> bytes:
        """Waits for the other side to end the connection; what it still sent."""
        try:
            return await self.reader.read()
        except ConnectionError:
            return b""

    @property
    def closing(self) -> bool:
        return self.writer.is_closing()


Script = Callable[[Arrival, Line], Awaitable[None]]


async def fine(arrival: Arrival, line: Line) -> None:
    """Read the request, answer 200."""
    await line.read_body(arrival)
    await line.send(OK.removesuffix(b"ok") if arrival.method == "HEAD" else OK)


def saying(response: bytes, *, then_close: bool = False) -> Script:
    """Read the request, answer these bytes."""

    async def script(arrival: Arrival, line: Line) -> None:
        await line.read_body(arrival)
        await line.send(response)
        if then_close:
            line.close()

    return script


@dataclass(slots=True, eq=False)
class RecordingUpstream:
    """Listens on a port of its own between `start` and `stop`."""

    script: Script = fine
    arrivals: list[Arrival] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    port: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=2**20)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Ends everything. Raises when something wrong was recorded."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for line in self.lines:
            line.writer.transport.abort()
        assert not self.faults, self.faults

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def arrived(self, count: int) -> Arrival:
        """The request of this number, counted from 1, once its head is there."""
        await self._until(lambda: len(self.arrivals) >= count)
        return self.arrivals[count - 1]

    async def became(self, condition: Callable[[], bool]) -> None:
        """Waits until it holds; it is asked whenever something happened here."""
        await self._until(condition)

    def take(self) -> list[Arrival]:
        """What arrived since the last time."""
        arrivals, self.arrivals = self.arrivals, []
        return arrivals

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(SECONDS):
            while not condition():
                self._news.clear()
                await self._news.wait()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(reader, writer, len(self.lines) + 1)
        self.lines.append(line)
        task = asyncio.get_running_loop().create_task(self._serve(line))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._news.set()

    async def _serve(self, line: Line) -> None:
        try:
            while not line.closing:
                try:
                    head = await line.reader.readuntil(b"\r\n\r\n")
                except asyncio.IncompleteReadError as error:
                    if error.partial:
                        self.faults.append(f"a connection ended inside a head: {error.partial!r}")
                    return
                arrival = _read(head, line.number)
                self.arrivals.append(arrival)
                self._news.set()
                await self.script(arrival, line)
                self._news.set()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except Exception as error:  # noqa: BLE001 - whatever it is fails the test
            self.faults.append(repr(error))
        finally:
            line.close()


def _read(head: bytes, connection: int) -> Arrival:
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    request = _REQUEST_LINE.fullmatch(first)
    assert request is not None, f"not a request line: {first!r}"
    fields = []
    for line in lines:
        match = _FIELD.fullmatch(line)
        assert match is not None, f"not a field line: {line!r}"
        fields.append((match[1], match[2]))
    return Arrival(
        head=head,
        method=request[1].decode(),
        target=request[2].decode(),
        fields=tuple(fields),
        connection=connection,
    )
