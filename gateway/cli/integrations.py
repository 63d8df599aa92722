"""`gateway integration`: private integrations made, looked at, edited, suspended and deleted. Their tokens and use are apart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer

from gateway.admin.api.operation import IntegrationsQuery
from gateway.admin.management.integrations import Versions
from gateway.admin.management.outcomes import IntegrationChanged, IntegrationIssued, IntegrationList
from gateway.admin.management.requests import IntegrationEdit, NewIntegration
from gateway.admin.management.views import IntegrationView
from gateway.cli.bulk import create_in_each
from gateway.cli.confirmation import YesOption, ask, must_ask
from gateway.cli.context import ConfigOption, JsonOption
from gateway.cli.desk import Desk, WaitOption, change, known, manage
from gateway.cli.failures import BAD_USAGE, Refused
from gateway.cli.given import given, sent
from gateway.cli.output import as_data, counted, note, print_facts, print_json, print_section, print_table
from gateway.cli.pages import everything
from gateway.cli.told import tell

app = typer.Typer(help="Private integrations, their tokens and their use.", no_args_is_help=True)

IntegrationArgument = Annotated[str, typer.Argument(metavar="INTEGRATION", help="The integration's id, pi_…")]
OwnerOption = Annotated[
    str | None, typer.Option("--account", help="The account's id; not needed, the integration's is enough.")
]


def called(integration: IntegrationView) -> str:
    """How an integration is spoken of."""
    return f"{integration.id} {integration.name!r}"


def hints(integration: IntegrationView) -> str:
    """Its tokens, as they may be shown."""
    return " and ".join(token.hint for token in integration.tokens) or "no token"


@app.command()
def create(
    name: Annotated[str, typer.Option(help="What people call it.")],
    scope: Annotated[list[str], typer.Option(help="A scope it holds; repeat for more.")],
    account: Annotated[str | None, typer.Option(help="The account's id.")] = None,
    accounts: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="One in each of these accounts: an id on each line, # for comments; - is standard input.",
        ),
    ] = None,
    skip_existing: Annotated[
        bool, typer.Option(help="With --accounts: leave out accounts that have one of this name.")
    ] = False,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    no_token: Annotated[bool, typer.Option("--no-token", help="Without a token; issue one later.")] = False,
    wait: WaitOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create an integration with a token. The token goes to standard output, alone.

    With --accounts: a line for each, ACCOUNT, INTEGRATION and TOKEN, tab-separated; with --json a document on each line.
    """
    if (account is None) == (accounts is None):
        raise Refused("name one account with --account, or many with --accounts FILE", status=BAD_USAGE)
    if skip_existing and accounts is None:
        raise Refused("--skip-existing goes with --accounts", status=BAD_USAGE)
    new = given(
        NewIntegration,
        {"name": name, "description": description, "scopes": scope, "issue_token": not no_token},
    )
    if accounts is not None:
        create_in_each(accounts, new, skip_existing=skip_existing, wait=wait, config=config, as_json=as_json)
        return

    async def work(desk: Desk) -> IntegrationIssued:
        return await desk.management.integrations.create(desk.by, known(str(account), "account"), new)

    done = change(config, wait, work)
    made, token = done.outcome.integration, done.outcome.token
    words = f"created {called(made)} with {counted(len(made.scopes), 'scope')}"
    if token is None:
        tell(done, as_json, words, identifier=made.id)
    else:
        tell(done, as_json, f"{words}; its token", secret=token.secret)


@app.command("list")
def list_(
    account: Annotated[str, typer.Option(help="The account's id.")],
    search: Annotated[
        str, typer.Option(help="Only those that have each of these words in name, description or id.")
    ] = "",
    deleted: Annotated[bool, typer.Option("--deleted", help="Deleted ones as well.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List an account's integrations, newest first."""
    query = given(IntegrationsQuery, {"deleted": deleted, "search": search})

    async def work(desk: Desk) -> IntegrationList:
        return await everything(
            lambda limit, cursor: desk.management.integrations.list(
                desk.by,
                known(account, "account"),
                limit=limit,
                cursor=cursor,
                with_deleted=query.deleted,
                search=query.search,
            )
        )

    found = manage(config, work)
    if as_json:
        print_json(as_data(found))
        return
    print_table(
        ("ID", "NAME", "STATE", "TOKENS", "SCOPES", "CREATED", "ROTATION DUE"),
        (
            (
                i.id,
                i.name,
                i.state.value,
                [token.hint for token in i.tokens],
                len(i.scopes),
                i.created_at,
                i.rotation_due_at,
            )
            for i in found.items
        ),
    )
    note(counted(len(found.items), "integration"))


@app.command()
def show(
    integration: IntegrationArgument,
    account: OwnerOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one integration, its scopes and its tokens; a deleted one as well."""

    async def work(desk: Desk) -> IntegrationView:
        owner = await desk.owner(integration, account)
        return await desk.management.integrations.get(desk.by, owner, integration)

    found = manage(config, work)
    if as_json:
        print_json(as_data(found))
        return
    print_facts(
        (
            ("id", found.id),
            ("account", found.account_id),
            ("name", found.name),
            ("description", found.description or None),
            ("state", found.state.value),
            ("scopes", len(found.scopes)),
            ("rotation ends", None if found.rotation is None else found.rotation.ends_at),
            ("rotation due", found.rotation_due_at),
            ("created", found.created_at),
            ("created by", f"{found.created_by.name} ({found.created_by.kind})"),
        )
    )
    print_section("SCOPES", ("SCOPE",), [(scope,) for scope in found.scopes])
    print_section(
        "TOKENS",
        ("ID", "HINT", "ROLE", "CREATED", "EXPIRES", "FIRST USED", "LAST USED"),
        [
            (t.id, t.hint, t.role.value, t.created_at, t.expires_at, t.first_used_at, t.last_used_at)
            for t in found.tokens
        ],
    )


@app.command()
def edit(
    integration: IntegrationArgument,
    account: OwnerOption = None,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    description: Annotated[str | None, typer.Option(help="Another description.")] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="In place of all its scopes; repeat for more.")
    ] = None,
    add_scope: Annotated[list[str] | None, typer.Option(help="One more scope; can be repeated.")] = None,
    remove_scope: Annotated[list[str] | None, typer.Option(help="One scope less; can be repeated.")] = None,
    wait: WaitOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change name, description or scopes; what is not given stays, and so does every token."""
    added, removed = set(add_scope or ()), set(remove_scope or ())
    if scope and (added or removed):
        raise Refused("--scope names all scopes; leave --add-scope and --remove-scope out", status=BAD_USAGE)
    step = added | removed or None
    values = sent(name=name, description=description, scopes=scope or step)

    async def work(desk: Desk) -> IntegrationChanged:
        owner = await desk.owner(integration, account)
        versions: Versions = None
        if step:
            before = await desk.management.integrations.get(desk.by, owner, integration)
            if unheld := sorted(removed - set(before.scopes)):
                raise Refused(f"{called(before)} does not hold {', '.join(unheld)}")
            values["scopes"] = sorted((set(before.scopes) | added) - removed)
            # What somebody else changed in between would be undone.
            versions = frozenset({before.version})
        edited = given(IntegrationEdit, values)
        return await desk.management.integrations.edit(desk.by, owner, integration, edited, versions=versions)

    done = change(config, wait, work)
    tell(done, as_json, f"edited {called(done.outcome.integration)}")


@app.command()
def suspend(
    integration: IntegrationArgument,
    account: OwnerOption = None,
    wait: WaitOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Refuse its tokens until it is resumed."""
    done = change(config, wait, _setting(integration, account, {"suspended": True}))
    tell(done, as_json, f"suspended {called(done.outcome.integration)}")


@app.command()
def resume(
    integration: IntegrationArgument,
    account: OwnerOption = None,
    wait: WaitOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let its tokens work again."""
    done = change(config, wait, _setting(integration, account, {"suspended": False}))
    tell(done, as_json, f"resumed {called(done.outcome.integration)}")


def _setting(
    integration: str, account: str | None, values: dict[str, Any]
) -> Callable[[Desk], Awaitable[IntegrationChanged]]:
    edited = given(IntegrationEdit, values)

    async def work(desk: Desk) -> IntegrationChanged:
        owner = await desk.owner(integration, account)
        return await desk.management.integrations.edit(desk.by, owner, integration, edited)

    return work


@app.command()
def delete(
    integration: IntegrationArgument,
    account: OwnerOption = None,
    yes: YesOption = False,
    wait: WaitOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete an integration and kill its tokens at once."""
    asking = must_ask(yes, "deleting an integration")

    async def work(desk: Desk) -> IntegrationChanged:
        owner = await desk.owner(integration, account)
        if asking:
            found = await desk.management.integrations.get(desk.by, owner, integration)
            ask(f"Delete {called(found)} of {owner}? Its tokens stop at once: {hints(found)}.")
        return await desk.management.integrations.delete(desk.by, owner, integration)

    done = change(config, wait, work)
    tell(done, as_json, f"deleted {called(done.outcome.integration)}")
