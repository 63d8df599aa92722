"""1 and 2 workers: throughput, CPU per request, how evenly the requests are shared.

All cores are the workers', and the load and the upstream are on one of them as well: on a machine with two cores the
second worker has what these leave of a core, so CPU per request tells more than requests per second.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.bench.installed_gateway import Gateway
from tests.bench.mix import Mix, requests
from tests.bench.programs import cpu_seconds
from tests.bench.scale.readings import Reading
from tests.bench.scale.stand import Stand, pressed

PART: Final = "workers"
COUNTS: Final = (1, 2)
_CONNECTIONS: Final = 64


def measure(stand: Stand) -> Iterator[Reading]:
    """Two gateways in turn."""
    load = stand.load("workers", requests(Mix.MIXED, stand.job.callers, host="api.example.com"), _CONNECTIONS)
    gateways = {
        count: Gateway(
            f"{count} workers",
            stand.job,
            stand.installation,
            log=True,
            workers=count,
            more_cores={stand.load_core},
        )
        for count in COUNTS
    }
    for gateway in gateways.values():
        stand.started(gateway)
        pressed(load, gateway, 1)
    for number in stand.rounds:
        for count, gateway in gateways.items():
            before = {pid: cpu_seconds([pid]) for pid in gateway.pids}
            run = pressed(load, gateway, stand.seconds)
            used = [cpu_seconds([pid]) - earlier for pid, earlier in before.items()]
            seen = {
                "requests/s": (run.per_second, 0),
                "µs CPU per request": (run.microseconds, 1),
                "% by the busiest worker": (max(used) / sum(used) * 100, 0),
            }
            for name, (value, digits) in seen.items():
                yield Reading(
                    part=PART, case=str(count), figure=name, round=number, value=value, digits=digits
                )
