"""`gateway integration issue`, `rotate` and the others: the tokens of one integration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from gateway.admin.management.outcomes import IntegrationChanged, IntegrationIssued
from gateway.admin.management.principal import Principal
from gateway.admin.management.requests import OldToken, Rotation
from gateway.admin.management.tokens import Tokens
from gateway.cli.confirmation import YesOption, ask, must_ask
from gateway.cli.context import ConfigOption, JsonOption
from gateway.cli.desk import Desk, WaitOption, change
from gateway.cli.failures import BAD_USAGE, Refused
from gateway.cli.given import given
from gateway.cli.integrations import IntegrationArgument, OwnerOption, called, hints
from gateway.cli.output import shown
from gateway.cli.told import tell

app = typer.Typer()

Ending: TypeAlias = Callable[[Tokens, Principal, str, str], Awaitable[IntegrationChanged]]


@app.command()
def issue(
    integration: IntegrationArgument,
    account: OwnerOption = None,
    wait: WaitOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a token for an integration that has none. It goes to standard output, alone."""

    async def work(desk: Desk) -> IntegrationIssued:
        return await desk.management.tokens.issue(
            desk.by, await desk.owner(integration, account), integration
        )

    done = change(config, wait, work)
    token = done.outcome.token
    assert token is not None
    words = f"issued a token for {called(done.outcome.integration)}; the token"
    tell(done, as_json, words, secret=token.secret)


@app.command()
def rotate(
    integration: IntegrationArgument,
    later: Annotated[
        bool, typer.Option("--later", help="The old token works until the end of the window.")
    ] = False,
    now: Annotated[bool, typer.Option("--now", help="The old token stops at once.")] = False,
    window: Annotated[
        str | None, typer.Option(help="With --later: how long, such as 24h; by default as configured.")
    ] = None,
    account: OwnerOption = None,
    yes: YesOption = False,
    wait: WaitOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a new token in place of the old one, later or now. The new one goes to standard output, alone."""
    if later == now:
        raise Refused(
            "say what becomes of the old token: --later (both work for a while) or --now (it stops at once)",
            status=BAD_USAGE,
        )
    if now and window is not None:
        raise Refused("--window goes with --later", status=BAD_USAGE)
    old_token = OldToken.EXPIRE_NOW if now else OldToken.EXPIRE_LATER
    rotation = given(Rotation, {"old_token": old_token, "window": window})
    asking = now and must_ask(yes, "rotating now")

    async def work(desk: Desk) -> IntegrationIssued:
        owner = await desk.owner(integration, account)
        if asking:
            found = await desk.management.integrations.get(desk.by, owner, integration)
            ask(f"Rotate {called(found)} of {owner} now? What it has stops at once: {hints(found)}.")
        return await desk.management.tokens.rotate(desk.by, owner, integration, rotation)

    done = change(config, wait, work)
    rotated, token = done.outcome.integration, done.outcome.token
    assert token is not None
    until = "has stopped" if rotated.rotation is None else f"works until {shown(rotated.rotation.ends_at)}"
    tell(done, as_json, f"rotated {called(rotated)}: the old token {until}; the new one", secret=token.secret)


@app.command("cancel-rotation")
def cancel_rotation(
    integration: IntegrationArgument,
    account: OwnerOption = None,
    wait: WaitOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep the old token, without a deadline; the new one stops at once."""
    _end(Tokens.cancel_rotation, "cancelled the rotation of", integration, account, wait, config, as_json)


@app.command("expire-old")
def expire_old(
    integration: IntegrationArgument,
    account: OwnerOption = None,
    wait: WaitOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """End the old token before its deadline; `cutover` tells whether somebody still uses it."""
    _end(Tokens.expire_old, "expired the old token of", integration, account, wait, config, as_json)


@app.command()
def expire(
    integration: IntegrationArgument,
    account: OwnerOption = None,
    yes: YesOption = False,
    wait: WaitOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """End every token at once; the integration stays."""
    asking = must_ask(yes, "expiring every token")
    _end(Tokens.expire, "expired every token of", integration, account, wait, config, as_json, asking=asking)


def _end(
    ending: Ending,
    done_words: str,
    integration: str,
    account: str | None,
    wait: str | None,
    config: Path | None,
    as_json: bool,
    *,
    asking: bool = False,
) -> None:
    """A change that only ends tokens."""

    async def work(desk: Desk) -> IntegrationChanged:
        owner = await desk.owner(integration, account)
        if asking:
            found = await desk.management.integrations.get(desk.by, owner, integration)
            ask(f"Expire every token of {called(found)} of {owner}? They stop at once: {hints(found)}.")
        return await ending(desk.management.tokens, desk.by, owner, integration)

    done = change(config, wait, work)
    left = done.outcome.integration
    tell(done, as_json, f"{done_words} {called(left)}; it has {hints(left)}")
