"""`gateway check` and `gateway routes`: what is in the settings and the route map, and what is wrong with them."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.context import ConfigOption, JsonOption, map_path, read_settings
from gateway.cli.output import note, print_json, print_table
from gateway.core.model import Access, Problem, Route, RouteMap
from gateway.core.scopes import judged
from gateway.settings.errors import ConfigurationError
from gateway.settings.load import load_settings
from gateway.wiring.routes import publishable

RoutesOption = Annotated[
    Path | None, typer.Option("--routes", help="A route map, in place of the settings' own.")
]


def check(config: ConfigOption = None, routes: RoutesOption = None, as_json: JsonOption = False) -> None:
    """Check the settings and the route map; print every problem with its line. Exit status 2 on an error."""
    problems: list[Problem] = []
    route_map: RouteMap | None = None
    path = routes
    try:
        settings = load_settings(config, os.environ)
        path = path or map_path(settings, config)
    except ConfigurationError as error:
        problems += error.problems
    if path is not None:
        try:
            route_map, warnings = publishable(path)
            problems += warnings
        except ConfigurationError as error:
            problems += error.problems
    errors = [problem for problem in problems if not problem.warning]
    if as_json:
        print_json(
            {
                "ok": not errors,
                "problems": [
                    {
                        "where": problem.where,
                        "severity": "warning" if problem.warning else "error",
                        "message": problem.message,
                    }
                    for problem in problems
                ],
                "map": None if route_map is None else _counts(route_map),
            }
        )
    else:
        for problem in problems:
            print(problem)
        if route_map is not None:
            counts = _counts(route_map)
            note(
                f"{path}: {counts['routes']} routes, {counts['services']} services, {counts['scopes']} scopes; "
                f"{len(errors)} errors, {len(problems) - len(errors)} warnings"
            )
    if errors:
        raise typer.Exit(2)


def _counts(route_map: RouteMap) -> dict[str, int | str]:
    return {
        "routes": len(route_map.routes),
        "services": len({route.service for route in route_map.routes}),
        "scopes": len({scope for route in judged(route_map.routes) for scope in route.scopes}),
        "upstreams": len(route_map.upstreams),
        "version": route_map.version,
    }


def needs(route: Route) -> str:
    """What a route asks of a caller, in a word or as scopes."""
    match route.access:
        case Access.ALL_OF:
            return " and ".join(route.scopes)
        case Access.ANY_OF:
            return " or ".join(route.scopes)
        case Access.PUBLIC | Access.AUTHENTICATED | Access.DENY:
            return f"({route.access.value})"


def tried(route: Route) -> str:
    """What a route's shadow asks beyond the route itself; empty when it has none."""
    shadow = route.shadow
    if shadow is None:
        return ""
    words = [] if shadow.access is Access.AUTHENTICATED else [needs(shadow)]
    if shadow.account is not None and shadow.account is not route.account:
        words.append(f"account {shadow.account.value}")
    if shadow.versions:
        words.append(f"version {' or '.join(shadow.versions)}")
    return ", ".join(words)


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
