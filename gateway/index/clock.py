"""The database's clock, as this node knows it: its own monotonic clock plus a measured offset."""

from __future__ import annotations

from collections.abc import Callable


class DatabaseClock:
    """Tells UNIX time in seconds as the database would, without asking it.

    Each measurement is good to half its round trip; the quickest of the last few is taken, so that one slow answer
    does not move deadlines. Until the first one the wall clock serves.
    """

    __slots__ = ("_monotonic", "_offset", "_samples", "measured")

    def __init__(self, *, monotonic: Callable[[], float], wall: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._offset = wall() - monotonic()
        self._samples: list[tuple[float, float]] = []
        self.measured = False

    def __repr__(self) -> str:
        return f"DatabaseClock(offset={self._offset:.6f}, measured={self.measured})"

    def now(self) -> float:
        """UNIX seconds by the database's clock."""
        return self._monotonic() + self._offset

    def measure(self, database_seconds: float, asked_at: float, answered_at: float) -> None:
        """Take one reading of the database's clock, and the monotonic instants around it."""
        sample = (answered_at - asked_at, database_seconds - (asked_at + answered_at) / 2)
        self._samples = [*self._samples[-4:], sample]
        self._offset = min(self._samples)[1]
        self.measured = True
