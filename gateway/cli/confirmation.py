"""Asking before something is ended that cannot be brought back."""

from __future__ import annotations

import signal
import sys
from typing import Annotated

import typer

from gateway.cli.failures import BAD_USAGE, Refused

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]


def must_ask(yes: bool, deed: str) -> bool:
    """Whether somebody is to be asked. Raises Refused where nobody can be: a script has to say that it means it."""
    if yes:
        return False
    if not sys.stdin.isatty():
        raise Refused(
            f"{deed} cannot be undone, and there is no terminal to ask at; say --yes", status=BAD_USAGE
        )
    return True


def ask(question: str) -> None:
    """Raises Refused unless the answer is yes."""
    # A loop that runs would take the first Ctrl-C for itself, and nobody would see it during the question.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline()
    finally:
        signal.signal(signal.SIGINT, before)
    if answer.strip().lower() not in {"y", "yes"}:
        raise Refused("nothing was changed")
