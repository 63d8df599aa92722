"""What the gateway must know of WebSocket (RFC 6455): the handshake's proof, where frames end, the Close frame.

Payloads are never looked at.
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha1
from typing import Final

# Section 7.4.1.
GOING_AWAY: Final = 1001
POLICY_VIOLATION: Final = 1008
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{22}==")
_CLOSE: Final = 0x88


def accept_value(key: bytes) -> bytes | None:
    """What `Sec-WebSocket-Accept` must be for this `Sec-WebSocket-Key`; None when it is no key (section 4.2.2)."""
    if _KEY.fullmatch(key) is None:
        return None
    return b64encode(sha1(key + _GUID, usedforsecurity=False).digest())


def field_value(lines: list[bytes], name: bytes) -> bytes | None:
    """The value of a field that stands exactly once in header lines `name: value`; `name` in lower case."""
    found = [line for line in lines if line[: line.index(b":")].lower() == name]
    return found[0].partition(b": ")[2] if len(found) == 1 else None


def close_frame(code: int, reason: str, mask: bytes | None = None) -> bytes:
    """A Close frame (section 5.5.1). A client's frame needs a `mask` of 4 random bytes."""
    payload = code.to_bytes(2, "big") + reason.encode("utf-8")
    if mask is None:
        return bytes((_CLOSE, len(payload))) + payload
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return bytes((_CLOSE, 0x80 | len(payload))) + mask + masked


class FrameTracker:
    """Follows one direction of a connection and knows when it is between two frames."""

    __slots__ = ("_header", "_remaining")

    def __init__(self) -> None:
        self._header = b""
        self._remaining = 0

    def __repr__(self) -> str:
        return f"FrameTracker({'between frames' if self.at_boundary else 'inside a frame'})"

    @property
    def at_boundary(self) -> bool:
        """Whether the next byte begins a frame."""
        return not self._header and not self._remaining

    def feed(self, data: bytes, *, to_boundary: bool = False) -> int:
        """Follow `data`; how many bytes were taken: all, or those up to the first end of a frame (`to_boundary`)."""
        at = 0
        while at < len(data):
            if self._remaining:
                step = min(self._remaining, len(data) - at)
                self._remaining -= step
                at += step
            else:
                at = self._read_header(data, at)
            if to_boundary and self.at_boundary:
                break
        return at

    def _read_header(self, data: bytes, at: int) -> int:
        """Take header bytes up to where the payload's length is known (section 5.2)."""
        header = self._header
        while True:
            needed = _header_size(header)
            missing = needed - len(header)
            if not missing:
                break
            header += data[at : at + missing]
            at = min(at + missing, len(data))
            if len(header) < needed:
                self._header = header
                return at
        self._header = b""
        length = header[1] & 0x7F
        if length == 126:
            length = int.from_bytes(header[2:4], "big")
        elif length == 127:
            length = int.from_bytes(header[2:10], "big")
        self._remaining = length
        return at


def _header_size(header: bytes) -> int:
    """How long the header is, as far as its first bytes tell."""
    if len(header) < 2:
        return 2
    length = header[1] & 0x7F
    extended = 2 if length == 126 else 8 if length == 127 else 0
    return 2 + extended + (4 if header[1] & 0x80 else 0)
