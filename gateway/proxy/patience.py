"""How long an exchange may be silent, and whether it would still be let in: looked at every tick.

Most requests have ended before the first tick, so none of this is made for them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gateway.core.policy import Deny
from gateway.core.reasons import Code
from gateway.proxy.gate import Timeouts
from gateway.proxy.standing import Standing


class Silent(Protocol):
    """An exchange, as far as time goes. Times are monotonic seconds."""

    last_event: float

    @property
    def answered(self) -> bool: ...

    @property
    def body_complete(self) -> bool: ...

    @property
    def takes_body(self) -> bool: ...

    @property
    def first_byte_seconds(self) -> float: ...

    @property
    def caller_unsent(self) -> int: ...

    @property
    def caller_writable(self) -> bool: ...

    def refuse(self, deny: Deny) -> None: ...

    def give_up_on_body(self) -> None: ...

    def abandon(self, code: str, detail: str) -> None: ...


class Patience:
    """Ends one exchange when it has been silent for longer than it may, or is no longer allowed."""

    __slots__ = ("_exchange", "_standing", "_timeouts", "_unsent")

    def __init__(
        self,
        exchange: Silent,
        timeouts: Timeouts,
        make_standing: Callable[[Callable[[Deny], None]], Standing],
    ) -> None:
        """`make_standing` gives the watch over whether it would be let in again."""
        self._exchange = exchange
        self._timeouts = timeouts
        self._unsent = 0
        self._standing = make_standing(exchange.refuse)

    def __repr__(self) -> str:
        return f"Patience({self._exchange})"

    def check(self, now: float) -> None:
        """Judge at `now`."""
        exchange = self._exchange
        self._standing.check(now, operation=exchange.answered or not exchange.body_complete)
        silent = now - exchange.last_event
        if exchange.answered:
            self._check_response(now, silent)
        elif exchange.takes_body:
            if silent > self._timeouts.body:
                exchange.give_up_on_body()
        else:
            limit = exchange.first_byte_seconds if exchange.body_complete else self._timeouts.upstream_silence
            if silent > limit:
                exchange.refuse(Deny(Code.UPSTREAM_TIMEOUT, detail=f"no answer in {limit:g} s"))

    def _check_response(self, now: float, silent: float) -> None:
        """The response has begun: the upstream must go on with it, and the caller must go on taking it."""
        exchange = self._exchange
        unsent = exchange.caller_unsent
        if unsent != self._unsent:
            self._unsent = unsent
            exchange.last_event = now
        elif silent > self._timeouts.upstream_silence:
            code = Code.UPSTREAM_TIMEOUT.value if exchange.caller_writable else "caller_stalled"
            exchange.abandon(code, "the response stopped")

    def stop(self) -> None:
        """The exchange has ended."""
        self._standing.stop()
