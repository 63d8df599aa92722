"""A WebSocket after its handshake: bytes both ways with back-pressure, and an end that both sides understand."""

from __future__ import annotations

import secrets
from typing import Final, Protocol

from gateway.core.websocket import FrameTracker, close_frame


class Side(Protocol):
    """One end of the tunnel."""

    def write(self, data: bytes) -> None: ...


# How long an end may finish the frame it is in, before the connection is cut.
LAST_FRAME_SECONDS: Final = 1.0


class Tunnel:
    """Relays two directions. It follows where frames end, so that a Close frame of ours can be put between two."""

    __slots__ = (
        "_caller",
        "_code",
        "_from_caller",
        "_from_upstream",
        "_reason",
        "_upstream",
        "closed",
    )

    def __init__(self, caller: Side, upstream: Side) -> None:
        self._caller = caller
        self._upstream = upstream
        self._from_caller = FrameTracker()
        self._from_upstream = FrameTracker()
        self._code = 0
        self._reason = ""
        self.closed = False

    def __repr__(self) -> str:
        return f"<Tunnel {'closing' if self.closing else 'open'}>"

    @property
    def closing(self) -> bool:
        """Whether a Close frame of ours has been asked for; `closed` tells that the caller has got it."""
        return self._code != 0

    def from_caller(self, data: bytes) -> int:
        """Bytes of the caller; how many went on to the upstream."""
        if self.closing:
            return 0
        self._from_caller.feed(data)
        self._upstream.write(data)
        return len(data)

    def from_upstream(self, data: bytes) -> int:
        """Bytes of the upstream; how many went on to the caller."""
        if not self.closing:
            self._from_upstream.feed(data)
            self._caller.write(data)
            return len(data)
        if self.closed:
            return 0
        taken = self._from_upstream.feed(data, to_boundary=True)
        self._caller.write(data[:taken])
        self._close_at_boundary()
        return taken

    def close(self, code: int, reason: str) -> None:
        """Send both ends a Close frame, each as soon as it is between two frames."""
        if self.closing:
            return
        self._code = code
        self._reason = reason
        if self._from_caller.at_boundary:
            self._upstream.write(close_frame(code, reason, mask=secrets.token_bytes(4)))
        self._close_at_boundary()

    def _close_at_boundary(self) -> None:
        if self._from_upstream.at_boundary:
            self.closed = True
            self._caller.write(close_frame(self._code, self._reason))
