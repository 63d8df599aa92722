"""Turns what an upstream answers into the bytes that a caller gets: our framing, its fields."""

from __future__ import annotations

from typing import Final

from gateway.core.response import Framing, ResponseHead

_NONE: Final = Framing.NONE
_LENGTH: Final = Framing.LENGTH
_UNKNOWN_LENGTH: Final = (Framing.CHUNKED, Framing.CLOSE)


def head_lines(head: ResponseHead, *, http_11: bool, close: bool) -> tuple[bytes, bool]:
    """The head that the caller gets, each line ended by CRLF, without the empty line; whether the connection ends with it."""
    lines = [b"HTTP/1.1 %d %b" % (head.status, head.reason), *head.kept]
    framing = head.framing
    if framing is _LENGTH:
        lines.append(b"Content-Length: %d" % (head.content_length or 0))
    elif framing is _NONE:
        if head.content_length is not None and head.status != 204:
            lines.append(b"Content-Length: %d" % head.content_length)
    elif http_11:
        lines.append(b"Transfer-Encoding: chunked")
    else:
        close = True
    if close:
        lines.append(b"Connection: close")
    elif not http_11:
        lines.append(b"Connection: keep-alive")
    lines.append(b"")
    return b"\r\n".join(lines), close


class ResponseWriter:
    """Collects the bytes of one response until they are taken."""

    __slots__ = ("_chunked", "_http_11", "_out")

    def __init__(self, http_minor: int) -> None:
        self._http_11 = http_minor == 1
        self._chunked = False
        self._out: list[bytes] = []

    def __repr__(self) -> str:
        return f"ResponseWriter({len(self._out)} pieces waiting)"

    @property
    def ends_with_connection(self) -> bool:
        """Whether a clean close would pass for the end of the body."""
        return not self._http_11 and not self._chunked

    def interim(self, head: ResponseHead) -> None:
        """A 1xx response: 103 travels on to HTTP/1.1 callers (RFC 8297), the others end here."""
        if head.status == 103 and self._http_11:
            self._out.append(b"\r\n".join((b"HTTP/1.1 103 Early Hints", *head.kept, b"\r\n")))

    def head(self, head: ResponseHead, *, close: bool, injected: bytes) -> bool:
        """The final head. `injected` are lines of ours, each ended by CRLF. Whether the connection ends with it."""
        lines, close = head_lines(head, http_11=self._http_11, close=close)
        self._chunked = self._http_11 and head.framing in _UNKNOWN_LENGTH
        self._out.append(b"%b%b\r\n" % (lines, injected))
        return close

    def content(self, data: bytes) -> None:
        """Bytes of the body."""
        if self._chunked:
            self._out += (b"%x\r\n" % len(data), data, b"\r\n")
        else:
            self._out.append(data)

    def end(self) -> None:
        """The body is whole."""
        if self._chunked:
            self._out.append(b"0\r\n\r\n")

    def take(self) -> bytes:
        """What has come, to be written."""
        out, self._out = self._out, []
        return out[0] if len(out) == 1 else b"".join(out)
