"""Tokens that the gateway has not seen: one round trip to PostgreSQL each, or one for several that wait."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from typing import Final

from tests.bench.installed_gateway import Gateway
from tests.bench.mix import Caller, Mix, requests
from tests.bench.population import caller
from tests.bench.programs import Failed, cpu_seconds
from tests.bench.scale.readings import Reading
from tests.bench.scale.stand import Stand, pressed

PART: Final = "first seen"
CONNECTIONS: Final = (1, 16, 64)
# More than a gateway can come to know in the time of a measurement.
_TOKENS: Final = 60_000


def _ask(connections: int) -> list[bytes]:
    first = CONNECTIONS.index(connections) * _TOKENS
    known: list[Caller] = [caller(number) for number in range(first, first + _TOKENS)]
    return [
        (
            "GET /contacts/abc123 HTTP/1.1\r\nHost: api.example.com\r\nAccept: application/json\r\n"
            f"Authorization: {each.credential}\r\n\r\n"
        ).encode()
        for each in known
    ]


def measure(stand: Stand) -> Iterator[Reading]:
    """A gateway that starts anew in each round, and so knows no token; then the same number of callers with known ones."""
    loads = {each: stand.load(f"first-{each}", [_ask(each)], each) for each in CONNECTIONS}
    known = {
        each: stand.load(
            f"known-{each}", requests(Mix.MIXED, stand.job.callers, host="api.example.com"), each
        )
        for each in CONNECTIONS
    }
    for number in stand.rounds:
        gateway = Gateway(f"round {number}", stand.job, stand.installation, log=True)
        stand.started(gateway)
        for connections in CONNECTIONS:
            pressed(known[connections], gateway, 1)
            usual = pressed(known[connections], gateway, stand.seconds)
            before, stored = _counts(gateway), cpu_seconds(stand.installation.database_pids)
            fresh = pressed(loads[connections], gateway, stand.seconds)
            stored = cpu_seconds(stand.installation.database_pids) - stored
            grown = {name: value - before[name] for name, value in _counts(gateway).items()}
            if fresh.requests > _TOKENS:
                raise Failed(f"{_TOKENS} tokens were too few: {fresh.requests} requests came through")
            seen = {
                "requests/s": (fresh.per_second, 0),
                "with known tokens": (usual.per_second, 0),
                "µs CPU per request": (fresh.microseconds, 1),
                "with known tokens, µs": (usual.microseconds, 1),
                "PostgreSQL, µs": (stored / fresh.requests * 1e6, 1),
                "tokens per query": (grown["misses"] / grown["loads"], 1),
            }
            for name, (value, digits) in seen.items():
                yield Reading(
                    part=PART,
                    case=f"{connections} connections",
                    figure=name,
                    round=number,
                    value=value,
                    digits=digits,
                    compared=False,
                )
        gateway.stop()


def _counts(gateway: Gateway) -> dict[str, float]:
    """How often the index was asked in vain, and how often it asked the store."""
    with urllib.request.urlopen(f"http://127.0.0.1:{gateway.admin_port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found = {}
    for name in ("misses", "loads"):
        match = re.search(rf"^gateway_index_{name}_total (\S+)", text, re.MULTILINE)
        if match is None:
            raise Failed(f"the gateway's metrics do not tell the index's {name}")
        found[name] = float(match[1])
    return found
