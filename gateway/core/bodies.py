"""Request bodies, byte by byte: what is content, where the body ends, and what is left for the next request.

Chunked bodies follow the grammar of RFC 9112 section 7.1 strictly: CRLF only, hexadecimal sizes without sign or blank,
extensions and trailers bounded, checked and dropped.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

_SIZE_LINE: Final = re.compile(
    rb"([0-9A-Fa-f]{1,15})"
    rb"(?:[ \t]*;[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
    rb"(?:[ \t]*=[ \t]*(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
    rb"|\"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*\"))?)*"
)
_TRAILER: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*")

MAX_SIZE_LINE: Final = 256
MAX_TRAILERS: Final = 8192
# Size lines cost more than they carry when chunks are tiny; this bounds extensions in the whole of a body.
MAX_EXTENSIONS: Final = 16384


class BodyError(Exception):
    """The body breaks its framing: nothing after this point can be trusted to be anything. The text is for the log."""


class LengthBody:
    """A body of a known number of bytes."""

    __slots__ = ("remaining",)

    def __init__(self, length: int) -> None:
        self.remaining = length

    def __repr__(self) -> str:
        return f"LengthBody({self.remaining} to come)"

    @property
    def complete(self) -> bool:
        """Whether the last byte has been fed."""
        return self.remaining == 0

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Return (content, what follows the body)."""
        content = data[: self.remaining]
        self.remaining -= len(content)
        return content, data[len(content) :]


class _Expect(Enum):
    SIZE = "size line"
    DATA = "data"
    DATA_END = "CRLF after data"
    TRAILER = "trailer"
    DONE = "nothing"
    BROKEN = "nothing, being broken"


class ChunkedBody:
    """A body in the chunked coding."""

    __slots__ = ("_buffer", "_chunk_remaining", "_expect", "_extensions", "_trailers")

    def __init__(self) -> None:
        self._expect = _Expect.SIZE
        self._buffer = b""
        self._chunk_remaining = 0
        self._extensions = 0
        self._trailers = 0

    def __repr__(self) -> str:
        return f"ChunkedBody(expects {self._expect.value})"

    @property
    def complete(self) -> bool:
        """Whether the last chunk and its trailers have been fed."""
        return self._expect is _Expect.DONE

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Return (content, what follows the body).

        Raises BodyError when the bytes break the grammar, and from then on always: no later byte makes it whole.
        """
        try:
            return self._feed(data)
        except BodyError:
            self._expect = _Expect.BROKEN
            raise

    def _feed(self, data: bytes) -> tuple[bytes, bytes]:
        if self._expect is _Expect.BROKEN:
            raise BodyError("the body broke before")
        content: list[bytes] = []
        data = self._buffer + data if self._buffer else data
        self._buffer = b""
        at = 0
        while at < len(data) and self._expect is not _Expect.DONE:
            if self._expect is _Expect.DATA:
                piece = data[at : at + self._chunk_remaining]
                content.append(piece)
                at += len(piece)
                self._chunk_remaining -= len(piece)
                if self._chunk_remaining:
                    break
                if data.startswith(b"\r\n", at):
                    at += 2
                    self._expect = _Expect.SIZE
                else:
                    self._expect = _Expect.DATA_END
                continue
            line, after = self._line(data, at)
            if line is None:
                break
            at = after
            self._take_line(line)
        if self._expect is _Expect.DONE:
            return b"".join(content), data[at:]
        self._buffer = data[at:]
        return b"".join(content), b""

    def _line(self, data: bytes, at: int) -> tuple[bytes | None, int]:
        """The next line without its CRLF and where it ends, or (None, at) when it has not ended yet."""
        if self._expect is _Expect.SIZE:
            limit = MAX_SIZE_LINE
        elif self._expect is _Expect.DATA_END:
            limit = 0
        else:
            limit = MAX_TRAILERS - self._trailers
        end = data.find(b"\n", at, at + limit + 2)
        if end < 0:
            rest = data[at : at + limit + 2]
            # A CR may only be the last byte so far; a line that has no end within its bound has none.
            if (
                len(rest) >= limit + 2
                or rest.find(b"\r", 0, -1) >= 0
                or (limit == 0 and rest not in (b"", b"\r"))
            ):
                raise BodyError(f"the {self._expect.value} does not end where it must")
            self._reject_early(rest)
            return None, at
        if data[end - 1 : end] != b"\r" or end == at:
            raise BodyError(f"the {self._expect.value} ends without CRLF")
        return data[at : end - 1], end + 1

    def _reject_early(self, rest: bytes) -> None:
        """A size line that cannot become one is refused before it ends, so that no peer waits for it."""
        if self._expect is _Expect.SIZE and rest and re.match(rb"[0-9A-Fa-f]", rest) is None:
            raise BodyError("the chunk size line is malformed")

    def _take_line(self, line: bytes) -> None:
        if self._expect is _Expect.SIZE:
            match = _SIZE_LINE.fullmatch(line)
            if match is None:
                raise BodyError("the chunk size line is malformed")
            self._extensions += len(line) - match.end(1)
            if self._extensions > MAX_EXTENSIONS:
                raise BodyError("too many chunk extensions")
            self._chunk_remaining = int(match[1], 16)
            self._expect = _Expect.DATA if self._chunk_remaining else _Expect.TRAILER
        elif self._expect is _Expect.DATA_END:
            if line:
                raise BodyError("a chunk holds more data than its size")
            self._expect = _Expect.SIZE
        elif not line:
            self._expect = _Expect.DONE
        else:
            if _TRAILER.fullmatch(line) is None:
                raise BodyError("a trailer field is malformed")
            self._trailers += len(line) + 2


RequestBody = LengthBody | ChunkedBody
