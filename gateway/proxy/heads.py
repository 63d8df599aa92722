"""Finds the head of a request at the beginning of what a caller sent: two readings that must agree, or a refusal.

aiohttp's parser (llhttp) reads every head. It is given heads alone, never a body: of a pipelined request it would lose
bytes behind `Upgrade: h2c`, and a trailer field would become a header of the next request. Where a head ends, and what
a request line is, is found here as well.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Final

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpProcessingError, HttpRequestParser, RawRequestMessage
from aiohttp.http_exceptions import BadHttpMethod, InvalidURLError, LineTooLong

from gateway.core.policy import Deny
from gateway.core.reasons import Code
from gateway.proxy.gate import Limits

# RFC 9112 section 3, without its leniencies. Which version it is is judged after the grammar.
_LINE: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+ [\x21-\x7e]+ HTTP/([0-9])\.([0-9])"
_REQUEST_LINE: Final = re.compile(_LINE + rb"\r\n")
# The parser refuses a version before the end of its line has come.
_VERSION: Final = re.compile(_LINE + rb"(?:\r\n|\r?\Z)")
# It is at fault only where nothing before it was.
_BEFORE_VERSION: Final = (BadHttpMethod, InvalidURLError)
_HEAD_END: Final = b"\r\n\r\n"
# aiohttp refuses these when they are repeated, and one always. A gateway passes them on as they came. Host and the
# framing, which it refuses as well, are judged by `core.request_fields`.
_PARSERS_OWN: Final = frozenset(
    {
        b"content-location",
        b"content-range",
        b"content-type",
        b"etag",
        b"max-forwards",
        b"server",
        b"user-agent",
    }
)
_REFUSED_BY_PARSER: Final = b"sec-websocket-key1"
_PAYLOAD_LIMIT: Final = 64 * 1024


@dataclass(slots=True, eq=False)
class Head:
    """A head that was read: what the parser made of it, the minor version, and how many bytes it took."""

    message: RawRequestMessage
    http_minor: int
    size: int


class HeadReader:
    """Reads heads, one at a time, from a buffer that grows until a head is whole."""

    __slots__ = ("_fed", "_limits", "_loop", "_parser", "_protocol", "_renaming")

    def __init__(self, protocol: BaseProtocol, loop: asyncio.AbstractEventLoop, limits: Limits) -> None:
        self._protocol = protocol
        self._loop = loop
        self._limits = limits
        self._fed = 0
        self._renaming = False
        self._parser = self._new_parser()

    def __repr__(self) -> str:
        return f"HeadReader({self._fed} bytes read)"

    def _new_parser(self) -> HttpRequestParser:
        limits = self._limits
        return HttpRequestParser(
            self._protocol,
            self._loop,
            _PAYLOAD_LIMIT,
            max_line_size=limits.target,
            max_field_size=limits.field,
            max_headers=limits.head,  # counted below, where it has its own answer
            auto_decompress=False,
        )

    @property
    def begun(self) -> bool:
        """Whether a part of a head has been read."""
        return self._fed > 0

    def renew(self) -> None:
        """The last head announced a body, another protocol or nothing more: the parser waits for it and is of no use."""
        self._parser = self._new_parser()

    def read(self, buffer: bytes) -> Head | Deny | None:
        """The head at the beginning of `buffer`, a refusal, or None when more bytes are needed.

        Call it again with the same bytes and more behind them.
        """
        end = buffer.find(_HEAD_END, max(0, self._fed - 3))
        size = len(buffer) if end < 0 else end + 4
        if size > self._limits.head:
            return self._too_large(buffer)
        if not self._renaming:
            try:
                messages, _, _ = self._parser.feed_data(buffer[self._fed : size])
            except HttpProcessingError as error:
                if not _renamed(buffer[:size])[1]:
                    return self._malformed(buffer[:size], error)
                self._renaming = True
        if self._renaming:
            self._fed = size
            return None if end < 0 else self._read_renamed(buffer, size)
        if end < 0:
            self._fed = size
            return (
                Deny(Code.BAD_REQUEST, detail="a head without an empty line behind it") if messages else None
            )
        self._fed = 0
        if len(messages) != 1:
            return Deny(Code.BAD_REQUEST, detail="a head with two readings")
        return self._judge(buffer, size, messages[0][0])

    def _read_renamed(self, buffer: bytes, size: int) -> Head | Deny:
        """Read a whole head in which the parser must not see what some fields are called."""
        self._fed, self._renaming = 0, False
        self.renew()
        head, names = _renamed(buffer[:size])
        try:
            messages, _, _ = self._parser.feed_data(head)
        except HttpProcessingError as error:
            return self._malformed(buffer[:size], error)
        if len(messages) != 1 or len(messages[0][0].raw_headers) != head.count(b"\r\n") - 2:
            return Deny(Code.BAD_REQUEST, detail="a head with two readings")
        message = messages[0][0]
        fields = list(message.raw_headers)
        for number, name in names.items():
            fields[number] = (name, fields[number][1])
        return self._judge(buffer, size, message._replace(raw_headers=tuple(fields)))

    def _judge(self, buffer: bytes, size: int, message: RawRequestMessage) -> Head | Deny:
        line = _REQUEST_LINE.match(buffer)
        if line is None:
            return Deny(Code.BAD_REQUEST, detail="the request line is malformed")
        if line[1] != b"1" or line[2] not in b"01":
            return Deny(Code.PROTOCOL_UNSUPPORTED, detail="not HTTP/1.0 or HTTP/1.1")
        if len(message.path) > self._limits.target:
            return Deny(Code.TARGET_TOO_LONG, detail=f"{len(message.path)} bytes")
        if len(message.raw_headers) > self._limits.headers:
            return Deny(Code.HEAD_TOO_LARGE, detail=f"{len(message.raw_headers)} fields")
        return Head(message, 1 if line[2] == b"1" else 0, size)

    def _too_large(self, buffer: bytes) -> Deny:
        code = Code.TARGET_TOO_LONG if self._in_long_line(buffer) else Code.HEAD_TOO_LARGE
        return Deny(code, detail=f"a head of more than {self._limits.head} bytes")

    def _in_long_line(self, buffer: bytes) -> bool:
        return buffer.find(b"\r\n", 0, self._limits.target) < 0

    def _malformed(self, head: bytes, error: HttpProcessingError) -> Deny:
        """What to say of a head that does not parse. The parser's own words quote the caller's bytes: not for a log."""
        detail = type(error).__name__
        if isinstance(error, LineTooLong):
            code = Code.TARGET_TOO_LONG if self._in_long_line(head) else Code.HEAD_TOO_LARGE
            return Deny(code, detail=detail)
        line = None if isinstance(error, _BEFORE_VERSION) else _VERSION.match(head)
        if line is not None and (line[1] != b"1" or line[2] not in b"01"):
            return Deny(Code.PROTOCOL_UNSUPPORTED, detail=detail)
        return Deny(Code.BAD_REQUEST, detail=detail)


def _renamed(head: bytes) -> tuple[bytes, dict[int, bytes]]:
    """The same head with names of the same length, which mean nothing, for fields that the parser would refuse; and
    which they were, by the number of the field.
    """
    first, *lines = head.split(b"\r\n")
    seen = {_REFUSED_BY_PARSER}
    names: dict[int, bytes] = {}
    for number, line in enumerate(lines):
        name = line.partition(b":")[0]
        lower = name.lower()
        if lower in seen:
            names[number] = name
            lines[number] = b"x" * len(name) + line[len(name) :]
        elif lower in _PARSERS_OWN:
            seen.add(lower)
    return b"\r\n".join((first, *lines)), names
