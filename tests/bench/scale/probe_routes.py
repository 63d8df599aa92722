"""Run with a route map's file and its size: reads it and matches in it, and prints what that took as JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from gateway.core.routes import RouteTable
from gateway.wiring.routes import publishable
from tests.bench.mix import Caller
from tests.bench.scale.routes import requests

_CALLER = Caller(token="", account_id="", integration_id="", token_id="", scopes=())
_PASSES = 5


def main() -> None:
    """Milliseconds to read and check the map, microseconds to match a path."""
    file, size = sys.argv[1:]
    begun = time.perf_counter()
    route_map, _ = publishable(Path(file))
    read = time.perf_counter() - begun
    table = RouteTable((route.method, route.template, route) for route in route_map.routes)
    asked = [tuple(each.split(b" ", 2)[:2]) for each in requests(int(size), [_CALLER])]
    targets = [(method.decode(), path.decode()) for method, path in asked]
    match, best = table.match, float("inf")
    for _ in range(_PASSES):
        begun = time.perf_counter()
        for method, path in targets:
            assert match(method, path) is not None
        best = min(best, time.perf_counter() - begun)
    print(json.dumps({"µs to match": best / len(targets) * 1e6, "ms to read the map": read * 1e3}))


if __name__ == "__main__":
    main()
