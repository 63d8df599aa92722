"""`gateway routes`: what is in the route map."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from gateway.admin.management.route_words import needs, tried
from gateway.cli.context import ConfigOption, JsonOption, RoutesOption, map_path, read_settings
from gateway.cli.output import note, print_json, print_table
from gateway.core.model import Route
from gateway.wiring.routes import publishable


def routes(
    config: ConfigOption = None,
    routes: RoutesOption = None,
    service: Annotated[str | None, typer.Option(help="Only this service.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the route map: every operation, what it needs and who serves it."""
    settings = read_settings(config)
    route_map, _ = publishable(routes or map_path(settings, config))
    chosen = [route for route in route_map.routes if service in (None, route.service)]
    if as_json:
        print_json([_as_json(route) for route in chosen])
        return
    with_shadow = any(route.shadow is not None for route in chosen)
    print_table(
        ("METHOD", "PATH", "NEEDS", *(("SHADOW",) if with_shadow else ()), "ACCOUNT", "SERVICE", "UPSTREAM"),
        (
            (
                route.method,
                route.template,
                needs(route),
                *((tried(route),) if with_shadow else ()),
                route.account.value if route.account else "any",
                route.service,
                route.upstream,
            )
            for route in chosen
        ),
    )
    by_access = Counter(route.access.value for route in chosen)
    shadows = sum(route.shadow is not None for route in chosen)
    note(
        f"{len(chosen)} routes: "
        + ", ".join(f"{count} {access}" for access, count in sorted(by_access.items()))
        + (f"; {shadows} with a shadow" if shadows else "")
    )


def _as_json(route: Route) -> dict[str, object]:
    return {
        "method": route.method,
        "path": route.template,
        "service": route.service,
        "upstream": route.upstream,
        **_needs_as_json(route),
        "shadow": None if route.shadow is None else _needs_as_json(route.shadow),
        "body_limit": route.body_limit,
        "timeout_seconds": route.timeout_seconds,
        "websocket": route.websocket,
        "where": route.where,
    }


def _needs_as_json(route: Route) -> dict[str, object]:
    return {
        "access": route.access.value,
        "scopes": list(route.scopes),
        "account": route.account.value if route.account else "any",
        "versions": list(route.versions),
    }
