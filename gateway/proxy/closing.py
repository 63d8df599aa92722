"""The end of a caller's connection: said, waited for, and forced where it takes too long."""

from __future__ import annotations

import asyncio
import time

from gateway.proxy.gate import Timeouts


class Closing:
    """A connection that has begun to end: nothing that the caller still sends means anything.

    Made by `gently` or `at_once`; `check` is called every tick until the connection is lost.
    """

    __slots__ = ("_cut_at", "_look_at", "_patience", "_transport")

    def __init__(self, transport: asyncio.Transport | None, timeouts: Timeouts, *, look_in: float) -> None:
        now = time.monotonic()
        self._transport = transport
        self._patience = timeouts.linger
        self._look_at = now + look_in
        self._cut_at = now + timeouts.idle

    def __repr__(self) -> str:
        return f"<Closing {self._transport}>"

    @classmethod
    def gently(cls, transport: asyncio.Transport | None, timeouts: Timeouts) -> Closing:
        """Say that no more is coming, and let the caller read it before unread input resets the connection."""
        if transport is None or transport.is_closing() or not transport.can_write_eof():
            return cls.at_once(transport, timeouts)
        transport.write_eof()
        return cls(transport, timeouts, look_in=timeouts.linger)

    @classmethod
    def at_once(cls, transport: asyncio.Transport | None, timeouts: Timeouts) -> Closing:
        """Close as soon as all is written."""
        if transport is not None:
            transport.close()
        return cls(transport, timeouts, look_in=timeouts.idle)

    def check(self, now: float) -> None:
        """Where the caller had its time to read, cut. What it is still reading may go on up to the idle time-out."""
        if now < self._look_at or self._transport is None:
            return
        if self._transport.get_write_buffer_size() and now < self._cut_at:
            self._look_at = now + self._patience
        else:
            self._transport.abort()
