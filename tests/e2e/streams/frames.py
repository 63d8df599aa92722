"""WebSocket by hand: the handshake's bytes and single frames, for what no library would send or show."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha1
from typing import Protocol

from tests.proxy.recording import Arrival

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
ASKING = (
    b"Connection: keep-alive, Upgrade",
    b"Upgrade: WebSocket",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: " + KEY,
)
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MASK = b"\x5a\xa5\x0f\xf0"


def proof(arrival: Arrival) -> bytes:
    key = arrival.value(b"Sec-WebSocket-Key")
    assert key is not None
    return b64encode(sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())


def switching(arrival: Arrival, *fields: bytes) -> bytes:
    """The 101 that accepts a handshake."""
    lines = (
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + proof(arrival),
        *fields,
    )
    return b"\r\n".join(lines) + b"\r\n\r\n"


def frame(payload: bytes, opcode: int = BINARY, *, fin: bool = True, masked: bool = False) -> bytes:
    size, flag = len(payload), 0x80 if masked else 0
    if size < 126:
        length = bytes([flag | size])
    elif size < 2**16:
        length = bytes([flag | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([flag | 127]) + size.to_bytes(8, "big")
    head = bytes([(0x80 if fin else 0) | opcode]) + length
    return head + MASK + _mask(payload, MASK) if masked else head + payload


def _mask(payload: bytes, mask: bytes) -> bytes:
    times = mask * (len(payload) // 4 + 1)
    size = len(payload)
    return (int.from_bytes(payload, "big") ^ int.from_bytes(times[:size], "big")).to_bytes(size, "big")


class Exact(Protocol):
    """Whoever gives an exact number of bytes: a stream reader, a caller."""

    async def exactly(self, size: int) -> bytes: ...


async def read_frame(source: Exact) -> tuple[int, bytes]:
    """The next frame's opcode and its payload, unmasked."""
    first, second = await source.exactly(2)
    size = second & 0x7F
    if size > 125:
        size = int.from_bytes(await source.exactly(2 if size == 126 else 8), "big")
    mask = await source.exactly(4) if second & 0x80 else b""
    payload = await source.exactly(size)
    return first & 0x0F, _mask(payload, mask) if mask else payload


def close_code(payload: bytes) -> tuple[int, str]:
    return int.from_bytes(payload[:2], "big"), payload[2:].decode()
