"""The route map that is shipped, as the contenders take it."""

from __future__ import annotations

import re
from typing import Final

from gateway.wiring.routes import publishable, shipped_map
from tests.bench.programs import Failed

_URLS: Final = re.compile(r"http://127\.0\.0\.1:9001\b")


def operations() -> list[tuple[str, str, str]]:
    """Method, template and scope of each operation; of those few that need several scopes, the first."""
    route_map, _ = publishable(shipped_map())
    return [(route.method, route.template, next(iter(route.scopes), "-")) for route in route_map.routes]


def text(*, upstream_port: int) -> str:
    """The file, with the upstream of the bench in place of its own."""
    written, replaced = _URLS.subn(f"http://127.0.0.1:{upstream_port}", shipped_map().read_text())
    if replaced != 1:
        raise Failed(f"the shipped map names {replaced} upstreams where one was expected")
    return written
