"""`gateway integration`: private integrations and their first tokens."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from gateway.cli.context import (
    ConfigOption,
    JsonOption,
    operator,
    read_digester,
    read_map,
    read_settings,
    with_database,
)
from gateway.cli.failures import Refused
from gateway.cli.output import note, print_json, print_secret, print_table
from gateway.cli.pages import everything
from gateway.core.scopes import not_offered
from gateway.storage import accounts, integrations
from gateway.storage.database import Database
from gateway.storage.integration_state import Integration
from gateway.storage.mutation import mutation
from gateway.wiring.credentials import new_token

app = typer.Typer(help="Private integrations of an account.", no_args_is_help=True)

AccountOption = Annotated[str, typer.Option("--account", help="The account's id.")]


@app.command()
def create(
    account: AccountOption,
    name: Annotated[str, typer.Option(help="What people call it.")],
    scope: Annotated[list[str], typer.Option(help="A scope it holds; repeat for more.")],
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create an integration with a token. The token goes to standard output, alone."""
    settings = read_settings(config)
    route_map = read_map(settings, config)
    secret, token = new_token(settings.tokens.prefix, read_digester(settings))

    async def work(database: Database) -> Integration:
        owner = await accounts.get(database, account)
        wrong = not_offered(route_map, owner.kind, scope)
        if wrong:
            raise Refused("; ".join(wrong))
        async with mutation(database, actor=operator()) as change:
            return await integrations.create(
                change, account_id=account, name=name, description=description, scopes=scope, token=token
            )

    made = with_database(settings, work)
    if as_json:
        issued = {"id": token.id, "secret": secret, "hint": token.hint, "created_at": made.created_at}
        print_json({"integration": _as_json(made), "token": issued})
    else:
        print_secret(
            secret, about=f"created {made.id} {made.name!r} with {len(made.scopes)} scopes; its token:"
        )


@app.command("list")
def list_(account: AccountOption, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List an account's integrations."""

    async def work(database: Database) -> list[Integration]:
        await accounts.get(database, account)
        return await everything(
            lambda cursor: integrations.list_page(database, account_id=account, limit=500, cursor=cursor)
        )

    found = with_database(read_settings(config), work)
    if as_json:
        print_json([_as_json(integration) for integration in found])
        return
    print_table(
        ("ID", "NAME", "STATE", "TOKENS", "SCOPES", "CREATED"),
        (
            (i.id, i.name, i.state.value, [token.hint for token in i.tokens], len(i.scopes), i.created_at)
            for i in found
        ),
    )
    note(f"{len(found)} integrations")


def _as_json(integration: Integration) -> dict[str, object]:
    return {**asdict(integration), "state": integration.state.value}
