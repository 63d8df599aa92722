"""The record of each request: what happened, in one row, for the access log and the counters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(slots=True, eq=False)
class Trail:
    """What one request leaves behind. The one mutable thing of a request; filled as it travels.

    Times are monotonic seconds, sizes bytes of body. `status` 0: the caller left before any answer. `code` is the
    reason of our own answer, or how a forwarded one broke off; empty when the upstream's answer passed whole.
    """

    request_id: str
    client: str
    method: str
    path: str
    started: float
    route: str = ""
    service: str = ""
    account_id: str = ""
    integration_id: str = ""
    token_id: str = ""
    upstream: str = ""
    status: int = 0
    code: str = ""
    detail: str = ""
    bytes_in: int = 0
    bytes_out: int = 0
    upstream_started: float = 0.0
    upstream_answered: float = 0.0
    ended: float = 0.0


class Recorder(Protocol):
    """Takes each finished trail. Called on the hot path: it must not wait."""

    def record(self, trail: Trail) -> None: ...


class Recorders:
    """Several recorders as one."""

    def __init__(self, *recorders: Callable[[Trail], None]) -> None:
        self._recorders = recorders

    def __repr__(self) -> str:
        return f"Recorders({len(self._recorders)})"

    def record(self, trail: Trail) -> None:
        """Hand the trail to each."""
        for record in self._recorders:
            record(trail)
