"""One request and its response: carries out the verdict of the pipeline between a caller and an upstream.

Everything that can happen at once happens at once: a known token, a kept connection and a small answer need no task.
A task is started only to ask the store or to open a connection.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from gateway.core.cors import without_cors
from gateway.core.guessing import GUESSES
from gateway.core.model import TokenRecord
from gateway.core.policy import Deny, judge
from gateway.core.reasons import Code
from gateway.core.request import RequestHead
from gateway.core.response import ResponseHead
from gateway.core.websocket import field_value
from gateway.core.whole_response import WholeResponse
from gateway.index.cache import MISS, Miss
from gateway.proxy.answers import CONTINUE, preflight, refusal, status_of
from gateway.proxy.body_writer import BodyWriter
from gateway.proxy.caller import CallerSide
from gateway.proxy.gate import Gate
from gateway.proxy.patience import Patience
from gateway.proxy.pipeline import Forward, Preflight, Unresolved, travel
from gateway.proxy.pool import Address, Busy, Unreachable
from gateway.proxy.record import Trail
from gateway.proxy.response_writer import ResponseWriter
from gateway.proxy.standing import Standing
from gateway.proxy.tunnel import Tunnel
from gateway.proxy.upstream import UpstreamConnection
from gateway.storage.errors import StoreUnavailable

# RFC 9110 section 9.2.2.
_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_monotonic = time.monotonic
_log = logging.getLogger(__name__)


class Exchange:
    """One request on its way. The caller's connection feeds it the body; the upstream's, the response.

    `last_event` is the monotonic instant at which something moved last.
    """

    # Defaults stand in the class: most requests change few of these, and setting costs more than looking up.
    _forward: Forward | None = None
    _address: Address | None = None
    _upstream: UpstreamConnection | None = None
    _task: asyncio.Task[None] | None = None
    _later: asyncio.TimerHandle | None = None
    _patience: Patience | None = None
    _writer: ResponseWriter | None = None
    _body: BodyWriter | None = None
    _close = False
    answered = False  # a byte of a final response was written to the caller
    _ended = False
    _retried = False

    def __init__(self, caller: CallerSide, request: RequestHead, gate: Gate, trail: Trail) -> None:
        self._caller = caller
        self._request = request
        self._gate = gate
        self.trail = trail
        self.last_event = trail.started
        fields = request.fields
        if not fields.keep_alive:
            self._close = True
        if fields.has_body:
            self._body = BodyWriter(chunked=fields.chunked)

    def __repr__(self) -> str:
        state = "ended" if self._ended else "answering" if self.answered else "waiting"
        return f"<Exchange {self.trail.method} {self.trail.path} {state}>"

    # The verdict.

    def start(self, provenance: bytes, *, loaded: TokenRecord | Miss | None = MISS) -> None:
        """Ask the pipeline, and do what it says."""
        gate = self._gate
        verdict = travel(
            self._request,
            live=gate.live,
            policy=gate.policy,
            index=gate.index,
            clock=gate.clock,
            grants=gate.grants,
            credentials=self._caller.credentials,
            provenance=provenance,
            cors=gate.cors,
            loaded=loaded,
        )
        if isinstance(verdict, Forward):
            self.trail.plan = verdict.plan
            self.trail.caller = verdict.caller
            self._send(verdict)
            return
        if isinstance(verdict, Unresolved):
            self._wait_for(self._resolve(verdict.credential.token, provenance))
            return
        self.trail.plan = verdict.plan
        if isinstance(verdict, Preflight):
            self._answer_preflight(verdict)
            return
        self.trail.caller = verdict.caller
        self._slow_down(verdict.deny)

    def _slow_down(self, deny: Deny) -> None:
        """Refuse, later where credentials are being guessed."""
        delay = 0.0
        if deny.code in GUESSES:
            delay = self._gate.guessing.delay(self.trail.client, _monotonic())
        if not delay:
            self.refuse(deny)
            return
        self._caller.want_body(False)
        self._later = asyncio.get_running_loop().call_later(delay, self.refuse, deny)

    def _answer_preflight(self, verdict: Preflight) -> None:
        self.trail.status = 204
        self._close = self._close or self._caller.draining
        self._caller.write(
            preflight(verdict.lines, request_id=self.trail.request_id, connection=self._connection_option())
        )
        self._end(keep_alive=not self._close)

    def _connection_option(self) -> bytes:
        """The value of `Connection` in an answer of ours, if it needs one."""
        if self._close:
            return b"close"
        return b"keep-alive" if self._request.fields.http_minor == 0 else b""

    def _wait_for(self, work: Coroutine[Any, Any, None]) -> None:
        """Go on when something that takes time is done."""
        self._task = asyncio.get_running_loop().create_task(self._guarded(work))

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:  # noqa: BLE001 - see fail_internally
            _log.exception("a request failed inside the gateway")
            self.fail_internally()

    def fail_internally(self) -> None:
        """A defect of the gateway: the caller gets an answer all the same, and the connection ends."""
        self._close = True
        self.refuse(Deny(Code.INTERNAL_ERROR))

    async def _resolve(self, token: bytes, provenance: bytes) -> None:
        try:
            record = await self._gate.index.load(token)
        except StoreUnavailable as error:
            self.refuse(Deny(Code.STORE_UNAVAILABLE, detail=str(error)))
            return
        if not self._ended:
            self._task = None
            self.start(provenance, loaded=record)

    def _send(self, forward: Forward) -> None:
        self._forward = forward
        if self._body is not None and self.trail.bytes_in > forward.plan.body_limit:
            self.refuse(Deny(Code.BODY_TOO_LARGE, detail="a chunked body"))
            return
        if forward.plan.route.shadow is not None and forward.caller is not None:
            would_be = judge(forward.caller, forward.plan.route, self._request.fields.api_versions)
            self.trail.shadow = "" if would_be is None else would_be.code.value
        taken = forward.plan.pool.take()
        if taken is not None:
            self._dispatch(forward, *taken)
        else:
            self._wait_for(self._open(forward))

    async def _open(self, forward: Forward, *, fresh: bool = False) -> None:
        pool = forward.plan.pool
        try:
            address, upstream = await pool.open(fresh=fresh)
        except Unreachable as error:
            self.refuse(Deny(Code.UPSTREAM_UNREACHABLE, detail=str(error)))
            return
        except Busy as error:
            self.refuse(Deny(Code.OVERLOADED, detail=str(error)))
            return
        if self._ended:
            upstream.abort()
            pool.free(address)
            return
        self._task = None
        self._dispatch(forward, address, upstream)

    def _dispatch(self, forward: Forward, address: Address, upstream: UpstreamConnection) -> None:
        self._address = address
        self._upstream = upstream
        self.last_event = self.trail.upstream_started = _monotonic()
        upstream.begin(self, self._request.method)
        head = forward.start + (forward.host or address.host_field) + forward.rest
        body = self._body
        if body is None:
            upstream.write(head)
            return
        if self._request.fields.expects_continue and body.untouched:
            self._caller.write(CONTINUE)
        upstream.write(head + body.take())
        if not body.complete:
            self._caller.want_body(upstream.writable)

    # The request body, from the caller's connection.

    def body(self, content: bytes, *, complete: bool) -> None:
        """Take body bytes. `complete`: they were the last."""
        body = self._body
        if self._ended or body is None:
            return
        trail = self.trail
        trail.bytes_in += len(content)
        self.last_event = _monotonic()
        body.hold(content, complete=complete)
        forward = self._forward
        if forward is not None and trail.bytes_in > forward.plan.body_limit:
            self.refuse(Deny(Code.BODY_TOO_LARGE, detail=f"more than {forward.plan.body_limit} bytes"))
            return
        if self._upstream is None:
            # Nobody to send it to yet: what has come is kept, no more is read.
            if forward is not None and not complete:
                self._caller.want_body(False)
            return
        self._upstream.write(body.take())

    @property
    def body_complete(self) -> bool:
        """Whether the request has no body, or all of it has come."""
        return self._body is None or self._body.complete

    @property
    def wants_body(self) -> bool:
        """Whether body bytes can go on to the upstream right now."""
        return self._ended or (self._upstream is not None and self._upstream.writable)

    def body_broken(self, detail: str) -> None:
        """The body breaks its framing. The upstream must never take it for complete."""
        self._close = True
        self.refuse(Deny(Code.BAD_REQUEST, detail=detail))

    def upstream_full(self) -> None:
        """The upstream takes no more for now."""
        if not self.body_complete:
            self._caller.want_body(False)

    def upstream_drained(self) -> None:
        """The upstream takes more."""
        self.last_event = _monotonic()
        if not self.body_complete and not self._ended:
            self._caller.want_body(True)

    # The response, from the upstream's connection.

    def whole(self, response: WholeResponse) -> None:
        """The final response, all at once."""
        trail = self.trail
        trail.status = response.status
        trail.bytes_out = len(response.body)
        trail.upstream_answered = self.last_event = _monotonic()
        caller = self._caller
        if caller.draining or not self.body_complete:
            self._close = True
        self.answered = True
        lines = response.lines
        if self._gate.cors is not None:
            lines = without_cors(lines)
            if ours := self._cors_lines():
                lines.append(ours.removesuffix(b"\r\n"))
        lines.append(b"X-Request-Id: " + trail.request_id.encode("ascii"))
        if option := self._connection_option():
            lines.append(b"Connection: " + option)
        lines += (b"", response.body)
        caller.write(b"\r\n".join(lines))
        self._finish()

    def interim(self, head: ResponseHead) -> None:
        """A 1xx response."""
        self._writing().interim(head)

    def response(self, head: ResponseHead) -> None:
        """The head of the final response; what follows comes piece by piece."""
        injected = self._injected(head)
        self._close = self._writing().head(head, close=self._begin_answer(head), injected=injected)

    def _writing(self) -> ResponseWriter:
        if self._writer is None:
            self._writer = ResponseWriter(self._request.fields.http_minor)
        return self._writer

    def _begin_answer(self, head: ResponseHead) -> bool:
        """Note the final response; whether the connection must end with it."""
        self.trail.status = head.status
        self.trail.upstream_answered = _monotonic()
        return self._close or not self.body_complete or self._caller.draining

    def _injected(self, head: ResponseHead) -> bytes:
        """Lines of ours, the last without its end; theirs that ours replace are taken out of the head."""
        request_id = b"X-Request-Id: " + self.trail.request_id.encode("ascii")
        if self._gate.cors is None:
            return request_id
        head.kept = without_cors(head.kept)
        return self._cors_lines() + request_id

    def _cors_lines(self) -> bytes:
        """What a page of another origin needs to read the answer, where the operator allows it."""
        cors = self._gate.cors
        return cors.lines(self._request.fields.origin) if cors is not None else b""

    def content(self, data: bytes) -> None:
        """Bytes of the response body."""
        self.trail.bytes_out += len(data)
        self._writing().content(data)

    def fed(self, *, ended: bool) -> None:
        """A batch of response bytes was read; `ended`: the response is whole."""
        if self.trail.status:  # interim responses do not start the time anew
            self.last_event = _monotonic()
        if ended:
            self._writing().end()
        out = self._writing().take()
        if out:
            self.answered = self.trail.status != 0
            self._caller.write(out)
        if ended:
            self._finish()
        elif not self._caller.writable and self._upstream is not None:
            self._upstream.pause_reading()

    def caller_full(self) -> None:
        """The caller takes no more for now."""
        if self._upstream is not None:
            self._upstream.pause_reading()

    def caller_drained(self) -> None:
        """The caller takes more."""
        self.last_event = _monotonic()
        if self._upstream is not None and not self._ended:
            self._upstream.resume_reading()

    def switched(self, head: ResponseHead, first: bytes) -> None:
        """The upstream answered 101: a tunnel where one was asked for and proved, else a malformed answer."""
        forward, upstream, address = self._forward, self._upstream, self._address
        assert forward is not None
        accept = forward.websocket_accept
        proved = accept is not None and field_value(head.kept, b"sec-websocket-accept") == accept
        if upstream is None or address is None or not proved or head.upgrade.lower() != b"websocket":
            detail = "a switch of protocols that was not asked for"
            self.refuse(Deny(Code.UPSTREAM_BAD_RESPONSE, detail=detail))
            return
        self.trail.status = 101
        self.trail.upstream_answered = _monotonic()
        pool = forward.plan.pool

        def end() -> None:
            pool.free(address)
            self._set_ended()

        Tunnel(self._caller, upstream, self.trail, standing=self._watch_socket, on_end=end).open(head, first)

    def tunnelled(self, data: bytes) -> None:
        """Nothing is tunnelled to an exchange."""

    def going_away(self) -> None:
        """The gateway stops: the response is waited for."""

    def failed(self, detail: str, *, bad: bool) -> None:
        """The upstream's connection broke, or what came over it was malformed (`bad`)."""
        upstream, self._upstream = self._upstream, None
        if self._address is not None and self._forward is not None:
            self._forward.plan.pool.free(self._address)
            self._address = None
        if self._ended:
            return
        if self.answered:
            self.abandon(Code.UPSTREAM_BAD_RESPONSE.value, detail)
            return
        self._writer = None
        self.trail.status = self.trail.bytes_out = 0
        if not bad and upstream is not None and self._may_retry(upstream):
            self._retried = True
            assert self._forward is not None
            self._wait_for(self._open(self._forward, fresh=True))
            return
        code = Code.UPSTREAM_BAD_RESPONSE
        self.refuse(Deny(code, detail=detail))

    def _may_retry(self, upstream: UpstreamConnection) -> bool:
        """Only what the upstream cannot have acted on twice: a kept connection that died without a byte."""
        return (
            upstream.served > 1
            and not upstream.bytes_seen
            and not self._retried
            and not self._request.fields.has_body
            and self._request.method in _IDEMPOTENT
        )

    # Time. What `Patience` asks.

    def check(self, now: float) -> None:
        """Called every tick: end what has been silent for longer than it may, or is no longer allowed."""
        if self._upstream is None or self._ended:
            return  # the store and the connect have limits of their own
        if self._patience is None:
            self._patience = Patience(self, self._gate.timeouts, self._make_standing)
        self._patience.check(now)

    @property
    def takes_body(self) -> bool:
        """Whether it is the caller's body that is waited for."""
        return not self.body_complete and self._upstream is not None and self._upstream.writable

    @property
    def first_byte_seconds(self) -> float:
        """How long the upstream may take to answer a request that has reached it whole."""
        assert self._forward is not None
        return self._forward.plan.first_byte_seconds

    @property
    def caller_unsent(self) -> int:
        """Bytes that the caller has not taken yet."""
        return self._caller.unsent

    @property
    def caller_writable(self) -> bool:
        """Whether the caller takes more."""
        return self._caller.writable

    def _make_standing(self, on_end: Callable[[Deny], None], *, is_socket: bool = False) -> Standing:
        """The watch over whether this request would be let in again."""
        forward = self._forward
        assert forward is not None
        return Standing(
            self._request,
            forward.credential,
            forward.plan.route,
            gate=self._gate,
            newest=lambda: self._caller.newest_gate,
            is_socket=is_socket,
            on_end=on_end,
            now=_monotonic(),
        )

    def _watch_socket(self, on_end: Callable[[Deny], None]) -> Standing:
        return self._make_standing(on_end, is_socket=True)

    # Ends.

    def refuse(self, deny: Deny) -> None:
        """Answer by ourselves. After the first byte of another answer, there is nothing left but to break off."""
        if self._ended:
            return
        if self.answered:
            self.abandon(deny.code.value, deny.detail)
            return
        self._drop_upstream()
        trail = self.trail
        trail.status = status_of(deny.code, self._gate.answers)
        trail.code = deny.code.value
        trail.detail = deny.detail
        if self._caller.draining:
            self._close = True
        if not self.body_complete and (self._request.fields.expects_continue or not self._caller.can_drain):
            # Whether the body will still come is the caller's choice now, or it is too long to wait for.
            self._close = True
        self._caller.write(
            refusal(
                deny,
                request_id=trail.request_id,
                rules=self._gate.answers,
                head_only=self._request.method == "HEAD",
                connection=self._connection_option(),
                extra=self._cors_lines(),
            )
        )
        self._end(keep_alive=not self._close)

    def caller_left(self) -> None:
        """The caller is gone: end the upstream's work at once."""
        if self._ended:
            return
        if self._task is not None:
            self._task.cancel()
        self._drop_upstream()
        self.trail.code = "caller_left"
        self._set_ended()

    def give_up_on_body(self) -> None:
        """The caller does not go on with its body."""
        self._close = True
        self.refuse(Deny(Code.REQUEST_TIMEOUT, detail="the request body stopped"))

    def abandon(self, code: str, detail: str) -> None:
        """The response cannot be completed: the caller must see that it is broken, not a clean end."""
        self._drop_upstream()
        self.trail.code = code
        self.trail.detail = detail
        self._set_ended()
        # Where the end of the body is the end of the connection, a clean close would complete it.
        self._caller.break_off(reset=self._writing().ends_with_connection)

    def _finish(self) -> None:
        upstream, address, forward = self._upstream, self._address, self._forward
        self._upstream = self._address = None
        assert forward is not None
        if upstream is not None and address is not None:
            if self.body_complete:
                forward.plan.pool.give_back(address, upstream)
            else:
                upstream.abort()
                forward.plan.pool.free(address)
        self._end(keep_alive=not self._close)

    def _drop_upstream(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.abort()
        if self._address is not None and self._forward is not None:
            self._forward.plan.pool.free(self._address)
            self._address = None

    def _end(self, *, keep_alive: bool) -> None:
        self._set_ended()
        self._caller.exchange_ended(keep_alive=keep_alive)

    def _set_ended(self) -> None:
        self._ended = True
        if self._later is not None:
            self._later.cancel()
        if self._patience is not None:
            self._patience.stop()
            self._patience = None  # they know each other, which would keep both until a collection of garbage
        self.trail.ended = _monotonic()
        self._gate.recorder.record(self.trail)
