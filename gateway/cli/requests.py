"""`gateway requests`: the records of single requests, found by whose they are, how they ended, or their trace id."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.admin.api.operation import AllRequestsQuery
from gateway.admin.management.record_views import RequestRecordFound, RequestRecordList
from gateway.cli.context import ConfigOption, JsonOption
from gateway.cli.desk import Desk, manage
from gateway.cli.given import given
from gateway.cli.output import as_data, counted, note, print_facts, print_json, print_table
from gateway.cli.pages import CursorOption, NewestOption, SinceOption, UntilOption, everything

app = typer.Typer(help="The records of requests.", no_args_is_help=True)


@app.command("list")
def list_(
    account: Annotated[str | None, typer.Option(help="Only those of this account.")] = None,
    integration: Annotated[str | None, typer.Option(help="Only those of this integration.")] = None,
    token: Annotated[str | None, typer.Option(help="Only those with the token of this id.")] = None,
    route: Annotated[
        str | None, typer.Option(help="Only this operation, such as 'GET /contacts/{contactId}'.")
    ] = None,
    status: Annotated[
        str | None, typer.Option(help="Only this status, or class such as 5xx; 0: the caller left.")
    ] = None,
    code: Annotated[str | None, typer.Option(help="Only with this code, such as scope_missing.")] = None,
    shadow: Annotated[
        str | None, typer.Option(help="Only those that a shadow need would have refused with this code.")
    ] = None,
    trace: Annotated[str | None, typer.Option(help="Only with this trace id.")] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: NewestOption = 50,
    cursor: CursorOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List recorded requests, newest first."""
    values = {
        "account": account,
        "integration": integration,
        "token": token,
        "route": route,
        "status": status,
        "code": code,
        "shadow": shadow,
        "trace_id": trace,
        "from": since,
        "to": until,
        "cursor": cursor,
    }
    query = given(
        AllRequestsQuery,
        {name: value for name, value in values.items() if value is not None},
        trace_id="--trace",
    )

    async def work(desk: Desk) -> RequestRecordList:
        wanted = query.wanted(account_id=query.account)
        return await everything(
            lambda limit, cursor: desk.management.request_records.list_all(
                desk.by, wanted, limit=limit, cursor=cursor
            ),
            at_most=limit,
            cursor=query.cursor,
        )

    found = manage(config, work)
    if as_json:
        print_json(as_data(found))
        return
    print_table(
        ("AT", "STATUS", "CODE", "OPERATION", "MS", "INTEGRATION", "CLIENT", "TRACE"),
        (
            (r.at, r.status or None, r.code, r.route, r.duration_ms, r.integration_id, r.client, r.trace_id)
            for r in found.items
        ),
    )
    note(
        counted(len(found.items), "request") + ("" if found.next_cursor is None else "; there are older ones")
    )


@app.command()
def show(
    trace: Annotated[str, typer.Argument(metavar="TRACE", help="The trace id: X-Request-Id of the answer.")],
    account: Annotated[str | None, typer.Option(help="Only among those of this account.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the newest recorded request with a trace id."""
    query = given(
        AllRequestsQuery,
        {"trace_id": trace, **({} if account is None else {"account": account})},
        trace_id="TRACE",
    )

    async def work(desk: Desk) -> RequestRecordFound:
        return await desk.management.request_records.get(desk.by, query.trace_id, account_id=query.account)

    found = manage(config, work)
    if as_json:
        print_json(as_data(found))
        return
    shown = as_data(found)
    others = shown.pop("others")
    print_facts((name.replace("_", " "), value) for name, value in shown.items())
    if others:
        note(
            f"{counted(others, 'other request')} with this trace id: `gateway requests list --trace {trace}`"
        )
