"""Counts the use of tokens on the hot path: a look-up and an addition per request, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf
from typing import Final, Protocol

from gateway.core.networks import network_of
from gateway.core.usage import HOUR_SECONDS, operation_of, outcome_of
from gateway.core.usage_ledger import UsageLedger
from gateway.proxy.record import Trail

# Kinds of request told apart between two folds; beyond, the addresses are no longer kept.
MAX_ENTRIES: Final = 50_000
_SLICE: Final = 500

# Token, method, template, status, code, client.
Key = tuple[str, str, str, int, str, str]


class Clock(Protocol):
    """The database's clock, in UNIX seconds."""

    def now(self) -> float: ...


class _Entry:
    """Requests of one kind, and the monotonic instants of the first and the last."""

    __slots__ = ("count", "first", "last")

    def __init__(self, at: float) -> None:
        self.count = 1
        self.first = at
        self.last = at


class UsageCounter:
    """Takes every finished request; `fold` moves what was counted into a ledger, by the database's clock."""

    __slots__ = (
        "_clock",
        "_closed",
        "_entries",
        "_hour",
        "_hour_ends",
        "_monotonic",
        "_shadows",
        "without_address",
    )

    def __init__(self, *, clock: Clock, monotonic: Callable[[], float]) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._entries: dict[Key, _Entry] = {}
        self._closed: list[tuple[int, dict[Key, _Entry]]] = []
        # Token, hour, operation, code: as many as there are tokens in use and routes with a shadow.
        self._shadows: dict[tuple[str, int, str, str], int] = {}
        self._hour = 0
        self._hour_ends = -inf
        # Requests whose address was not kept, for want of room.
        self.without_address = 0

    def __repr__(self) -> str:
        return f"UsageCounter({len(self._entries)} kinds)"

    def record(self, trail: Trail) -> None:
        """Count one request, if it is known whose it is."""
        caller = trail.caller
        if caller is None:
            return
        at = trail.ended
        if at >= self._hour_ends:
            self._turn()
        plan = trail.plan
        route = "" if plan is None else plan.route.template
        key = (caller.token_id, trail.method, route, trail.status, trail.code, trail.client)
        entry = self._entries.get(key)
        if entry is None:
            self._begin(key, at)
        else:
            entry.count += 1
            entry.last = at
        if trail.shadow:
            shadow = (caller.token_id, self._hour, operation_of(trail.method, route), trail.shadow)
            self._shadows[shadow] = self._shadows.get(shadow, 0) + 1

    def _begin(self, key: Key, at: float) -> None:
        if len(self._entries) >= MAX_ENTRIES:
            token_id, method, route, status, code, _ = key
            # A method without a route is the caller's own word, and as many as he likes.
            key = (token_id, method if route else "", route, status, code, "")
            self.without_address += 1
            entry = self._entries.get(key)
            if entry is not None:
                entry.count += 1
                entry.last = at
                return
        self._entries[key] = _Entry(at)

    def _turn(self) -> None:
        """An hour is over by the database's clock: what follows is counted apart."""
        if self._entries:
            self._closed.append((self._hour, self._entries))
            self._entries = {}
        offset = self._clock.now() - self._monotonic()
        self._hour = int(self._clock.now()) // HOUR_SECONDS * HOUR_SECONDS
        self._hour_ends = self._hour + HOUR_SECONDS - offset

    def fold(self, ledger: UsageLedger) -> Iterator[None]:
        """Move what was counted into the ledger, a slice at each step: requests need not wait for all of it."""
        offset = self._clock.now() - self._monotonic()
        counted = [*self._closed, (self._hour, self._entries)]
        self._closed, self._entries = [], {}
        shadows, self._shadows = self._shadows, {}
        for shadow, count in shadows.items():
            ledger.shadow(*shadow, count)
        for hour, entries in counted:
            for number, (key, entry) in enumerate(entries.items(), 1):
                _enter(ledger, hour, key, entry, offset)
                if not number % _SLICE:
                    yield


def _enter(ledger: UsageLedger, hour: int, key: Key, entry: _Entry, offset: float) -> None:
    token_id, method, route, status, code, client = key
    first_at, last_at = entry.first + offset, entry.last + offset
    ledger.use(token_id, first_at, last_at)
    ledger.count(token_id, hour, operation_of(method, route), outcome_of(status, code), entry.count)
    network = network_of(client)
    if network:
        ledger.seen(token_id, network, first_at, last_at, entry.count)
