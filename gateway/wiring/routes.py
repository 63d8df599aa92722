"""From a route map on disk to the table in force, with the pools that serve it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from gateway.core.model import Problem, RouteMap
from gateway.core.route_check import check
from gateway.core.routes import RouteTable
from gateway.proxy.live import LiveMap, Plan
from gateway.proxy.pool import Address, Pool, PoolRules
from gateway.settings.errors import ConfigurationError
from gateway.settings.model import Settings
from gateway.settings.route_map import parse_route_map
from gateway.settings.yaml_document import read_bytes
from gateway.wiring.certificates import UpstreamTls
from gateway.wiring.shipped import shipped


def shipped_map() -> Path:
    """The map of the v2 API that comes with the gateway."""
    return shipped("v2.routes.yaml")


def publishable(path: Path) -> tuple[RouteMap, list[Problem]]:
    """The map in a file and its warnings. Raises ConfigurationError with every error."""
    return judged(path, read_bytes(path))


def judged(path: Path, data: bytes) -> tuple[RouteMap, list[Problem]]:
    """The map in the bytes of a file and its warnings. Raises ConfigurationError with every error."""
    route_map = parse_route_map(path, data)
    problems = check(route_map)
    errors = [problem for problem in problems if not problem.warning]
    if errors:
        raise ConfigurationError(errors)
    return route_map, problems


def live_map(
    route_map: RouteMap, settings: Settings, *, tls: UpstreamTls, former: Iterable[Pool] = ()
) -> tuple[LiveMap, tuple[Pool, ...]]:
    """The table and the pools of a map that was found publishable.

    Addresses of `former` pools that an upstream of the same name still has are taken over with their connections.
    """
    upstream = settings.upstream
    rules = PoolRules(
        connect_seconds=upstream.timeouts.connect,
        keep_alive_seconds=upstream.keep_alive,
        max_connections=upstream.max_connections,
    )
    known = {(pool.name, address.url): address for pool in former for address in pool.addresses}

    def address(name: str, url: str) -> Address:
        kept = known.get((name, url))
        if kept is not None and (kept.tls is None or kept.tls is tls.context):
            return kept
        return Address(url, tls.context)

    pools = {
        name: Pool(
            name,
            [address(name, url) for url in served.urls],
            rules=rules,
            preserve_host=served.preserve_host,
            monotonic=time.monotonic,
        )
        for name, served in route_map.upstreams.items()
    }
    table = RouteTable(
        (
            route.method,
            route.template,
            Plan(
                route=route,
                pool=pools[route.upstream],
                body_limit=settings.proxy.limits.body if route.body_limit is None else route.body_limit,
                first_byte_seconds=route.timeout_seconds or upstream.timeouts.first_byte,
                template=route.template.encode("ascii"),
                labels=(route.service, route.template),
            ),
        )
        for route in route_map.routes
    )
    return LiveMap(table, route_map.version), tuple(pools.values())
