"""From the command to the first 200, with 64 and with 1,000,000 tokens in the database."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from typing import Final

from tests.bench.contender import Job
from tests.bench.installed_gateway import Gateway, Installation
from tests.bench.mix import Caller
from tests.bench.population import caller
from tests.bench.programs import Failed
from tests.bench.scale.readings import Reading
from tests.bench.scale.stand import Stand

PART: Final = "start"
_FEW: Final = 64
MANY: Final = 1_000_000


def measure(stand: Stand) -> Iterator[Reading]:
    """A process of its own for each reading; PostgreSQL runs before."""
    small = Installation(stand.place("small"), upstream_port=stand.upstream.port, tokens=_FEW)
    stand.stack.callback(small.stop)
    for number in stand.rounds:
        for count, installation in ((_FEW, small), (MANY, stand.installation)):
            last = caller(count - number)
            seconds = _first_answer(
                Gateway(f"start {count}", stand.job, installation, log=True), stand.job, last
            )
            yield Reading(
                part=PART,
                case=f"{count:,} tokens",
                figure="s to the first 200",
                round=number,
                value=seconds,
                digits=2,
            )


def _first_answer(gateway: Gateway, job: Job, who: Caller) -> float:
    begun = time.perf_counter()
    gateway.start()
    try:
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
        connection.request("GET", "/contacts/abc123", headers={"Authorization": who.credential})
        status = connection.getresponse().status
        taken = time.perf_counter() - begun
        connection.close()
    finally:
        gateway.stop()
    if status != 200:
        raise Failed(f"the first answer of a gateway in front of port {job.upstream_port} was {status}")
    return taken
