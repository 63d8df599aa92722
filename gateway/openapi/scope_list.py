"""Scopes that people wrote down for operations whose description names none: a CSV with a line for each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.core.model import Access, AccountKind, Problem
from gateway.core.routes import shape
from gateway.openapi.draft import Entry
from gateway.openapi.needs import EVERY_KIND, Kinds, Needs
from gateway.settings.errors import ConfigurationError
from gateway.settings.route_needs import scope_problem
from gateway.settings.scalar import shown
from gateway.settings.suggestion import way_out
from gateway.settings.template import parse_key
from gateway.settings.yaml_document import decoded

NEEDED: Final = ("method", "path", "scope")
KINDS: Final[Mapping[str, Kinds]] = {
    **{kind.value: frozenset({kind}) for kind in AccountKind},
    "any": EVERY_KIND,
}
_UNDECLARED: Final = frozenset({"", "undeclared"})
_WORDS: Final = {word.value: word for word in (Access.PUBLIC, Access.AUTHENTICATED, Access.DENY)}


@dataclass(frozen=True, slots=True)
class Listed:
    """One line: what an operation needs, and for which kinds of account, if the line says."""

    line: int
    key: str
    needs: Needs
    kinds: Kinds | None


@dataclass(frozen=True, slots=True)
class ScopeList:
    """The lines of a file by method and shape of path. `name` is how it is called in comments."""

    name: str
    lines: Mapping[tuple[str, str], Listed]

    def find(self, method: str, template: str) -> Listed | None:
        """The line for an operation, whatever its parameters are called."""
        return self.lines.get((method, shape(template)))


def read_scope_list(path: Path, data: bytes) -> ScopeList:
    """The list in `data`, which was read from `path`. Raises ConfigurationError with every problem and its line.

    Columns: `method`, `path` as in the map, `scope` (one; several with blanks between: all of them; with `|`: any of them;
    `public`, `authenticated` or `deny`; empty: not known yet) and, if wanted, `account`. Others are not looked at.
    """
    text = decoded(data, lambda line: f"{path}:{line}")
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    problems: list[Problem] = []
    found: dict[tuple[str, str], Listed] = {}
    try:
        columns = _columns(next(rows, []), path)
        for row in rows:
            if any(cell.strip() for cell in row) and not row[0].startswith("#"):
                _read(row, columns, rows.line_num, path, found, problems)
    except csv.Error as error:
        problems.append(_problem(path, rows.line_num, f"this is no CSV: {error}; check its quotes"))
    if problems:
        raise ConfigurationError(problems)
    return ScopeList(path.name, found)


def blank_scope_list(entries: Iterable[Entry]) -> bytes:
    """A list with a line for each entry, in which somebody writes the scopes."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow((*NEEDED, "account", "reason"))
    rows.writerows((entry.method, entry.template, "", entry.account or "", entry.reason) for entry in entries)
    return text.getvalue().encode()


def _columns(head: list[str], path: Path) -> dict[str, int]:
    columns = {name.strip().lower(): index for index, name in enumerate(head)}
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        message = f"the first line names no column {' or '.join(missing)}; write {','.join(NEEDED)},account"
        raise ConfigurationError([_problem(path, 1, message)])
    return columns


def _read(
    row: list[str],
    columns: Mapping[str, int],
    line: int,
    path: Path,
    found: dict[tuple[str, str], Listed],
    problems: list[Problem],
) -> None:
    cells = {name: row[index].strip() if index < len(row) else "" for name, index in columns.items()}
    try:
        method, template = parse_key(f"{cells['method'].upper()} {cells['path']}")
    except ValueError as error:
        problems.append(_problem(path, line, str(error)))
        return
    account = cells.get("account", "")
    kinds = KINDS.get(account)
    if kinds is None and account not in _UNDECLARED:
        message = f"account is {shown(account)}; {way_out(account, KINDS)}"
        problems.append(_problem(path, line, message))
    wrong = next(_wrong_scopes(cells["scope"]), None)
    if wrong is not None:
        problems.append(_problem(path, line, wrong))
    if not cells["scope"] or wrong is not None:
        return
    key = (method, shape(template))
    listed = Listed(line, f"{method} {template}", _needs(cells["scope"]), kinds)
    first = found.setdefault(key, listed)
    if (first.needs, first.kinds) != (listed.needs, listed.kinds):
        message = f"{listed.key} needs something else on line {first.line}; keep one"
        problems.append(_problem(path, line, message))


def _wrong_scopes(text: str) -> Iterator[str]:
    if text in _WORDS:
        return
    if "|" in text and any(len(part.split()) != 1 for part in text.split("|")):
        yield f"{shown(text)} mixes all of and any of; write blanks or |, not both"
    for scope in text.replace("|", " ").split():
        problem = scope_problem(scope)
        if problem is not None:
            yield problem


def _needs(text: str) -> Needs:
    if text in _WORDS:
        return Needs(_WORDS[text])
    scopes = tuple(dict.fromkeys(text.replace("|", " ").split()))
    return Needs(Access.ANY_OF if "|" in text and len(scopes) > 1 else Access.ALL_OF, scopes)


def _problem(path: Path, line: int, message: str) -> Problem:
    return Problem(where=f"{path}:{line}", message=message)
