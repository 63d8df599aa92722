"""`gateway scope`: what integrations can be given. Read from the route map alone, without a database."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.admin.management.scopes import Scopes
from gateway.cli.context import ConfigOption, JsonOption, read_map, read_settings
from gateway.cli.output import as_data, counted, note, print_json, print_table
from gateway.core.model import AccountKind

app = typer.Typer(help="The scopes of the route map.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


@app.command("list")
def list_(
    kind: Annotated[
        AccountKind | None, typer.Option(help="Only what accounts of this kind can hold.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the scopes, what each is for, and how many operations need it."""
    route_map = read_map(read_settings(config), config)
    found = Scopes(lambda: route_map).list(kind)
    if as_json:
        print_json([as_data(scope) for scope in found])
        return
    print_table(
        ("SCOPE", "ACCOUNT", "ROUTES", "DESCRIPTION"),
        ((s.name, s.account, len(s.routes), s.description) for s in found),
    )
    note(counted(len(found), "scope"))
