"""What the things that serve a request ask of the connection it came in on, and it of them."""

from __future__ import annotations

from typing import Protocol

from gateway.proxy.credentials import CredentialReader
from gateway.proxy.gate import Gate
from gateway.proxy.record import Trail


class Served(Protocol):
    """What a connection tells whatever it is serving: an exchange, or the tunnel that it became."""

    @property
    def trail(self) -> Trail: ...

    def check(self, now: float) -> None: ...

    def caller_left(self) -> None: ...

    def caller_full(self) -> None: ...

    def caller_drained(self) -> None: ...

    def going_away(self) -> None: ...


class Tunnelled(Served, Protocol):
    """Takes a caller's bytes that are no HTTP."""

    def from_caller(self, data: bytes) -> None: ...


class CallerSide(Protocol):
    """The caller's connection, as an exchange or a tunnel sees it."""

    def write(self, data: bytes) -> None: ...

    def want_body(self, wanted: bool) -> None: ...

    def exchange_ended(self, *, keep_alive: bool) -> None: ...

    def break_off(self, *, reset: bool) -> None: ...

    def tunnel_opened(self, tunnel: Tunnelled) -> None: ...

    @property
    def newest_gate(self) -> Gate: ...

    @property
    def credentials(self) -> CredentialReader: ...

    @property
    def writable(self) -> bool: ...

    @property
    def unsent(self) -> int: ...

    @property
    def draining(self) -> bool: ...

    @property
    def can_drain(self) -> bool: ...
