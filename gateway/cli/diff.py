"""`gateway diff`: what a changed route map would do, before it does it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway.admin.management.map_diff_views import MapDiffView, map_diff_view
from gateway.admin.management.values import Span, Value
from gateway.cli.context import ConfigOption, JsonOption, read_settings
from gateway.cli.desk import Desk, manage
from gateway.cli.diff_page import markdown
from gateway.cli.diff_tables import print_diff
from gateway.cli.given import given
from gateway.cli.named_maps import needs_database, read_here, read_named
from gateway.cli.output import as_data, print_json
from gateway.core.map_diff import compare


class Format(StrEnum):
    """How a difference is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class SpanOption(Value):
    """What --traffic says."""

    traffic: Span


def diff(
    old: Annotated[
        str,
        typer.Argument(
            help="The map before: a file, `live` for the running gateway's, or a version of the history."
        ),
    ],
    new: Annotated[str, typer.Argument(help="The map after, named likewise.")],
    traffic: Annotated[
        str | None,
        typer.Option(help="Decide the requests recorded in this time anew under both maps, such as 7d."),
    ] = None,
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
    found = _found(old, new, traffic, config)
    match Format.JSON if as_json else form or Format.TEXT:
        case Format.JSON:
            print_json(as_data(found))
        case Format.MARKDOWN:
            print(markdown(found), end="", flush=True)
        case Format.TEXT:
            print_diff(found)
    if found.opens:
        raise typer.Exit(1)


def _found(old: str, new: str, traffic: str | None, config: Path | None) -> MapDiffView:
    settings = read_settings(config)
    seconds = None if traffic is None else given(SpanOption, {"traffic": traffic}).traffic
    if seconds is None and not any(needs_database(name, settings) for name in (old, new)):
        return map_diff_view(compare(*(read_here(name, settings, config) for name in (old, new))))

    async def work(desk: Desk) -> MapDiffView:
        maps = [await read_named(name, desk, settings, config) for name in (old, new)]
        return await desk.management.map_changes.diff(desk.by, *maps, traffic_seconds=seconds)

    return manage(config, work)
