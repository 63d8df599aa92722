"""The commands put together, and the one place where a failure becomes a line and an exit status."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from gateway.cli import (
    accounts,
    admin_keys,
    audit,
    check,
    demo,
    diff,
    explain,
    import_openapi,
    integration_tokens,
    integration_use,
    integrations,
    map_history,
    maps,
    members,
    migrate,
    nodes,
    requests,
    sample_upstream,
    schema,
    scopes,
    serve,
    suggest,
    token,
)
from gateway.cli.failures import guarded
from gateway.wiring.version import VERSION

app = typer.Typer(
    name="gateway",
    help="Private Integrations Gateway: checks tokens, enforces a scope per route, vouches for the caller.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"gateway {VERSION}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("migrate")(migrate.migrate)
app.command("check")(check.check)
app.command("routes")(maps.routes)
app.command("diff")(diff.diff)
app.command("schema")(schema.schema)
app.command("explain")(explain.explain)
app.command("suggest")(suggest.suggest)
app.command("import-openapi")(import_openapi.import_openapi)
app.command("sample-upstream")(sample_upstream.sample_upstream)
app.add_typer(token.app, name="token")
app.add_typer(accounts.app, name="account")
app.add_typer(members.app, name="member")
# One group in three files.
integrations.app.add_typer(integration_tokens.app)
integrations.app.add_typer(integration_use.app)
app.add_typer(integrations.app, name="integration")
app.add_typer(scopes.app, name="scope")
app.add_typer(admin_keys.app, name="admin-key")
app.add_typer(requests.app, name="requests")
app.add_typer(audit.app, name="audit")
app.add_typer(nodes.app, name="nodes")
app.add_typer(map_history.app, name="map")


def main() -> None:
    """The entry point: 0 done, 1 refused or failed, 2 bad usage or bad configuration."""
    sys.exit(guarded(app))
