"""A route map's document while it is read: typed access to its values, and the problems found on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.rules import Rule
from gateway.settings.errors import add_problem
from gateway.settings.scalar import shown
from gateway.settings.suggestion import nearest, way_out

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from typing import TypeVar

    from gateway.core.model import Problem
    from gateway.settings.yaml_document import Document, KeyPath, Value

    T = TypeVar("T")


class MapReading:
    """Reads values at a path. What is wrong becomes a problem with its line, and None is read in its place."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = list(document.problems)
        self._misspelt: set[KeyPath] = set()

    def __repr__(self) -> str:
        return f"MapReading({len(self.problems)} problems)"

    def problem(self, path: KeyPath, message: str, rule: Rule = Rule.INVALID_VALUE) -> None:
        """Note that the value at `path` is wrong."""
        add_problem(self.problems, self.document.problem(path, message, rule))

    def missing(self, path: KeyPath, message: str, *keys: str) -> None:
        """Note that none of `keys` is at `path`, unless one is there with a slip, which is noted already."""
        if not any((*path, key) in self._misspelt for key in keys):
            self.problem(path, message, Rule.MISSING_KEY)

    def mapping(
        self, path: KeyPath, value: Value, form: str, known: Collection[str] | None = None
    ) -> Mapping[str, Value]:
        """The entries of a mapping. Keys that are not `known` are problems, and left out."""
        if not isinstance(value, dict):
            self.problem(path, f"{_name(path)} is {shown(value)}; write a mapping such as {form}")
            return {}
        if known is None:
            return value
        for key in (key for key in value if key not in known):
            message = f"unknown key {shown(key)} in {_name(path)}; {way_out(key, known)}"
            self.problem((*path, key), message, Rule.UNKNOWN_KEY)
            if (meant := nearest(key, known)) is not None:
                self._misspelt.add((*path, meant))
        return {key: entry for key, entry in value.items() if key in known}

    def items(self, path: KeyPath, value: Value, form: str) -> list[Value]:
        """The items of a list that is not empty."""
        if isinstance(value, list) and value:
            return value
        found = "empty" if value == [] else shown(value)
        self.problem(path, f"{_name(path)} is {found}; write a list such as {form}")
        return []

    def parsed(self, path: KeyPath, value: Value, parse: Callable[[object], T]) -> T | None:
        """What `parse` makes of a value; it raises ValueError with words for the operator."""
        try:
            return parse(value)
        except ValueError as error:
            self.problem(path, f"{_name(path)}: {error}")
            return None

    def flag(self, path: KeyPath, value: Value) -> bool:
        """A truth value."""
        if not isinstance(value, bool):
            self.problem(path, f"{_name(path)} is {shown(value)}; write true or false")
            return False
        return value


def _name(path: KeyPath) -> str:
    """The last words of a path: enough beside a line number, and not as long as the whole."""
    if not path:
        return "the route map"
    *above, last = path
    return f"{above[-1]}[{last}]" if isinstance(last, int) else str(last)
