"""One connection to an upstream address: writes a request, reads exactly one response, says whether it may go on.

A byte that was not asked for ends the connection.
"""

from __future__ import annotations

import asyncio
import select
from typing import Final, Protocol, cast

from gateway.core.response import BadResponse, Framing, ResponseHead
from gateway.core.whole_response import WholeResponse, read_whole
from gateway.proxy.response_reader import Pieces, ResponseReader
from gateway.proxy.sockets import abort_with_reset

_UNASKED: Final = select.POLLIN | select.POLLHUP | select.POLLERR


class Receiver(Pieces, Protocol):
    """Who waits for the response: `whole` at once, or piece by piece, `fed` closing each batch. `failed` comes once."""

    def whole(self, response: WholeResponse) -> None: ...

    def fed(self, *, ended: bool) -> None: ...

    def switched(self, head: ResponseHead, first: bytes) -> None: ...

    def tunnelled(self, data: bytes) -> None: ...

    def failed(self, detail: str, *, bad: bool) -> None: ...

    def upstream_full(self) -> None: ...

    def upstream_drained(self) -> None: ...


class UpstreamConnection(asyncio.Protocol):
    """A connection that carries one exchange at a time."""

    __slots__ = (
        "_complete",
        "_ended_cleanly",
        "_method",
        "_poll",
        "_reader",
        "_reusable",
        "_tunnel",
        "bytes_seen",
        "idle_since",
        "receiver",
        "served",
        "transport",
        "writable",
    )

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.receiver: Receiver | None = None
        self.served = 0
        self.idle_since = 0.0
        self.bytes_seen = False
        self.writable = True
        self._method = "GET"
        self._reader: ResponseReader | None = None
        self._complete = False
        self._reusable = False
        self._ended_cleanly = False
        self._tunnel = False
        self._poll: select.poll | None = None

    def __repr__(self) -> str:
        state = "closed" if self.transport is None else "busy" if self.receiver else "idle"
        return f"<UpstreamConnection {state}, {self.served} served>"

    # For the exchange.

    def begin(self, receiver: Receiver, method: str) -> None:
        """Take the connection for one request."""
        self.receiver = receiver
        self.served += 1
        self.bytes_seen = False
        self._method = method
        self._reader = None
        self._complete = False
        self._reusable = False

    def write(self, data: bytes) -> None:
        """Send request bytes."""
        if self.transport is not None:
            self.transport.write(data)

    def pause_reading(self) -> None:
        """Stop reading: whoever receives cannot take more."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def release(self) -> bool:
        """Let go after a response; whether the connection may carry another request."""
        self.receiver = None
        reusable = self._reusable if self._reader is None else self._reader.reusable
        return reusable and self.transport is not None and not self.transport.is_closing()

    def abort(self) -> None:
        """End it at once, whatever is under way.

        In the middle of an exchange with a reset: behind megabytes that the upstream has not read yet, it would see no
        other end for as long as it does not read them.
        """
        busy, self.receiver = self.receiver is not None, None
        transport = self.transport
        if transport is None:
            return
        if busy:
            abort_with_reset(transport)
        else:
            transport.abort()

    def close(self) -> None:
        """End it once what was written has gone out."""
        self.receiver = None
        if self.transport is not None:
            self.transport.close()

    def is_quiet(self) -> bool:
        """Whether the idle connection is open and holds no unread byte or end of file."""
        if self.transport is None or self.transport.is_closing():
            return False
        return self._poll is None or not self._poll.poll(0)

    # asyncio.Protocol.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=256 * 1024)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            self._poll = select.poll()
            self._poll.register(sock.fileno(), _UNASKED)

    def data_received(self, data: bytes) -> None:
        receiver = self.receiver
        if receiver is None or self._complete:
            self._reusable = False
            if self._reader is not None:
                self._reader.surplus = True
            self.abort()
            return
        if self._tunnel:
            receiver.tunnelled(data)
            return
        if not self.bytes_seen:
            self.bytes_seen = True
            response = read_whole(data, request_method=self._method)
            if response is not None:
                self._complete = True
                self._reusable = response.reusable
                receiver.whole(response)
                return
        self._read_on(receiver, data)

    def _read_on(self, receiver: Receiver, data: bytes) -> None:
        reader = self._reader
        if reader is None:
            reader = self._reader = ResponseReader(receiver, self._method)
        try:
            switched = reader.feed(data)
        except BadResponse as error:
            self._fail(receiver, str(error))
            return
        if switched is not None:
            assert reader.head is not None
            self._tunnel = True
            receiver.switched(reader.head, switched)
            return
        self._complete = reader.complete
        receiver.fed(ended=reader.complete)

    def eof_received(self) -> bool:
        # Over TLS this is its own end alone (close_notify); where it is missing, the body may have been cut.
        self._ended_cleanly = True
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._poll = None
        receiver = self.receiver
        if receiver is None:
            return
        if self._tunnel or (self._ended_cleanly and self._ends_with_connection):
            self._complete = True
            receiver.fed(ended=True)
            return
        self.receiver = None
        receiver.failed(
            "the connection was lost" if exc is None else f"the connection was lost: {exc!r}",
            bad=self.bytes_seen,
        )

    @property
    def _ends_with_connection(self) -> bool:
        head = self._reader.head if self._reader is not None else None
        return head is not None and head.framing is Framing.CLOSE

    def pause_writing(self) -> None:
        self.writable = False
        if self.receiver is not None:
            self.receiver.upstream_full()

    def resume_writing(self) -> None:
        self.writable = True
        if self.receiver is not None:
            self.receiver.upstream_drained()

    def _fail(self, receiver: Receiver, detail: str) -> None:
        self.abort()
        receiver.failed(detail, bad=True)
