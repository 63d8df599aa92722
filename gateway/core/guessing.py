"""Slows down whoever sends credentials that were never issued; good tokens from the same address are not touched."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from gateway.core.reasons import Code

# A wrong checksum is a typing mistake, an unknown token a guess or a leftover; both cost the gateway something.
GUESSES: Final = frozenset({Code.TOKEN_MALFORMED, Code.TOKEN_UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class GuessingRules:
    """`free` failures in `per_seconds` are answered at once; those beyond wait `delay_seconds`."""

    free: int
    per_seconds: float
    delay_seconds: float


class GuessingGuard:
    """Counts failures per address in a bounded table (generic cell rate algorithm: one number per address)."""

    __slots__ = ("_addresses", "_interval", "_max_addresses", "_rules")

    def __init__(self, rules: GuessingRules, *, max_addresses: int = 10_000) -> None:
        self._rules = rules
        self._interval = rules.per_seconds / rules.free if rules.free else 0.0
        self._max_addresses = max_addresses
        # address → the instant at which its failures so far are forgiven. Oldest first.
        self._addresses: OrderedDict[str, float] = OrderedDict()

    def __repr__(self) -> str:
        return f"GuessingGuard({len(self._addresses)} addresses)"

    def delay(self, address: str, now: float) -> float:
        """Count a failure of this address at `now` (monotonic seconds); how many seconds its answer shall wait."""
        rules = self._rules
        if not rules.free:
            return 0.0
        forgiven_at = max(now, self._addresses.pop(address, now)) + self._interval
        # Nobody is punished for longer than two periods after the last failure.
        self._addresses[address] = min(forgiven_at, now + 2 * rules.per_seconds)
        if len(self._addresses) > self._max_addresses:
            self._addresses.popitem(last=False)
        return rules.delay_seconds if forgiven_at - now > rules.per_seconds else 0.0
