"""`gateway check`: what is wrong with the settings and the route map, for people, scripts, editors and code scanning."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.context import ConfigOption, JsonOption, RoutesOption, map_path
from gateway.cli.output import counted, note, print_json
from gateway.cli.sarif import sarif_log
from gateway.core.model import Problem, RouteMap
from gateway.core.scopes import judged
from gateway.settings.errors import ConfigurationError
from gateway.settings.load import load_settings, named_map
from gateway.wiring.routes import publishable
from gateway.wiring.version import VERSION


class Format(StrEnum):
    """How problems are printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


def check(
    config: ConfigOption = None,
    routes: RoutesOption = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings are errors.")] = False,
    form: Annotated[
        Format | None, typer.Option("--format", help="text, a line for each; json; sarif, for code scanning.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check the settings and the route map; print every problem with its line. Exit status 2 on an error."""
    if as_json and form not in (None, Format.JSON):
        raise typer.BadParameter(f"--json is --format json, and not {form}; give one of the two")
    path, route_map, found = _judge(config, routes)
    problems = [replace(problem, warning=False) for problem in found] if strict else found
    errors = [problem for problem in problems if not problem.warning]
    match Format.JSON if as_json else form or Format.TEXT:
        case Format.JSON:
            print_json(_as_json(problems, route_map))
        case Format.SARIF:
            print_json(sarif_log(problems, folder=Path.cwd(), version=VERSION))
        case Format.TEXT:
            for problem in problems:
                print(problem)
            _note_counts(path, route_map, len(errors), len(problems) - len(errors))
    if errors:
        raise typer.Exit(2)


def _judge(config: Path | None, routes: Path | None) -> tuple[Path | None, RouteMap | None, list[Problem]]:
    """The map's file, the map if it is sound, and all problems: of the settings, then of the map."""
    problems: list[Problem] = []
    path = routes
    try:
        settings = load_settings(config, os.environ)
        path = path or map_path(settings, config)
    except ConfigurationError as error:
        problems += error.problems
        # One slip in the settings must not hide what is wrong with the map.
        path = path or named_map(config, os.environ)
    if path is None:
        return None, None, problems
    try:
        route_map, warnings = publishable(path)
    except ConfigurationError as error:
        return path, None, [*problems, *error.problems]
    return path, route_map, [*problems, *warnings]


def _as_json(problems: Sequence[Problem], route_map: RouteMap | None) -> dict[str, object]:
    return {
        "ok": all(problem.warning for problem in problems),
        "problems": [
            {
                "where": problem.where,
                "line": problem.place[1] or None,
                "column": problem.column or None,
                "severity": "warning" if problem.warning else "error",
                "rule": problem.rule.value,
                "message": problem.message,
            }
            for problem in problems
        ],
        "map": None if route_map is None else _counts(route_map),
    }


def _counts(route_map: RouteMap) -> dict[str, int | str]:
    return {
        "routes": len(route_map.routes),
        "services": len({route.service for route in route_map.routes}),
        "scopes": len({scope for route in judged(route_map.routes) for scope in route.scopes}),
        "upstreams": len(route_map.upstreams),
        "version": route_map.version,
    }


def _note_counts(path: Path | None, route_map: RouteMap | None, errors: int, warnings: int) -> None:
    found = f"{counted(errors, 'error')}, {counted(warnings, 'warning')}"
    if route_map is None:
        note(found)
        return
    counts = _counts(route_map)
    held = (counted(int(counts[f"{noun}s"]), noun) for noun in ("route", "service", "scope"))
    note(f"{path}: {', '.join(held)}; {found}")
