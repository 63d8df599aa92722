"""`gateway token`: what can be told of a token without a store."""

from __future__ import annotations

import re
import sys
from typing import Annotated

import typer

from gateway.cli.context import JsonOption
from gateway.cli.failures import FAILED
from gateway.cli.output import print_json, print_table
from gateway.core.tokens import ADMIN_KEY_PREFIX, TokenForm, hint

app = typer.Typer(help="Look at tokens.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


@app.command()
def inspect(
    token: Annotated[str, typer.Argument(help="The token, or - to read it from standard input.")],
    as_json: JsonOption = False,
) -> None:
    """Check a token's form and checksum, offline. Exit status 1 when it is none."""
    text = (sys.stdin.readline() if token == "-" else token).strip()
    match = re.fullmatch(r"([a-z][a-z0-9]*)_[0-9A-Za-z]+", text)
    prefix = match[1] if match else None
    valid = prefix is not None and text.isascii() and TokenForm(prefix).is_valid(text.encode("ascii"))
    well_formed = valid or (prefix is not None and len(text) == len(prefix) + 39)
    if valid:
        kind = "admin key" if prefix == ADMIN_KEY_PREFIX else "token"
    else:
        kind = "mistyped token" if well_formed else "no token"
    facts = {
        "kind": kind,
        "prefix": prefix,
        "checksum": "right" if valid else "wrong" if well_formed else None,
        "hint": hint(text) if valid else None,
        "length": len(text),
    }
    if as_json:
        print_json(facts)
    else:
        print_table(("FACT", "VALUE"), facts.items())
    if not valid:
        raise typer.Exit(FAILED)
