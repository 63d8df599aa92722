"""The access log: one line per request, written in batches. No header, no body, no query string is in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Protocol

import orjson

from gateway.core.tokens import redacted
from gateway.proxy.record import Trail

# Few enough that their memory is used again at once: fresh pages cost more than the writes that they save.
_BATCH_LINES: Final = 32
_BATCH_SECONDS: Final = 0.05


class Timer(Protocol):
    """The part of an event loop that is used."""

    def call_later(self, delay: float, callback: Callable[[], None], /) -> object: ...


def as_json(trail: Trail, at: str) -> bytes:
    """The line for machines. Empty members are left out."""
    entry: dict[str, object] = {
        "at": at,
        "event": "request",
        "trace_id": trail.request_id,
        "client": trail.client,
        "method": trail.method,
        "path": redacted(trail.path),
        "status": trail.status,
        "ms": round((trail.ended - trail.started) * 1000, 2),
    }
    if trail.upstream_answered:
        entry["upstream_ms"] = round((trail.upstream_answered - trail.upstream_started) * 1000, 2)
    optional = {
        "code": trail.code,
        "detail": trail.detail,
        "shadow": trail.shadow,
        "route": trail.route,
        "service": trail.service,
        "upstream": trail.upstream,
        "account_id": trail.account_id,
        "integration_id": trail.integration_id,
        "token_id": trail.token_id,
        "bytes_in": trail.bytes_in,
        "bytes_out": trail.bytes_out,
    }
    entry.update((name, value) for name, value in optional.items() if value)
    return orjson.dumps(entry)


def as_text(trail: Trail, at: str) -> bytes:
    """The line for people."""
    took = (trail.ended - trail.started) * 1000
    words = [at[11:19], f"{trail.status or '---'}", f"{took:7.1f} ms", trail.method, redacted(trail.path)]
    words += [
        word
        for word in (
            trail.code,
            trail.detail and f"({trail.detail})",
            trail.shadow and f"shadow:{trail.shadow}",
            trail.integration_id,
        )
        if word
    ]
    # A control character cannot be in a path that was read; what could not be read is not shown.
    return " ".join(words).encode("utf-8", "backslashreplace")


class AccessLog:
    """Collects lines and hands them to `write` at most every 50 ms, or when 32 have come."""

    def __init__(
        self,
        write: Callable[[bytes], object],
        *,
        form: Callable[[Trail, str], bytes],
        errors_only: bool,
        timer: Timer,
    ) -> None:
        self._write = write
        self._form = form
        self._errors_only = errors_only
        self._timer = timer
        self._lines: list[bytes] = []
        self._waiting = False
        self._second = 0
        self._second_text = ""

    def __repr__(self) -> str:
        return f"AccessLog({len(self._lines)} lines waiting)"

    def record(self, trail: Trail) -> None:
        """Take one request."""
        if self._errors_only and trail.status < 400 and not trail.code:
            return
        if not self._waiting:
            self._waiting = True
            self._timer.call_later(_BATCH_SECONDS, self._flush_in_time)
        self._lines.append(self._form(trail, self._now()))
        if len(self._lines) >= _BATCH_LINES:
            self.flush()

    def _flush_in_time(self) -> None:
        self._waiting = False
        self.flush()

    def flush(self) -> None:
        """Write what has come."""
        if self._lines:
            lines, self._lines = self._lines, []
            self._write(b"\n".join(lines) + b"\n")

    def _now(self) -> str:
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second = second
            self._second_text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._second_text}.{int((now - second) * 1000):03d}Z"
