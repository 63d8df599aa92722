"""One connection to an upstream address: writes a request, reads exactly one response, says whether it may go on.

llhttp (through httptools) reads the bytes; what they mean is judged by `core.response`. A byte that was not asked for
ends the connection.
"""

from __future__ import annotations

import asyncio
import select
import socket
import struct
from typing import Final, Protocol, cast

import httptools

from gateway.core.fields import ResponseFieldRules
from gateway.core.response import BadResponse, Framing, ResponseHead, read_response
from gateway.core.whole_response import WholeResponse, read_whole

MAX_HEAD: Final = 64 * 1024
MAX_FIELDS: Final = 256
MAX_TRAILERS: Final = 16 * 1024
# SO_LINGER on, with no time: closing sends a reset.
RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
_RULES: Final = ResponseFieldRules()


class Receiver(Protocol):
    """Who waits for the response: `whole` at once, or piece by piece, `fed` closing each batch. `failed` comes once."""

    def whole(self, response: WholeResponse) -> None: ...

    def interim(self, head: ResponseHead) -> None: ...

    def response(self, head: ResponseHead) -> None: ...

    def content(self, data: bytes) -> None: ...

    def fed(self, *, ended: bool) -> None: ...

    def switched(self, head: ResponseHead, first: bytes) -> None: ...

    def tunnelled(self, data: bytes) -> None: ...

    def failed(self, detail: str, *, bad: bool) -> None: ...

    def upstream_full(self) -> None: ...

    def upstream_drained(self) -> None: ...


class UpstreamConnection(asyncio.Protocol):
    """A connection that carries one exchange at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.receiver: Receiver | None = None
        self.served = 0
        self.idle_since = 0.0
        self.bytes_seen = False
        self.writable = True
        self._parser: httptools.HttpResponseParser | None = None
        self._method = "GET"
        self._fields: list[tuple[bytes, bytes]] = []
        self._fields_size = 0
        self._reason = b""
        self._head: ResponseHead | None = None
        self._reusable = False
        self._ended_cleanly = False
        self._raw_head = b""
        self._heads = 0
        self._complete = False
        self._surplus = False
        self._seen = False
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
        self._head = None
        self._reusable = False
        self._raw_head = b""
        self._heads = 0
        self._complete = False
        self._surplus = False
        self._seen = False

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
        return (
            self._reusable
            and self._complete
            and not self._surplus
            and self.transport is not None
            and not self.transport.is_closing()
        )

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
            sock = transport.get_extra_info("socket")
            if sock is not None and sock.fileno() >= 0:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        transport.abort()

    def close(self) -> None:
        """End it once what was written has gone out."""
        self.receiver = None
        if self.transport is not None:
            self.transport.close()

    def is_quiet(self) -> bool:
        """Whether the idle connection is open and holds no unread byte or end of file."""
        if self.transport is None or self.transport.is_closing() or self._surplus:
            return False
        return self._poll is None or not self._poll.poll(0)

    # asyncio.Protocol.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=256 * 1024)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            self._poll = select.poll()
            self._poll.register(sock.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)

    def data_received(self, data: bytes) -> None:
        receiver = self.receiver
        if receiver is None or self._is_over():
            self._surplus = True
            self.abort()
            return
        if self._tunnel:
            receiver.tunnelled(data)
            return
        if not self.bytes_seen:
            self.bytes_seen = True
            if self._read_whole(receiver, data):
                return
        if self._head is None:
            self._raw_head += data
        if self._parser is None:
            self._parser = httptools.HttpResponseParser(self)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as switch:
            self._switch(receiver, data[switch.args[0] :])
            return
        except (httptools.HttpParserError, BadResponse) as error:
            if not self._complete:
                self._fail(receiver, _detail(error))
                return
            self._surplus = True
        if self._head is None and len(self._raw_head) > MAX_HEAD:
            self._fail(receiver, "the response head is too large")
            return
        if self._head is not None and self._head.framing is Framing.NONE and not self._ends_with_head():
            self._surplus = True
        if self._surplus and not self._seen:
            # Bytes behind the response make all of it doubtful, and nobody has seen any of it yet.
            self._fail(receiver, "bytes after the response")
            return
        if self._complete and self._head is not None and self._head.framing is Framing.NONE:
            # To a HEAD the parser would wait for the body that the length speaks of.
            self._parser = None
        self._seen = self._head is not None
        receiver.fed(ended=self._complete)

    def _ends_with_head(self) -> bool:
        """Whether nothing stands behind the head of a response without a body.

        The parser does not know what was asked for: it would swallow the beginning of a body behind a HEAD's answer, and
        the rest of it would answer the next request.
        """
        return self._raw_head.endswith(b"\r\n\r\n") and self._raw_head.count(b"\r\n\r\n") == self._heads

    def _is_over(self) -> bool:
        """Whether the response has been read to its end."""
        return self._complete

    def _read_whole(self, receiver: Receiver, data: bytes) -> bool:
        """The first bytes of a response are all of it: no parser needed. False when they are not, or not surely."""
        response = read_whole(data, request_method=self._method)
        if response is None:
            return False
        self._complete = True
        self._reusable = response.reusable
        receiver.whole(response)
        return True

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
        head = self._head
        if self._tunnel or (head is not None and head.framing is Framing.CLOSE and self._ended_cleanly):
            self._complete = True
            receiver.fed(ended=True)
            return
        self.receiver = None
        receiver.failed(
            "the connection was lost" if exc is None else f"the connection was lost: {exc!r}",
            bad=self.bytes_seen,
        )

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

    def _switch(self, receiver: Receiver, rest: bytes) -> None:
        head = self._judge(101)
        if head is None:
            self._fail(receiver, "malformed 101 response")
            return
        self._head = head
        self._tunnel = True
        receiver.switched(head, rest)

    def _judge(self, status: int) -> ResponseHead | None:
        assert self._parser is not None
        minor = 1 if self._parser.get_http_version() == "1.1" else 0
        try:
            return read_response(
                status, self._reason, minor, self._fields, rules=_RULES, request_method=self._method
            )
        except BadResponse:
            return None

    # httptools callbacks. An exception here ends the parse; httptools wraps it.

    def on_message_begin(self) -> None:
        if self._complete:
            self._surplus = True
            raise BadResponse("a second response")
        self._fields = []
        self._fields_size = 0
        self._reason = b""

    def on_status(self, status: bytes) -> None:
        self._reason += status
        if len(self._reason) > MAX_HEAD:
            raise BadResponse("the reason phrase is too large")

    def on_header(self, name: bytes, value: bytes | None) -> None:
        value = value or b""
        self._fields_size += len(name) + len(value)
        if self._head is not None:  # a trailer: bounded and dropped
            if self._fields_size > MAX_TRAILERS:
                raise BadResponse("too many trailers")
            return
        self._fields.append((name, value.strip(b" \t")))
        if len(self._fields) > MAX_FIELDS or self._fields_size > MAX_HEAD:
            raise BadResponse("the response head is too large")

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        self._heads += 1
        status = self._parser.get_status_code()
        version = self._parser.get_http_version()
        if status == 101:
            return  # judged in `_switch`
        if version not in ("1.1", "1.0"):
            raise BadResponse(f"HTTP/{version}")
        head = read_response(
            status,
            self._reason,
            1 if version == "1.1" else 0,
            self._fields,
            rules=_RULES,
            request_method=self._method,
        )
        assert self.receiver is not None
        if status < 200:
            self.receiver.interim(head)
            return
        self._head = head
        self._reusable = head.reusable
        self._fields_size = 0
        self.receiver.response(head)
        if head.framing is Framing.NONE:
            self._complete = True

    def on_body(self, data: bytes) -> None:
        if self._head is None or self._head.framing is Framing.NONE:
            self._surplus = True
            raise BadResponse("a body where none may be")
        assert self.receiver is not None
        self.receiver.content(data)

    def on_message_complete(self) -> None:
        if self._head is not None:
            self._complete = True


def _detail(error: BaseException) -> str:
    cause = error.__context__ if isinstance(error, httptools.HttpParserCallbackError) else None
    return f"the response is malformed: {cause or error}"
