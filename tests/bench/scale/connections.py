"""1, 100 and 5,000 kept-alive connections: what a request costs when all work, what they cost when none does."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tests.bench.contender import Contender
from tests.bench.installed_gateway import Gateway
from tests.bench.load import Load
from tests.bench.mix import Mix, requests
from tests.bench.peers.nginx_lua import NginxLua
from tests.bench.programs import Failed, cpu_seconds
from tests.bench.scale.readings import Reading
from tests.bench.scale.stand import Stand, pressed

PART: Final = "connections"
COUNTS: Final = (1, 100, 5_000)
# Requests per second: below saturation for all, above what one connection can do.
_RATE: Final = 4_000
_REST_SECONDS: Final = 2.0
_SETTLE_SECONDS: Final = 1.5
# Connections that come before memory is counted: what is made once is made by then.
_FIRST: Final = 20


def measure(stand: Stand) -> Iterator[Reading]:
    """The gateway, and nginx with Lua where it is there, at one rate over more and more connections."""
    lists = requests(Mix.MIXED, stand.job.callers, host="api.example.com")
    loads = {count: stand.load(f"connections-{count}", lists, count) for count in COUNTS}
    gateway: Contender = stand.gateway("gateway")
    rivals = {"": gateway}
    if NginxLua.missing() is None:
        rivals["nginx + Lua, "] = stand.started(NginxLua("nginx + Lua", stand.job, log=True))
    for each in rivals.values():
        pressed(loads[100], each, 1)
    for number in stand.rounds:
        for count in COUNTS:
            for name, each in rivals.items():
                value = _at_one_rate(stand, loads[count], each)
                yield _reading(number, count, f"{name}µs CPU per request", value, digits=1, compared=True)
            at_rest = Gateway(f"at rest {count}", stand.job, stand.installation, log=True)
            stand.started(at_rest)
            share, kibibytes = _at_rest(at_rest, lists[0][0], count)
            at_rest.stop()
            yield _reading(number, count, "% of a core at rest", share * 100, digits=2)
            if count > 1:
                yield _reading(number, count, "KiB per connection", kibibytes, digits=1)


def _reading(
    number: int, count: int, figure: str, value: float, *, digits: int, compared: bool = False
) -> Reading:
    return Reading(
        part=PART,
        case=f"{count:,}",
        figure=figure,
        round=number,
        value=value,
        digits=digits,
        compared=compared,
    )


def _at_one_rate(stand: Stand, load: Load, contender: Contender) -> float:
    """CPU in µs per request once all connections stand. One connection alone makes no pause, and so keeps no rate."""
    pause = load.connections / _RATE if load.connections > 1 else 0
    with load.pressing(contender.port, stand.seconds + 2 * _SETTLE_SECONDS, pause_seconds=pause) as ended:
        time.sleep(_SETTLE_SECONDS)
        served, used = stand.upstream.requests, cpu_seconds(contender.pids)
        time.sleep(stand.seconds)
        served, used = stand.upstream.requests - served, cpu_seconds(contender.pids) - used
        run = ended()
    if run.wrong:
        raise Failed(f"{contender.name}: {run.wrong} of {run.requests} answers were wrong or late")
    return used / served * 1e6


def _at_rest(gateway: Contender, request: bytes, count: int) -> tuple[float, float]:
    """The share of a core that so many connections take when each has been used once, and the memory of each."""
    with ExitStack() as stack:
        lines = []
        for number in range(_FIRST + count):
            line = stack.enter_context(socket.create_connection(("127.0.0.1", gateway.port), timeout=10))
            line.sendall(request)
            if not line.recv(65536).startswith(b"HTTP/1.1 200"):
                raise Failed("a connection that was to be at rest got no answer")
            lines.append(line)
            if number == _FIRST - 1:
                before = _resident(gateway)
        grown = _resident(gateway) - before
        for line in lines[:_FIRST]:
            line.close()
        time.sleep(1)
        used = cpu_seconds(gateway.pids)
        time.sleep(_REST_SECONDS)
        used = cpu_seconds(gateway.pids) - used
    return used / _REST_SECONDS, grown / count / 1024


def _resident(gateway: Contender) -> int:
    pages = (int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in gateway.pids)
    return sum(pages) * os.sysconf("SC_PAGE_SIZE")
