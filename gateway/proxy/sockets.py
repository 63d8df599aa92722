"""What is done to the socket under a transport, where the transport has no word for it."""

from __future__ import annotations

import asyncio
import select
import socket
import struct
from typing import Final

# SO_LINGER on, with no time: closing sends a reset.
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
_HANG_UP: Final = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR


def abort_with_reset(transport: asyncio.Transport) -> None:
    """End the connection with a reset, which nobody takes for a clean end, and which passes unread bytes."""
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()


def peer_has_left(transport: asyncio.Transport) -> bool:
    """Whether the peer closed its end, which a transport that is not reading does not tell."""
    sock = transport.get_extra_info("socket")
    if sock is None or sock.fileno() < 0:
        return False
    poll = select.poll()
    poll.register(sock.fileno(), _HANG_UP)
    return bool(poll.poll(0))
