"""`gateway schema`: the JSON Schemas of the two files, for editors and other checkers."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from gateway.cli.output import print_json
from gateway.settings.map_schema import map_schema
from gateway.settings.settings_schema import settings_schema
from gateway.wiring.shipped import shipped


class File(StrEnum):
    """The files that an operator writes."""

    SETTINGS = "settings"
    ROUTES = "routes"


def schema(
    file: Annotated[File, typer.Argument(help="settings, for gateway.yaml; routes, for a route map.")],
) -> None:
    """Print the JSON Schema of a file. It accepts whatever is read; `gateway check` knows more."""
    match file:
        case File.SETTINGS:
            print_json(settings_schema(shipped("gateway.yaml").read_text(encoding="utf-8")))
        case File.ROUTES:
            print_json(map_schema())
