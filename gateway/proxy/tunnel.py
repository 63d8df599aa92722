"""A WebSocket after its handshake: bytes both ways with back-pressure, and an end that both sides understand."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Final

from gateway.core.policy import Deny
from gateway.core.response import ResponseHead
from gateway.core.websocket import GOING_AWAY, POLICY_VIOLATION, FrameTracker, close_frame
from gateway.core.whole_response import WholeResponse
from gateway.proxy.caller import CallerSide
from gateway.proxy.record import Trail
from gateway.proxy.standing import Standing
from gateway.proxy.upstream import UpstreamConnection

# How long an end may finish the frame it is in, before the connection is cut.
LAST_FRAME_SECONDS: Final = 1.0
_monotonic = time.monotonic


class Tunnel:
    """Relays two directions, for as long as the token is good.

    It follows where frames end, so that a Close frame of ours can be put between two. `on_end` is called once, when
    both connections are done with. A socket may be silent for as long as it likes.
    """

    def __init__(
        self,
        caller: CallerSide,
        upstream: UpstreamConnection,
        trail: Trail,
        *,
        standing: Callable[[Callable[[Deny], None]], Standing],
        on_end: Callable[[], None],
    ) -> None:
        self._caller = caller
        self._upstream = upstream
        self.trail = trail
        self._standing = standing(self._lost_standing)
        self._on_end = on_end
        self._from_caller = FrameTracker()
        self._from_upstream = FrameTracker()
        self._code = 0
        self._reason = ""
        self._closed = False
        self._cut_at = 0.0
        self._ended = False

    def __repr__(self) -> str:
        return f"<Tunnel {self.trail.path} {'closing' if self._code else 'open'}>"

    def open(self, head: ResponseHead, first: bytes) -> None:
        """Pass the 101 on, and what already stood behind it."""
        lines = (
            b"HTTP/1.1 101 Switching Protocols",
            b"Connection: Upgrade",
            b"Upgrade: websocket",
            *head.kept,
            b"X-Request-Id: " + self.trail.request_id.encode("ascii"),
            b"\r\n",
        )
        self._caller.write(b"\r\n".join(lines))
        self._upstream.receiver = self
        self._caller.tunnel_opened(self)
        if first:
            self.tunnelled(first)

    # From the caller's connection.

    def from_caller(self, data: bytes) -> None:
        """Bytes of the caller."""
        if self._ended or self._code:
            return
        self.trail.bytes_in += len(data)
        self._from_caller.feed(data)
        self._upstream.write(data)

    def caller_full(self) -> None:
        """The caller takes no more for now."""
        self._upstream.pause_reading()

    def caller_drained(self) -> None:
        """The caller takes more."""
        if not self._ended:
            self._upstream.resume_reading()

    def caller_left(self) -> None:
        """The caller is gone."""
        if not self._ended:
            self._set_ended()
            self._upstream.abort()

    # From the upstream's connection.

    def tunnelled(self, data: bytes) -> None:
        """Bytes of the upstream."""
        if self._ended or self._closed:
            return
        if not self._code:
            self._from_upstream.feed(data)
        else:
            data = data[: self._from_upstream.feed(data, to_boundary=True)]
        self.trail.bytes_out += len(data)
        self._caller.write(data)
        if self._code:
            self._close_at_boundary()
        if not self._caller.writable:
            self._upstream.pause_reading()

    def upstream_full(self) -> None:
        """The upstream takes no more for now."""
        self._caller.want_body(False)

    def upstream_drained(self) -> None:
        """The upstream takes more."""
        if not self._ended:
            self._caller.want_body(True)

    def fed(self, *, ended: bool) -> None:
        """The upstream closed its end."""
        if ended:
            self._end()

    def failed(self, detail: str, *, bad: bool) -> None:
        """The upstream's connection broke."""
        self.trail.detail = f"{detail}{' (malformed)' if bad else ''}"
        self._end()

    def whole(self, response: WholeResponse) -> None:
        """No HTTP comes after the switch."""

    def interim(self, head: ResponseHead) -> None:
        """No HTTP comes after the switch."""

    def response(self, head: ResponseHead) -> None:
        """No HTTP comes after the switch."""

    def content(self, data: bytes) -> None:
        """No HTTP comes after the switch."""

    def switched(self, head: ResponseHead, first: bytes) -> None:
        """No HTTP comes after the switch."""

    # Ends.

    def check(self, now: float) -> None:
        """Called every tick."""
        if self._ended:
            return
        self._standing.check(now)
        if self._code and (self._closed or now > self._cut_at):
            self._end()

    def going_away(self) -> None:
        """The gateway stops."""
        self._close(GOING_AWAY, "going away")

    def _lost_standing(self, deny: Deny) -> None:
        self.trail.code = deny.code.value
        self._close(POLICY_VIOLATION, deny.code.value)

    def _close(self, code: int, reason: str) -> None:
        """Send both ends a Close frame, each as soon as it is between two frames."""
        if self._code or self._ended:
            return
        self._code = code
        self._reason = reason
        self._cut_at = _monotonic() + LAST_FRAME_SECONDS
        if self._from_caller.at_boundary:
            self._upstream.write(close_frame(code, reason, mask=secrets.token_bytes(4)))
        self._close_at_boundary()

    def _close_at_boundary(self) -> None:
        if self._from_upstream.at_boundary:
            self._closed = True
            self._caller.write(close_frame(self._code, self._reason))

    def _end(self) -> None:
        """One end closed, or had its time to: so does the other, once it has what was sent."""
        if self._ended:
            return
        self._set_ended()
        self._upstream.close()
        self._caller.break_off(reset=False)

    def _set_ended(self) -> None:
        self._ended = True
        self._standing.stop()
        self._on_end()
