"""`gateway diff`: what a changed route map would do, before it does it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.admin.management.map_diff_views import map_diff_view
from gateway.cli.context import ConfigOption, JsonOption, map_path, read_settings
from gateway.cli.diff_page import markdown
from gateway.cli.diff_tables import print_diff
from gateway.cli.output import as_data, print_json
from gateway.core.map_diff import compare
from gateway.core.model import RouteMap
from gateway.wiring.routes import publishable

_LIVE: Final = "live"


class Format(StrEnum):
    """How a difference is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def diff(
    old: Annotated[str, typer.Argument(help="The map before: a file, or `live`.")],
    new: Annotated[str, typer.Argument(help="The map after: a file, or `live`.")],
    form: Annotated[
        Format | None,
        typer.Option("--format", help="text, in tables; json; markdown, for a comment on the change."),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two route maps by meaning: what is opened, closed, moved. Exit status 1 if anything is opened."""
    if as_json and form not in (None, Format.JSON):
        raise typer.BadParameter(f"--json is --format json, and not {form}; give one of the two")
    found = map_diff_view(compare(_map(old, config), _map(new, config)))
    match Format.JSON if as_json else form or Format.TEXT:
        case Format.JSON:
            print_json(as_data(found))
        case Format.MARKDOWN:
            print(markdown(found), end="", flush=True)
        case Format.TEXT:
            print_diff(found)
    if found.opens:
        raise typer.Exit(1)


def _map(name: str, config: Path | None) -> RouteMap:
    """The map that was named. Raises ConfigurationError."""
    if name == _LIVE:
        return publishable(map_path(read_settings(config), config))[0]
    return publishable(Path(name))[0]
