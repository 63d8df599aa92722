"""`gateway nodes`: which nodes there are, how far each has come, and which route map it serves."""

from __future__ import annotations

import typer

from gateway.admin.management.outcomes import NodeList
from gateway.cli.context import ConfigOption, JsonOption
from gateway.cli.desk import Desk, manage
from gateway.cli.output import as_data, note, print_json, print_table

app = typer.Typer(help="The nodes of the gateway.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


@app.command("list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the nodes that were heard from lately, and the revision each has applied."""

    async def work(desk: Desk) -> NodeList:
        return await desk.management.nodes.list(desk.by)

    found = manage(config, work)
    if as_json:
        print_json(as_data(found))
        return
    print_table(
        ("ID", "ALIVE", "REVISION", "MAP", "HEARD FROM", "STARTED"),
        (
            (n.id, n.alive, n.applied_revision, n.map_version[:12], n.heartbeat_at, n.started_at)
            for n in found.items
        ),
    )
    if len({node.map_version for node in found.items if node.alive}) > 1:
        note("the nodes serve different route maps")
    note(f"{sum(node.alive for node in found.items)} of {len(found.items)} nodes are alive")
