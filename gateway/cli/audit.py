"""`gateway audit`: read the record of changes, and prove that nobody has rewritten it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from gateway.admin.api.operation import AuditQuery
from gateway.admin.management.outcomes import AuditList
from gateway.cli.context import ConfigOption, JsonOption, read_settings, with_database
from gateway.cli.desk import Desk, known, manage
from gateway.cli.failures import Refused
from gateway.cli.given import given
from gateway.cli.output import as_data, counted, note, print_json, print_table
from gateway.cli.pages import CursorOption, NewestOption, SinceOption, UntilOption, everything
from gateway.storage.audit import verify_audit
from gateway.storage.audit_search import Wanted

app = typer.Typer(help="The record of who changed what.", no_args_is_help=True)


@app.command()
def verify(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check the whole record: exit status 1, and the first row that is wrong, when it was tampered with."""
    check = with_database(read_settings(config), verify_audit)
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
    action: Annotated[str | None, typer.Option(help="Only this action, such as token.rotate_later.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only what the one with this id did.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only what was done to the one with this id.")] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: NewestOption = 50,
    cursor: CursorOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List changes, newest first."""
    values = {
        "action": action,
        "actor": actor,
        "subject": subject,
        "from": since,
        "to": until,
        "cursor": cursor,
    }
    query = given(AuditQuery, {name: value for name, value in values.items() if value is not None})

    async def work(desk: Desk) -> AuditList:
        wanted = Wanted(
            account_id=None if account is None else known(account, "account"),
            action=query.action,
            actor_id=query.actor,
            subject_id=query.subject,
            since=query.since,
            until=query.until,
        )
        return await everything(
            lambda limit, cursor: desk.management.audit.list(desk.by, wanted, limit=limit, cursor=cursor),
            at_most=limit,
            cursor=query.cursor,
        )

    found = manage(config, work)
    if as_json:
        print_json(as_data(found))
        return
    print_table(
        ("ROW", "AT", "ACTION", "SUBJECT", "ACTOR", "ADDRESS"),
        (
            (entry.number, entry.at, entry.action, entry.subject.id, entry.actor.name, entry.address)
            for entry in found.items
        ),
    )
    note(
        counted(len(found.items), "change") + ("" if found.next_cursor is None else "; there are older ones")
    )
