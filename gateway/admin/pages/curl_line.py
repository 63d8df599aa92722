"""A line for the terminal that tries a token out: an operation that the scopes open, and that changes nothing."""

from __future__ import annotations

import shlex
from collections.abc import Collection

from gateway.core.model import Access, AccountKind, Route, RouteMap
from gateway.core.routes import is_parameter, split

_SAMPLE_ID = "123"


def sample_route(route_map: RouteMap, kind: AccountKind, scopes: Collection[str]) -> Route | None:
    """The simplest GET that a token with these scopes may call; None when there is none."""
    held = set(scopes)
    found = [
        route
        for route in route_map.routes
        if route.method == "GET"
        and not route.websocket
        and route.account in (None, kind)
        and _opens(route, held)
    ]
    return min(found, key=_fitness, default=None)


def _opens(route: Route, held: set[str]) -> bool:
    match route.access:
        case Access.ALL_OF:
            return held.issuperset(route.scopes)
        case Access.ANY_OF:
            return not held.isdisjoint(route.scopes)
        case Access.AUTHENTICATED:
            return True
        case Access.PUBLIC | Access.DENY:
            return False


def _fitness(route: Route) -> tuple[bool, int, int, str]:
    segments = split(route.template)
    return (
        route.access is Access.AUTHENTICATED,
        sum(map(is_parameter, segments)),
        len(segments),
        route.template,
    )


def curl_line(route: Route, *, proxy_url: str, secret: str) -> str:
    """The command, quoted for a POSIX shell."""
    segments = [_SAMPLE_ID if is_parameter(segment) else segment for segment in split(route.template)]
    target = "/" + "/".join(segments).strip("/")
    if route.template.endswith("/") and target != "/":
        target += "/"
    parts = [
        "curl",
        "-i",
        shlex.quote(f"{proxy_url}{target}"),
        "-H",
        shlex.quote(f"Authorization: Bearer {secret}"),
    ]
    if route.versions:
        parts += ["-H", shlex.quote(f"Version: {route.versions[-1]}")]
    return " ".join(parts)
