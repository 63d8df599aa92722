"""`gateway audit`: read the record of changes, and prove that nobody has rewritten it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from gateway.cli.context import ConfigOption, JsonOption, read_settings, with_database
from gateway.cli.failures import Refused
from gateway.cli.output import note, print_json, print_table
from gateway.storage.audit import AuditCheck, AuditEntry, list_entries, verify_audit
from gateway.storage.database import Database

app = typer.Typer(help="The record of who changed what.", no_args_is_help=True)


@app.command()
def verify(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check the whole record: exit status 1, and the first row that is wrong, when it was tampered with."""

    async def work(database: Database) -> AuditCheck:
        return await verify_audit(database)

    check = with_database(read_settings(config), work)
    if as_json:
        print_json({"intact": check.is_intact, **asdict(check)})
    elif check.is_intact:
        print(f"{check.rows} rows, intact")
    if not check.is_intact:
        raise Refused(
            f"the audit is broken at row {check.broken_at}: {check.problem}; the {check.rows} rows before are intact"
        )


@app.command("list")
def list_(
    account: Annotated[str | None, typer.Option(help="Only what belongs to this account.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the newest first.")] = 50,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List changes, newest first."""

    async def work(database: Database) -> Sequence[AuditEntry]:
        return await list_entries(database, account_id=account, limit=limit)

    found = with_database(read_settings(config), work)
    if as_json:
        print_json([_as_json(entry) for entry in found])
        return
    print_table(
        ("ROW", "AT", "ACTION", "SUBJECT", "ACTOR", "ADDRESS"),
        (
            (entry.number, entry.at, entry.action, entry.subject_id, entry.actor.get("name"), entry.address)
            for entry in found
        ),
    )
    note(f"{len(found)} changes")


def _as_json(entry: AuditEntry) -> dict[str, object]:
    return {**asdict(entry), "prev": entry.prev.hex(), "hash": entry.hash.hex()}
