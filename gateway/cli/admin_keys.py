"""`gateway admin-key`: the operators' credentials for the management API."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.admin.management.outcomes import AdminKeyChanged, AdminKeyCreated, AdminKeyList
from gateway.admin.management.requests import NewAdminKey
from gateway.cli.context import ConfigOption, JsonOption
from gateway.cli.desk import Desk, WaitOption, change, known, manage
from gateway.cli.given import given
from gateway.cli.output import as_data, counted, note, print_json, print_table
from gateway.cli.pages import everything
from gateway.cli.told import tell

app = typer.Typer(help="Admin keys for the management API.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who or what will use it.")],
    account: Annotated[str | None, typer.Option(help="Only for this account.")] = None,
    expires_in: Annotated[
        str | None, typer.Option(help="Such as 90d; without it the key does not expire.")
    ] = None,
    wait: WaitOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create an admin key. It goes to standard output, alone."""
    new = given(NewAdminKey, {"name": name, "account_id": account, "expires_in": expires_in}, name="NAME")

    async def work(desk: Desk) -> AdminKeyCreated:
        if account is not None:
            known(account, "account")
        return await desk.management.admin_keys.create(desk.by, new)

    done = change(config, wait, work)
    key = done.outcome.admin_key
    tell(done, as_json, f"created {key.id} for {key.name!r}; the key", secret=done.outcome.secret)


@app.command("list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the admin keys, revoked ones as well."""

    async def work(desk: Desk) -> AdminKeyList:
        return await everything(
            lambda limit, cursor: desk.management.admin_keys.list(desk.by, limit=limit, cursor=cursor)
        )

    found = manage(config, work)
    if as_json:
        print_json(as_data(found))
        return
    print_table(
        ("ID", "NAME", "HINT", "ACCOUNT", "EXPIRES", "REVOKED", "LAST USED"),
        (
            (k.id, k.name, k.hint, k.account_id, k.expires_at, k.revoked_at, k.last_used_at)
            for k in found.items
        ),
    )
    note(counted(len(found.items), "admin key"))


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="The key's id, key_…")],
    wait: WaitOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """End an admin key at once."""

    async def work(desk: Desk) -> AdminKeyChanged:
        return await desk.management.admin_keys.revoke(desk.by, known(key_id, "admin key"))

    done = change(config, wait, work)
    tell(done, as_json, f"revoked {done.outcome.admin_key.id} {done.outcome.admin_key.name!r}")
