"""How data is printed: short tables for people, JSON for scripts, a secret alone on standard output."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

_JSON: Final = orjson.OPT_UTC_Z


def as_data(value: BaseModel) -> dict[str, Any]:
    """A value of the services with the members that the API has."""
    return value.model_dump(by_alias=True)


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    _write(orjson.dumps(value, default=str, option=_JSON | orjson.OPT_INDENT_2))


def print_json_line(value: object) -> None:
    """One of several JSON documents, each on a line of its own, as soon as it is there."""
    _write(orjson.dumps(value, default=str, option=_JSON))


def _write(document: bytes) -> None:
    sys.stdout.buffer.write(document + b"\n")
    sys.stdout.buffer.flush()


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table that fits a terminal; piped, every column is whole, and no line is padded."""
    console = Console(width=None if sys.stdout.isatty() else 10_000)
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(value)) for value in row))
    if sys.stdout.isatty():
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()), flush=True)


def print_facts(facts: Iterable[tuple[str, object]]) -> None:
    """One thing, a line for each of its members."""
    print_table(("FACT", "VALUE"), facts)


def print_section(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """One of several tables; nothing where there is nothing in it."""
    if rows:
        print(f"\n{title}", flush=True)
        print_table(columns, rows)


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


def counted(number: int, noun: str) -> str:
    """How many there are."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def note(line: str) -> None:
    """A line for the person, beside the data."""
    print(line, file=sys.stderr)


def print_secret(secret: str, *, about: str) -> None:
    """The secret alone on standard output, so that it can be piped into a secret store; the words beside it."""
    note(about)
    note("Copy it now: it is not shown again.")
    print(secret, flush=True)
