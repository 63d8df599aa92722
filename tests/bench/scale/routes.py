"""A map of 100, 600 and 10,000 routes: what a request costs, what matching costs, how long the map takes to read."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from tests.bench.mix import PROFILES, Caller
from tests.bench.scale.readings import Reading
from tests.bench.scale.stand import Stand, pressed

PART: Final = "routes"
SIZES: Final = (100, 600, 10_000)
_CONNECTIONS: Final = 32
_REQUESTS: Final = 4096
# The operations of one kind of thing, as most APIs have them.
_SHAPES: Final = (
    ("GET", "/s{s}/things{t}/"),
    ("POST", "/s{s}/things{t}/"),
    ("GET", "/s{s}/things{t}/search"),
    ("GET", "/s{s}/things{t}/{{id}}"),
    ("PUT", "/s{s}/things{t}/{{id}}"),
    ("DELETE", "/s{s}/things{t}/{{id}}"),
    ("GET", "/s{s}/things{t}/{{id}}/notes"),
    ("POST", "/s{s}/things{t}/{{id}}/notes"),
    ("GET", "/s{s}/things{t}/{{id}}/notes/{{noteId}}"),
    ("PUT", "/s{s}/things{t}/{{id}}/notes/{{noteId}}"),
)
_THINGS: Final = 10


def operations(count: int) -> list[tuple[str, str]]:
    """So many different operations, ten for each thing and a hundred for each service."""

    def endless() -> Iterator[tuple[str, str]]:
        number = 0
        while True:
            for method, shape in _SHAPES:
                yield method, shape.format(s=number // _THINGS, t=number % _THINGS)
            number += 1

    return list(islice(endless(), count))


def map_text(count: int, upstream_port: int) -> str:
    """A route map with so many routes, each with a scope that everyone who calls here holds."""
    scope = PROFILES[0][0]
    lines = "".join(f"      {method} {template}: {scope}\n" for method, template in operations(count))
    return (
        f'upstreams:\n  one: {{urls: ["http://127.0.0.1:{upstream_port}"]}}\n'
        f"services:\n  all:\n    upstream: one\n    routes:\n{lines}scopes:\n  {scope}: Everything\n"
    )


def requests(count: int, callers: list[Caller]) -> list[bytes]:
    """Requests for all routes of such a map alike, each with other identifiers."""
    chance = random.Random(count)
    made = []
    for number in range(_REQUESTS):
        method, template = chance.choice(operations(count))
        path = template.replace("{id}", f"{chance.getrandbits(64):x}").replace("{noteId}", f"{number:x}")
        length = "Content-Length: 0\r\n" if method in {"POST", "PUT"} else ""
        made.append(
            f"{method} {path} HTTP/1.1\r\nHost: api.example.com\r\nAccept: application/json\r\n{length}"
            f"Authorization: {callers[number % len(callers)].credential}\r\n\r\n".encode()
        )
    return made


def measure(stand: Stand) -> Iterator[Reading]:
    """Three gateways, each with its map, in turn."""
    holders = [caller for caller in stand.job.callers if caller.scopes == PROFILES[0]]
    cases = {}
    for size in SIZES:
        file = stand.place(PART) / f"{size}.yaml"
        file.write_text(map_text(size, stand.upstream.port))
        gateway = stand.gateway(f"{size} routes", {"GATEWAY__ROUTES": str(file)})
        load = stand.load(f"routes-{size}", [requests(size, holders)], _CONNECTIONS)
        pressed(load, gateway, 1)
        cases[size] = (file, gateway, load)
    for number in stand.rounds:
        for size, (file, gateway, load) in cases.items():
            seen = {
                "µs CPU per request": pressed(load, gateway, stand.seconds).microseconds,
                **_probed(stand, file, size),
            }
            for name, value in seen.items():
                yield Reading(part=PART, case=f"{size:,}", figure=name, round=number, value=value, digits=2)


def _probed(stand: Stand, file: Path, size: int) -> dict[str, float]:
    return stand.probe("tests.bench.scale.probe_routes", str(file), str(size))
