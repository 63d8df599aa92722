"""A caller's connection: turns its bytes into requests, one after the other, and each answer back into bytes.

aiohttp's `RequestHandler` without its handler loop: heads are read by `heads`, bodies by `core.bodies`, and a request
that needs nothing to be waited for is served within the call that brought its last byte.
"""

from __future__ import annotations

import asyncio
import time
from math import inf
from typing import Final, cast

from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import RawRequestMessage
from aiohttp.tcp_helpers import tcp_keepalive

from gateway.core.bodies import BodyError, ChunkedBody, LengthBody, RequestBody
from gateway.core.policy import Deny
from gateway.core.reasons import Code
from gateway.core.request import RequestHead, read_request
from gateway.core.request_fields import given_request_id
from gateway.proxy.answers import refusal, status_of
from gateway.proxy.caller import Served, Tunnelled
from gateway.proxy.closing import Closing
from gateway.proxy.credentials import CredentialReader
from gateway.proxy.exchange import Exchange
from gateway.proxy.gate import Gate
from gateway.proxy.heads import HeadReader
from gateway.proxy.listener import Listener
from gateway.proxy.provenance import Provenance
from gateway.proxy.record import Trail
from gateway.proxy.sockets import abort_with_reset, peer_has_left

# A refused body is read up to here, so that its connection can go on.
_DRAIN: Final = 64 * 1024
# Pipelined input waits unread beyond this.
_READ_AHEAD: Final = 64 * 1024
_monotonic = time.monotonic


class ProxyConnection(web.RequestHandler):
    """One caller's connection. Requests are served strictly in order; the next is not looked at before its turn."""

    __slots__ = (
        "_advancing",
        "_body",
        "_body_wanted",
        "_buffer",
        "_closing",
        "_discarded",
        "_draining",
        "_exchange",
        "_gate",
        "_heads",
        "_provenance",
        "_reading",
        "_server",
        "_tunnel",
        "credentials",
        "deadline",
    )

    def __init__(self, server: Listener, gate: Gate, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(server, loop=loop, access_log=None)  # type: ignore[arg-type] # None is documented
        self._server = server
        self._gate = gate
        # Of aiohttp's reading none is needed, and a parser that knows its connection would keep it alive after its end,
        # until a collection of garbage that holds up everyone.
        self._parser = None
        self._heads = HeadReader(BaseProtocol(loop), loop, gate.limits)
        self._buffer = b""
        self._exchange: Exchange | None = None
        self._body: RequestBody | None = None
        self._body_wanted = True
        self._discarded = 0
        self._reading = True
        self._advancing = False
        self._draining = False
        self._closing: Closing | None = None
        self._tunnel: Tunnelled | None = None
        self._provenance = Provenance("", trusted_proxies=(), scheme=gate.scheme)
        self.credentials = CredentialReader(gate.policy.token_form, gate.index.digest)
        self.deadline = inf

    def __repr__(self) -> str:
        return f"<ProxyConnection {self._provenance.peer} {self._exchange or 'idle'}>"

    # asyncio.Protocol.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        BaseProtocol.connection_made(self, transport)
        real = cast(asyncio.Transport, transport)
        tcp_keepalive(real)
        self._server.connection_made(self, real)
        peer = transport.get_extra_info("peername")
        self._provenance = Provenance(
            peer[0] if isinstance(peer, tuple) else "",
            trusted_proxies=self._gate.trusted_proxies,
            scheme=self._gate.scheme,
        )
        self.deadline = _monotonic() + self._gate.timeouts.head
        if self._server.connection_count > self._gate.max_connections:
            self._refuse_connection(Deny(Code.OVERLOADED, detail="too many connections"))

    def connection_lost(self, exc: BaseException | None) -> None:
        self.deadline = inf
        self._say_left()
        self._server.connection_lost(self, exc)
        BaseProtocol.connection_lost(self, exc)
        self._buffer = b""
        # Nothing that is still delivered means anything, and the transport is let go of.
        self._closing = Closing(None, self._gate.timeouts, look_in=inf)

    def eof_received(self) -> None:
        self._say_left()

    def _say_left(self) -> None:
        served = self._served
        self._exchange = self._tunnel = None
        if served is not None:
            served.caller_left()

    @property
    def trail(self) -> Trail | None:
        """What the request under way has left behind so far."""
        return None if (served := self._served) is None else served.trail

    @property
    def _served(self) -> Served | None:
        """What is being served: an exchange, or the tunnel that it became."""
        return self._exchange if self._tunnel is None else self._tunnel

    def data_received(self, data: bytes) -> None:
        if self._closing is not None:
            return
        if self._tunnel is not None:
            self._tunnel.from_caller(data)
            return
        if self._exchange is None and self._body is None and not self._buffer:
            if self._server.gate is not self._gate:
                self._adopt(self._server.gate)
            request = self._gate.heads.read(data)
            if request is not None:
                self._serve(request, data)
                return
        self._buffer = self._buffer + data if self._buffer else data
        self._advance()

    def _serve(self, request: RequestHead, data: bytes) -> None:
        """Serve a request whose head stands at the beginning of `data`, where nothing else was under way."""
        self._buffer = data[self._gate.heads.size :]
        self._request_count += 1
        self.deadline = inf
        self._advancing = True
        try:
            self._begin(request)
        except Exception:  # noqa: BLE001 - a defect of ours must not leave a caller without an answer
            self._server.report_defect()
            self._refuse_after_defect()
        finally:
            self._advancing = False
        if self._buffer or self._body is not None:
            self._advance()

    def pause_writing(self) -> None:
        super().pause_writing()
        if (served := self._served) is not None:
            served.caller_full()

    def resume_writing(self) -> None:
        super().resume_writing()
        if (served := self._served) is not None:
            served.caller_drained()

    # Reading.

    def _advance(self) -> None:
        """Do all that the bytes at hand allow. Not entered twice: an exchange may end before it has begun."""
        if self._advancing:
            return
        self._advancing = True
        try:
            while self._buffer and self._closing is None and self._step():
                pass
        except Exception:  # noqa: BLE001 - a defect of ours must not leave a caller without an answer
            self._server.report_defect()
            self._refuse_after_defect()
        finally:
            self._advancing = False
        if self.transport is not None and self._closing is None:
            self._set_reading()

    def _step(self) -> bool:
        """One step on; False when more bytes, or the end of a response, must be waited for."""
        if self._body is not None:
            if self._exchange is not None and not self._body_wanted:
                return False
            return self._read_body(self._body)
        if self._exchange is not None:
            return False
        return self._read_head()

    def _set_reading(self) -> None:
        if self._tunnel is not None:
            reading = self._body_wanted
        elif self._body is not None:
            reading = self._body_wanted or self._exchange is None
        else:
            reading = self._exchange is None or len(self._buffer) < _READ_AHEAD
        if reading is self._reading:
            return
        self._reading = reading
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if reading:
            transport.resume_reading()
        else:
            transport.pause_reading()

    def _adopt(self, gate: Gate) -> None:
        """Another gate is in force: forget what was judged by the rules of the one before.

        A head that has begun is read anew, and has no more time than it had.
        """
        self._gate = gate
        self._heads = HeadReader(BaseProtocol(self._loop), self._loop, gate.limits)
        self.credentials = CredentialReader(gate.policy.token_form, gate.index.digest)
        self._provenance = Provenance(
            self._provenance.peer, trusted_proxies=gate.trusted_proxies, scheme=gate.scheme
        )

    def _read_head(self) -> bool:
        buffer = self._buffer
        begun = timed = self._heads.begun
        if self._server.gate is not self._gate:
            self._adopt(self._server.gate)
            begun = False
        if buffer[:1] in b"\r\n" and not begun:
            return self._skip_empty_line(buffer)
        if not begun:
            ordinary = self._gate.heads.read(buffer)
            if ordinary is not None:
                self._buffer = buffer[self._gate.heads.size :]
                return self._accept(ordinary)
        if self._request_count and not timed:
            self.deadline = _monotonic() + self._gate.timeouts.head
        head = self._heads.read(buffer)
        if head is None:
            return False
        if isinstance(head, Deny):
            self._refuse_connection(head)
            return False
        self._buffer = buffer[head.size :]
        message = head.message
        read = read_request(
            message.method,
            message.path,
            head.http_minor,
            message.raw_headers,
            rules=self._gate.fields,
            scheme=self._gate.scheme,
        )
        if isinstance(read, Deny):
            self._refuse_connection(read, message)
            return False
        fields = read.fields
        if fields.has_body or message.upgrade or not fields.keep_alive:
            self._heads.renew()
        return self._accept(read)

    def _accept(self, request: RequestHead) -> bool:
        """Serve a head that was read."""
        self._request_count += 1
        self.deadline = inf
        self._begin(request)
        return True

    def _skip_empty_line(self, buffer: bytes) -> bool:
        """RFC 9112 section 2.2: an empty line before a request is passed over."""
        if buffer.startswith(b"\r\n"):
            self._buffer = buffer[2:]
            return True
        if buffer != b"\r":
            self._refuse_connection(Deny(Code.BAD_REQUEST, detail="a stray line end before a request"))
        return False

    def _begin(self, request: RequestHead) -> None:
        fields = request.fields
        gate = self._gate
        request_id = fields.request_id.decode("ascii") or gate.new_request_id()
        trail = Trail(request_id, self._provenance.client(fields), request.method, request.path, _monotonic())
        trail.map_version = gate.live.version
        exchange = self._exchange = Exchange(self, request, gate, trail)
        if fields.has_body:
            if fields.content_length == len(self._buffer):
                whole, self._buffer = self._buffer, b""
                exchange.body(whole, complete=True)
            else:
                self._body = ChunkedBody() if fields.chunked else LengthBody(fields.content_length or 0)
                self._body_wanted = True
                if self._buffer and not self._read_body(self._body):
                    return
        lines = self._provenance.lines(fields)
        exchange.start(b"%bX-Request-Id: %b\r\n" % (lines, request_id.encode("ascii")))
        if self._body is not None and self._exchange is exchange:
            self._body_wanted = exchange.wants_body

    def _read_body(self, body: RequestBody) -> bool:
        try:
            content, self._buffer = body.feed(self._buffer)
        except BodyError as error:
            self._body_broken(str(error))
            return False
        if body.complete:
            self._body = None
        exchange = self._exchange
        if exchange is not None:
            exchange.body(content, complete=body.complete)
        else:
            self._discarded += len(content)
            if self._discarded > _DRAIN:
                self._close_gently()
                return False
            if self._body is None:
                self._wait_for_next()
        return True

    def _body_broken(self, detail: str) -> None:
        self._buffer = b""
        exchange = self._exchange
        if exchange is None:
            self._close_gently()
        else:
            exchange.body_broken(detail)

    # What the exchange asks.

    @property
    def newest_gate(self) -> Gate:
        """The gate in force, which may not be the one that the present request came through."""
        return self._server.gate

    def write(self, data: bytes) -> None:
        """Send bytes to the caller."""
        if self.transport is not None:
            self.transport.write(data)

    @property
    def writable(self) -> bool:
        """Whether the caller takes more at the moment."""
        return not self._paused

    @property
    def unsent(self) -> int:
        """Bytes that the caller has not taken yet."""
        return self.transport.get_write_buffer_size() if self.transport is not None else 0

    @property
    def draining(self) -> bool:
        """Whether this connection is to end with the present response."""
        return self._draining

    @property
    def can_drain(self) -> bool:
        """Whether the rest of the present body is small enough to be read and thrown away."""
        return not isinstance(self._body, LengthBody) or self._body.remaining <= _DRAIN

    def want_body(self, wanted: bool) -> None:
        """Whether more of the body may come."""
        if wanted is self._body_wanted:
            return
        self._body_wanted = wanted
        if wanted and self._buffer:
            self._advance()
        else:
            self._set_reading()

    def tunnel_opened(self, tunnel: Tunnelled) -> None:
        """From now on what the caller sends is no HTTP."""
        self._exchange = None
        self._tunnel = tunnel
        sent, self._buffer = self._buffer, b""
        if sent:
            tunnel.from_caller(sent)

    def exchange_ended(self, *, keep_alive: bool) -> None:
        """The response is out. Go on to the next request, or close."""
        self._exchange = None
        if not keep_alive or self._draining:
            if self._body is None and not self._buffer:
                self._close_now()
            else:
                self._close_gently()
            return
        if self._body is not None:
            self._discarded = 0
            self.deadline = _monotonic() + self._gate.timeouts.body
        else:
            self._wait_for_next()
        if self._buffer:
            self._advance()
        else:
            self._set_reading()

    def break_off(self, *, reset: bool) -> None:
        """End the connection so that what is missing of the response is seen to be missing.

        `reset` where a clean end would pass for the end of the body.
        """
        self._exchange = self._tunnel = None
        if not reset:
            self._close_gently()
            return
        if self._closing is None:
            self._closing = Closing(self.transport, self._gate.timeouts, look_in=0)
        if self.transport is not None:
            abort_with_reset(self.transport)

    # Time and ends.

    def _wait_for_next(self) -> None:
        self.deadline = _monotonic() + self._gate.timeouts.idle

    def check(self, now: float) -> None:
        """Called every tick: end what has taken longer than it may."""
        if (served := self._served) is not None:
            if not self._reading and self.transport is not None and peer_has_left(self.transport):
                self.cut()
            served.check(now)
        elif self._closing is not None:
            self._closing.check(now)
        elif now < self.deadline:
            return
        elif self._body is not None or not self._buffer:
            self._close_now()
        else:
            self._refuse_connection(Deny(Code.REQUEST_TIMEOUT, detail="the request head stopped"))

    def drain(self) -> None:
        """No further request after the present one."""
        self._draining = True
        if (served := self._served) is not None:
            served.going_away()
        else:
            self._close_now()

    def cut(self) -> None:
        """End at once, whatever is under way."""
        if self.transport is not None:
            self.transport.abort()

    def _refuse_after_defect(self) -> None:
        exchange = self._exchange
        if exchange is not None:
            exchange.fail_internally()
        else:
            self._refuse_connection(Deny(Code.INTERNAL_ERROR))

    def _refuse_connection(self, deny: Deny, message: RawRequestMessage | None = None) -> None:
        """Answer what cannot be read as a request, and close: nothing behind it can be trusted to be one."""
        gate = self._gate
        now = _monotonic()
        given = given_request_id(message.raw_headers, gate.fields) if message is not None else b""
        trail = Trail(
            given.decode("ascii") or gate.new_request_id(),
            self._provenance.peer,
            message.method if message is not None else "-",
            message.path.partition("?")[0] if message is not None else "-",
            now,
        )
        trail.status = status_of(deny.code, gate.answers)
        trail.code = deny.code.value
        trail.detail = deny.detail
        trail.map_version = gate.live.version
        trail.ended = now
        # A head that was refused while it was read is still in the buffer.
        head_only = message.method == "HEAD" if message is not None else self._buffer.startswith(b"HEAD ")
        self.write(
            refusal(
                deny,
                request_id=trail.request_id,
                rules=gate.answers,
                head_only=head_only,
                connection=b"close",
            )
        )
        gate.recorder.record(trail)
        self._close_gently()

    def _close_gently(self) -> None:
        """Let the caller read to the end; what it sends meanwhile is thrown away."""
        self._buffer = b""
        self._body = None
        if self._closing is not None:
            return
        if not self._reading and self.transport is not None and not self.transport.is_closing():
            self._reading = True
            self.transport.resume_reading()
        self._closing = Closing.gently(self.transport, self._gate.timeouts)

    def _close_now(self) -> None:
        if self._closing is None:
            self._closing = Closing.at_once(self.transport, self._gate.timeouts)
