"""`gateway admin-key`: the operators' credentials for the management API."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from gateway.cli.context import (
    ConfigOption,
    JsonOption,
    operator,
    read_digester,
    read_settings,
    with_database,
)
from gateway.cli.failures import BAD_USAGE, Refused
from gateway.cli.output import note, print_json, print_secret, print_table
from gateway.cli.pages import everything
from gateway.settings.units import parse_duration
from gateway.storage import admin_keys
from gateway.storage.admin_keys import AdminKey
from gateway.storage.database import Database
from gateway.storage.mutation import mutation
from gateway.wiring.credentials import new_admin_key

app = typer.Typer(help="Admin keys for the management API.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who or what will use it.")],
    account: Annotated[str | None, typer.Option(help="Only for this account.")] = None,
    expires_in: Annotated[
        str | None, typer.Option(help="Such as 90d; without it the key does not expire.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create an admin key. It goes to standard output, alone."""
    settings = read_settings(config)
    try:
        expires_at = (
            None if expires_in is None else datetime.now(UTC) + timedelta(seconds=parse_duration(expires_in))
        )
    except ValueError as error:
        raise Refused(f"--expires-in: {error}", status=BAD_USAGE) from None
    secret, digest, hint = new_admin_key(read_digester(settings))

    async def work(database: Database) -> AdminKey:
        async with mutation(database, actor=operator()) as change:
            return await admin_keys.create(
                change, name=name, digest=digest, hint=hint, account_id=account, expires_at=expires_at
            )

    key = with_database(settings, work)
    if as_json:
        print_json({**asdict(key), "secret": secret})
    else:
        print_secret(secret, about=f"created {key.id} for {key.name!r}; the key:")


@app.command("list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the admin keys, revoked ones as well."""

    async def work(database: Database) -> list[AdminKey]:
        return await everything(lambda cursor: admin_keys.list_page(database, limit=500, cursor=cursor))

    found = with_database(read_settings(config), work)
    if as_json:
        print_json([asdict(key) for key in found])
        return
    print_table(
        ("ID", "NAME", "HINT", "ACCOUNT", "EXPIRES", "REVOKED", "LAST USED"),
        ((k.id, k.name, k.hint, k.account_id, k.expires_at, k.revoked_at, k.last_used_at) for k in found),
    )


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, key_…")],
    config: ConfigOption = None,
) -> None:
    """End an admin key at once."""

    async def work(database: Database) -> AdminKey:
        async with mutation(database, actor=operator()) as change:
            return await admin_keys.revoke(change, key_id)

    key = with_database(read_settings(config), work)
    note(f"revoked {key.id} {key.name!r}")
