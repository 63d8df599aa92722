"""How many logins may be tried: per e-mail address, and per network address, in a table that cannot grow.

The generic cell rate algorithm: one number for each key, the instant at which its attempts so far are forgiven.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """`burst` attempts at once, and one more for each `per_seconds / burst`."""

    burst: int
    per_seconds: float


class Throttle:
    """Counts attempts by key. When the table is full the key that was longest silent is forgotten."""

    __slots__ = ("_forgiven", "_max_keys", "_pace")

    def __init__(self, pace: Pace, *, max_keys: int = 10_000) -> None:
        self._pace = pace
        self._max_keys = max_keys
        self._forgiven: OrderedDict[str, float] = OrderedDict()

    def __repr__(self) -> str:
        return f"Throttle({self._pace}, {len(self._forgiven)} keys)"

    def try_again_after(self, key: str, now: float) -> int:
        """Count an attempt at `now` (monotonic seconds). 0: it may be made; else not, and after so many seconds again."""
        pace = self._pace
        forgiven = max(now, self._forgiven.get(key, now)) + pace.per_seconds / pace.burst
        excess = forgiven - now - pace.per_seconds
        if excess > 1e-9:
            # A refused attempt costs nothing: who waits as told gets through.
            return math.ceil(excess)
        self._forgiven[key] = forgiven
        self._forgiven.move_to_end(key)
        if len(self._forgiven) > self._max_keys:
            self._forgiven.popitem(last=False)
        return 0

    def forgive(self, key: str) -> None:
        """The attempt was a good one: what was counted against this key is forgotten."""
        self._forgiven.pop(key, None)
