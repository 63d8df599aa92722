"""`gateway account`: the tenants, and the settings of each."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from gateway.admin.management.outcomes import AccountChanged, AccountList
from gateway.admin.management.requests import AccountEdit, NewAccount
from gateway.admin.management.views import AccountView
from gateway.cli.context import ConfigOption, JsonOption
from gateway.cli.desk import Desk, WaitOption, change, known, manage
from gateway.cli.given import given, sent
from gateway.cli.output import as_data, counted, note, print_facts, print_json, print_table
from gateway.cli.pages import everything
from gateway.cli.told import tell
from gateway.core.model import AccountKind

app = typer.Typer(help="Accounts: agencies and sub-accounts.", no_args_is_help=True)

AccountArgument = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id, acc_…")]
_DAYS = ("inactivity_expire_after_days", "rotation_remind_after_days")


class Switch(StrEnum):
    """A feature, on or off."""

    ON = "on"
    OFF = "off"


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="The account's name.")],
    kind: Annotated[AccountKind, typer.Option(help="What it is.")] = AccountKind.SUB_ACCOUNT,
    parent: Annotated[str | None, typer.Option(help="The agency it belongs to.")] = None,
    wait: WaitOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create an account. Its id goes to standard output, alone."""
    new = given(NewAccount, {"name": name, "kind": kind, "parent_id": parent}, name="NAME")

    async def work(desk: Desk) -> AccountChanged:
        return await desk.management.accounts.create(desk.by, new)

    done = change(config, wait, work)
    account = done.outcome.account
    tell(done, as_json, f"created {account.kind.value} {account.name!r}", identifier=account.id)


@app.command("list")
def list_(
    parent: Annotated[str | None, typer.Option(help="Only the sub-accounts of this agency.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the accounts, newest first."""

    async def work(desk: Desk) -> AccountList:
        if parent is not None:
            await desk.management.accounts.get(desk.by, known(parent, "account"))
        return await everything(
            lambda limit, cursor: desk.management.accounts.list(
                desk.by, limit=limit, cursor=cursor, parent_id=parent
            )
        )

    found = manage(config, work)
    if as_json:
        print_json(as_data(found))
        return
    print_table(
        ("ID", "KIND", "NAME", "PARENT", "CREATED"),
        ((a.id, a.kind.value, a.name, a.parent_id, a.created_at) for a in found.items),
    )
    note(counted(len(found.items), "account"))


@app.command()
def show(account: AccountArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show one account and its settings."""

    async def work(desk: Desk) -> AccountView:
        return await desk.management.accounts.get(desk.by, known(account, "account"))

    found = manage(config, work)
    if as_json:
        print_json(as_data(found))
        return
    print_facts(
        (
            ("id", found.id),
            ("name", found.name),
            ("kind", found.kind.value),
            ("parent", found.parent_id),
            ("private integrations", "on" if found.labs.private_integrations else "off"),
            ("unused tokens expire after", _days(found.inactivity_expire_after_days)),
            ("rotation is due after", _days(found.rotation_remind_after_days)),
            ("created", found.created_at),
        )
    )


@app.command()
def edit(
    account: AccountArgument,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    private_integrations: Annotated[
        Switch | None, typer.Option(help="The Labs switch: whether the account can have integrations.")
    ] = None,
    inactivity_days: Annotated[
        str | None,
        typer.Option(
            metavar="DAYS|default", help="Tokens unused for so long expire; default: as configured."
        ),
    ] = None,
    rotation_reminder_days: Annotated[
        str | None,
        typer.Option(
            metavar="DAYS|default", help="A token so old is due for rotation; default: as configured."
        ),
    ] = None,
    wait: WaitOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change an account's name, its Labs switch or its settings; what is not given stays."""
    values = sent(
        name=name,
        labs=None
        if private_integrations is None
        else {"private_integrations": private_integrations is Switch.ON},
        inactivity_expire_after_days=inactivity_days,
        rotation_remind_after_days=rotation_reminder_days,
    )
    configured = {name: None for name in _DAYS if values.get(name) == "default"}
    edited = given(AccountEdit, {**values, **configured})

    async def work(desk: Desk) -> AccountChanged:
        return await desk.management.accounts.edit(desk.by, known(account, "account"), edited)

    done = change(config, wait, work)
    tell(done, as_json, f"edited {done.outcome.account.id} {done.outcome.account.name!r}")


def _days(days: int | None) -> str:
    return "as configured" if days is None else f"{days} days"
