"""Takes finished requests for their records: one append on the hot path, within a bound; the rest is the writer's."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from gateway.core.sampling import bound_of, is_sampled
from gateway.proxy.record import Trail
from gateway.storage.record_writing import Entry

# So many are worth writing before their time.
_WAKE: Final = 1000
# Seconds of a burst that is taken at once.
_BURST_SECONDS: Final = 10


@dataclass(slots=True)
class Dropped:
    """Records that were given up, by why. `refused`: by the schema; `late`: the gateway had to end."""

    queue_full: int = 0
    strangers: int = 0
    refused: int = 0
    late: int = 0


class RequestRecorder:
    """The bounded queue of records. `ready` is set when there is enough to write.

    `sample` is the share of what passed that is taken. With `all_errors` everything else is taken, of callers that are
    not known `strangers` a second: whoever holds no token can be refused as often as he likes.
    """

    __slots__ = (
        "_all_errors",
        "_below",
        "_burst",
        "_crowded_at",
        "_held",
        "_queue",
        "_size",
        "_strangers",
        "_strangers_left",
        "dropped",
        "ready",
    )

    def __init__(self, *, sample: float, all_errors: bool, strangers: int, size: int) -> None:
        self._below = bound_of(sample)
        self._all_errors = all_errors
        self._strangers = strangers
        self._burst = float(strangers * _BURST_SECONDS)
        self._strangers_left = self._burst
        self._size = size
        self._held = 0
        self._crowded_at = min(_WAKE, size)
        self._queue: list[Entry] = []
        self.dropped = Dropped()
        self.ready = asyncio.Event()

    def __repr__(self) -> str:
        return f"RequestRecorder({len(self)} of {self._size})"

    def __len__(self) -> int:
        """Records that are not stored yet."""
        return len(self._queue) + self._held

    def record(self, trail: Trail) -> None:
        """Take one request, or leave it."""
        if self._all_errors and (trail.status >= 400 or trail.code or trail.shadow):
            if trail.caller is None and not self._take_stranger():
                return
        elif not is_sampled(trail.request_id, self._below):
            return
        if len(self._queue) >= self._crowded_at and not self._has_room():
            return
        plan = trail.plan
        self._queue.append(
            (
                trail.ended,
                trail.request_id,
                trail.started,
                trail.upstream_started,
                trail.upstream_answered,
                trail.bytes_in,
                trail.bytes_out,
                trail.client,
                trail.caller,
                trail.status,
                trail.method,
                "" if plan is None else plan.route.template,
                trail.code,
                trail.shadow,
                trail.map_version,
            )
        )

    def _take_stranger(self) -> bool:
        if self._strangers_left < 1:
            self.dropped.strangers += 1
            return False
        self._strangers_left -= 1
        return True

    def _has_room(self) -> bool:
        self.ready.set()
        if len(self) >= self._size:
            self.dropped.queue_full += 1
            return False
        return True

    # For the writer.

    def let_in(self, seconds: float) -> None:
        """So much time has passed: that many more of strangers are taken."""
        self._strangers_left = min(self._burst, self._strangers_left + seconds * self._strangers)

    def take(self, limit: int) -> list[Entry]:
        """Up to `limit` of the oldest. They count as waiting until they are settled."""
        taken, self._queue = self._queue[:limit], self._queue[limit:]
        self._hold(len(taken))
        return taken

    def settle(self, count: int) -> None:
        """So many of those taken are stored, or given up."""
        self._hold(-count)

    def _hold(self, change: int) -> None:
        self._held += change
        self._crowded_at = max(0, min(_WAKE, self._size - self._held))
        if len(self._queue) < self._crowded_at:
            self.ready.clear()
