"""`gateway account`: the tenants."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from gateway.cli.context import ConfigOption, JsonOption, operator, read_settings, with_database
from gateway.cli.output import note, print_json, print_table
from gateway.cli.pages import everything
from gateway.core.model import AccountKind
from gateway.storage import accounts
from gateway.storage.accounts import Account
from gateway.storage.database import Database
from gateway.storage.mutation import mutation

app = typer.Typer(help="Accounts: agencies and sub-accounts.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="The account's name.")],
    kind: Annotated[AccountKind, typer.Option(help="What it is.")] = AccountKind.SUB_ACCOUNT,
    parent: Annotated[str | None, typer.Option(help="The agency it belongs to.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create an account."""

    async def work(database: Database) -> Account:
        async with mutation(database, actor=operator()) as change:
            return await accounts.create(change, name=name, kind=kind, parent_id=parent)

    account = with_database(read_settings(config), work)
    if as_json:
        print_json(asdict(account))
    else:
        note(f"created {account.kind.value} {account.name!r}")
        print(account.id)


@app.command("list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the accounts."""

    async def work(database: Database) -> list[Account]:
        return await everything(lambda cursor: accounts.list_page(database, limit=500, cursor=cursor))

    found = with_database(read_settings(config), work)
    if as_json:
        print_json([asdict(account) for account in found])
    else:
        print_table(
            ("ID", "KIND", "NAME", "PARENT", "CREATED"),
            ((a.id, a.kind.value, a.name, a.parent_id, a.created_at) for a in found),
        )
