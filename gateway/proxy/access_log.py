"""The access log: one line per request, written in batches. No header, no body, no query string is in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Protocol

import orjson

from gateway.core.model import Caller
from gateway.core.tokens import redacted
from gateway.proxy.live import Plan
from gateway.proxy.record import Trail

# Few enough that their memory is used again at once: fresh pages cost more than the writes that they save.
_BATCH_LINES: Final = 32
_BATCH_SECONDS: Final = 0.05
# Of a map's version, as of a commit: enough to tell it from all others.
_SHORT_VERSION: Final = 12


class Timer(Protocol):
    """The part of an event loop that is used."""

    def call_later(self, delay: float, callback: Callable[[], None], /) -> object: ...


class JsonLines:
    """Writes lines for machines. Empty members are left out.

    What a line says of the operation, the map it is from and the caller is the same for all their requests, and is
    written once: the lines of another map are another's to write.
    """

    __slots__ = ("_subjects",)

    _MEMORY: Final = 16_384

    def __init__(self) -> None:
        # Keyed by identity: both are held, so that while they are here their id() stays their own.
        self._subjects: dict[tuple[int, int], tuple[Plan | None, Caller | None, bytes]] = {}

    def __repr__(self) -> str:
        return f"JsonLines({len(self._subjects)} subjects known)"

    def __call__(self, trail: Trail, at: str) -> bytes:
        """The line of one request, whose instant is `at`."""
        line = b'{"at":"%b","event":"request","trace_id":"%b","client":%b,"method":"%b","path":%b' % (
            at.encode("ascii"),
            trail.request_id.encode("ascii"),
            orjson.dumps(trail.client),
            trail.method.encode("ascii"),
            orjson.dumps(redacted(trail.path)),
        )
        line += b',"status":%d,"ms":%.2f' % (trail.status, (trail.ended - trail.started) * 1000)
        if trail.upstream_answered:
            line += b',"upstream_ms":%.2f' % ((trail.upstream_answered - trail.upstream_started) * 1000)
        if trail.code:
            line += _members(code=trail.code, detail=trail.detail)
        if trail.shadow:
            line += _members(shadow=trail.shadow)
        plan, caller = trail.plan, trail.caller
        known = self._subjects.get((id(plan), id(caller)))
        line += self._describe(plan, caller, trail.map_version) if known is None else known[2]
        if trail.bytes_in:
            line += b',"bytes_in":%d' % trail.bytes_in
        return line + (b',"bytes_out":%d}' % trail.bytes_out if trail.bytes_out else b"}")

    def _describe(self, plan: Plan | None, caller: Caller | None, map_version: str) -> bytes:
        members = _members(
            route="" if plan is None else plan.route.template,
            service="" if plan is None else plan.route.service,
            upstream="" if plan is None else plan.pool.name,
            map=map_version[:_SHORT_VERSION],
            account_id="" if caller is None else caller.account_id,
            integration_id="" if caller is None else caller.integration_id,
            token_id="" if caller is None else caller.token_id,
        )
        if len(self._subjects) >= self._MEMORY:
            self._subjects.clear()
        self._subjects[id(plan), id(caller)] = (plan, caller, members)
        return members


def _members(**given: str) -> bytes:
    """These members of an object, each behind a comma."""
    members = orjson.dumps({name: value for name, value in given.items() if value})[1:-1]
    return b"," + members if members else b""


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
