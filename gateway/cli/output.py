"""How data is printed: short tables for people, JSON for scripts, a secret alone on standard output."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.buffer.write(orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2) + b"\n")
    sys.stdout.buffer.flush()


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table that fits a terminal, and keeps every column whole when it is piped."""
    console = Console(width=None if sys.stdout.isatty() else 10_000)
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(value)) for value in row))
    console.print(table)


def shown(value: Any) -> str:
    """A value as a person reads it."""
    match value:
        case None:
            return "-"
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M:%S UTC")
        case bool():
            return "yes" if value else "no"
        case list() | tuple() | set() | frozenset():
            return ", ".join(map(str, value))
    return str(value)


def note(line: str) -> None:
    """A line for the person, beside the data."""
    print(line, file=sys.stderr)


def print_secret(secret: str, *, about: str) -> None:
    """The secret alone on standard output, so that it can be piped into a secret store; the words beside it."""
    note(about)
    note("Copy it now: it is not shown again.")
    print(secret)
