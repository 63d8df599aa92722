"""Turns what an upstream answers into the bytes that a caller gets: our framing, its fields."""

from __future__ import annotations

from typing import Final

from gateway.core.response import Framing, ResponseHead

_UNKNOWN_LENGTH: Final = (Framing.CHUNKED, Framing.CLOSE)


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
        """The final head. `injected` are lines of ours, the last without its end. Whether the connection ends with it.

        Lines stand in the order in which `Exchange.whole` writes them: nobody can tell which of the two it was.
        """
        lines = [b"HTTP/1.1 %d %b" % (head.status, head.reason), *head.kept]
        if head.framing in _UNKNOWN_LENGTH:
            self._chunked = self._http_11
            if self._chunked:
                lines.append(b"Transfer-Encoding: chunked")
            else:
                close = True
        lines.append(injected)
        if close:
            lines.append(b"Connection: close")
        elif not self._http_11:
            lines.append(b"Connection: keep-alive")
        lines += (b"", b"")
        self._out.append(b"\r\n".join(lines))
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
