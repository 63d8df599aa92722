"""A caller made of a bare socket: it sends exactly the bytes it is given and reads exactly one response, or the end.

It is strict on purpose: what a lenient client forgives is what these tests look for.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Any

# Only what fails takes so long.
SECONDS = 30.0
_STATUS = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) ([\t\x20-\x7e\x80-\xff]*)")
_FIELD = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ([\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?"
)


class Ended(Exception):
    """The connection ended where a response was to begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One response. `whole` False: the connection ended inside it. `interim` are the heads of 1xx responses before."""

    status: int
    reason: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes
    whole: bool
    interim: tuple[bytes, ...]

    def values(self, name: bytes) -> list[bytes]:
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def value(self, name: bytes) -> bytes | None:
        values = self.values(name)
        assert len(values) <= 1, f"{name!r} stands {len(values)} times in {self.fields}"
        return values[0] if values else None

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        """The `code` of an answer of the gateway's own."""
        if self.value(b"Content-Type") != b"application/json":
            return None
        try:
            told = self.json
        except ValueError:
            return None
        return told.get("code") if isinstance(told, dict) else None

    @property
    def closes(self) -> bool:
        return self.value(b"Connection") == b"close"


def request(
    method: str,
    target: str,
    *fields: bytes,
    token: str | None = None,
    host: str = "gateway.test",
    body: bytes | None = None,
    chunks: list[bytes] | None = None,
    version: str = "1.1",
) -> bytes:
    """The bytes of a request: `body` goes with its length, `chunks` in the chunked coding."""
    lines = [f"{method} {target} HTTP/{version}".encode("latin-1"), b"Host: " + host.encode("latin-1")]
    if token is not None:
        lines.append(b"Authorization: Bearer " + token.encode("ascii"))
    lines += fields
    content = b""
    if body is not None:
        lines.append(b"Content-Length: %d" % len(body))
        content = body
    elif chunks is not None:
        lines.append(b"Transfer-Encoding: chunked")
        content = chunked(*chunks)
    return b"\r\n".join(lines) + b"\r\n\r\n" + content


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


class Caller:
    """One connection to the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, port: int, host: str = "127.0.0.1") -> Caller:
        async with asyncio.timeout(SECONDS):
            return cls(*await asyncio.open_connection(host, port, limit=2**20))

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        async with asyncio.timeout(SECONDS):
            await self._writer.drain()

    async def ask(self, data: bytes) -> Answer:
        """Send one whole request and read its response."""
        await self.send(data)
        return await self.answer(data.partition(b" ")[0].decode("latin-1"))

    async def answer(self, method: str = "GET", *, seconds: float = SECONDS) -> Answer:
        """The next response, to a request of this method."""
        async with asyncio.timeout(seconds):
            interim: list[bytes] = []
            while True:
                head = await self._head()
                status, reason, fields = _read_head(head)
                if status >= 200:
                    break
                interim.append(head)
            body, whole = await self._body(method, status, fields)
        return Answer(
            status=status, reason=reason, fields=fields, body=body, whole=whole, interim=tuple(interim)
        )

    async def head(self) -> tuple[int, tuple[tuple[bytes, bytes], ...]]:
        """The next head alone, 1xx or final; its body is left to be read."""
        async with asyncio.timeout(SECONDS):
            status, _, fields = _read_head(await self._head())
            return status, fields

    async def read(self, size: int) -> bytes:
        """At most `size` bytes, at least one; nothing at the end."""
        async with asyncio.timeout(SECONDS):
            return await self._reader.read(size)

    async def exactly(self, size: int) -> bytes:
        async with asyncio.timeout(SECONDS):
            return await self._reader.readexactly(size)

    async def rest(self, *, seconds: float = SECONDS) -> bytes:
        """All bytes up to the end of the connection. Raises ConnectionError when it was reset."""
        async with asyncio.timeout(seconds):
            return await self._reader.read()

    async def is_silent(self, seconds: float) -> bool:
        """Whether neither a byte nor the end comes for this long."""
        try:
            async with asyncio.timeout(seconds):
                await self._reader.read(1)
        except TimeoutError:
            return True
        return False

    def half_close(self) -> None:
        self._writer.write_eof()

    def leave(self) -> None:
        """Go without a word."""
        self._writer.transport.abort()

    async def close(self) -> None:
        self._writer.close()
        try:
            async with asyncio.timeout(SECONDS):
                await self._writer.wait_closed()
        except (ConnectionError, TimeoutError):
            self._writer.transport.abort()

    async def _head(self) -> bytes:
        try:
            return await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise AssertionError(f"the connection ended inside a head: {error.partial!r}") from None
            raise Ended from None

    async def _body(
        self, method: str, status: int, fields: tuple[tuple[bytes, bytes], ...]
    ) -> tuple[bytes, bool]:
        lengths = [value for name, value in fields if name.lower() == b"content-length"]
        codings = [value for name, value in fields if name.lower() == b"transfer-encoding"]
        assert len(lengths) + len(codings) <= 1, f"two framings: {fields}"
        if method == "HEAD" or status in (204, 304):
            return b"", True
        try:
            if codings:
                assert codings == [b"chunked"]
                return await self._chunks()
            if lengths:
                return await self._reader.readexactly(int(lengths[0])), True
            return await self._reader.read(), True
        except asyncio.IncompleteReadError as error:
            return error.partial, False
        except ConnectionError:
            return b"", False

    async def _chunks(self) -> tuple[bytes, bool]:
        body = bytearray()
        try:
            while True:
                size = int((await self._reader.readuntil(b"\r\n"))[:-2], 16)
                body += await self._reader.readexactly(size)
                assert await self._reader.readexactly(2) == b"\r\n"
                if not size:
                    return bytes(body), True
        except (asyncio.IncompleteReadError, ConnectionError):
            return bytes(body), False


def _read_head(head: bytes) -> tuple[int, bytes, tuple[tuple[bytes, bytes], ...]]:
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    status = _STATUS.fullmatch(first)
    assert status is not None, f"not a status line: {first!r}"
    fields = []
    for line in lines:
        field = _FIELD.fullmatch(line)
        assert field is not None, f"not a field line: {line!r}"
        fields.append((field[1], field[2] or b""))
    return int(status[1]), status[2], tuple(fields)
