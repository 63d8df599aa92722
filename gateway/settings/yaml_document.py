"""A YAML text as plain values, with the line of each: stricter than YAML, because a setting read in two ways is a hole.

It knows nothing of settings or routes. It builds from libyaml's events and not from its node graph: the graph is built
by unbounded recursion in C, which a deep enough text turns into a crash.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import yaml

from gateway.core.model import Problem
from gateway.core.rules import Rule
from gateway.settings.errors import ConfigurationError, add_problem
from gateway.settings.scalar import plain_scalar, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"
KeyPath: TypeAlias = tuple[str | int, ...]

MAX_BYTES: Final = 16 * 1024 * 1024
MAX_DEPTH: Final = 32
_TOO_DEEP: Final = f"values are nested more than {MAX_DEPTH} deep; write it flatter"
# Some of libyaml's releases have a bound of their own, which a text of brackets alone meets before ours.
_PARSERS_DEPTH: Final = "maximum nesting depth"
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff]")
# What git leaves around the two sides where two people changed the same lines.
_MERGE_BEGIN: Final = re.compile(r"^<{7}(?: .*)?$", re.MULTILINE)
_MERGE_END: Final = re.compile(r"^>{7}(?: .*)?$", re.MULTILINE)
# libyaml's words, and what an operator does about them.
_WAYS_OUT: Final = (
    ("mapping values are not allowed", "quote a value that holds a colon and a blank"),
    ("end of stream", "close the quote or bracket"),
    ("expected ',' or", "close the bracket, or put a comma between the items"),
    ("cannot start any token", "quote a value that begins with this character"),
    ("expected ':'", "write `key: value`, and check the indentation"),
    ("another document", "keep one document in a file"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The values of a text. Of duplicate keys `value` holds the first, and `problems` names the others."""

    value: Value
    lines: Mapping[KeyPath, int]
    columns: Mapping[KeyPath, int]
    problems: tuple[Problem, ...]
    place: Callable[[int], str]

    def where(self, path: KeyPath) -> str:
        """`file:line` of a value, or of the nearest enclosing value that was written."""
        return self.place(self.lines.get(self._written(path), 1))

    def problem(self, path: KeyPath, message: str, rule: Rule) -> Problem:
        """What is wrong with a value, at its place or at that of the nearest enclosing value that was written."""
        column = self.columns.get(self._written(path), 0)
        return Problem(where=self.where(path), message=message, rule=rule, column=column)

    def _written(self, path: KeyPath) -> KeyPath:
        while path not in self.lines and path:
            path = path[:-1]
        return path


def read_bytes(path: Path, *, limit: int = MAX_BYTES) -> bytes:
    """The bytes of a file of at most `limit` bytes. Raises ConfigurationError."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        message = f"cannot be read: {reason}; check the path and its permissions"
        problem = Problem(where=str(path), message=message, rule=Rule.UNREADABLE)
        raise ConfigurationError([problem]) from None
    if len(data) > limit:
        message = f"is larger than {limit} bytes; write a smaller file"
        raise ConfigurationError([Problem(where=str(path), message=message, rule=Rule.TOO_LARGE)])
    return data


def parse_file(path: Path, data: bytes) -> Document:
    """The document in `data`, which was read from `path`. Raises ConfigurationError when it is no YAML."""
    return parse(data, place=lambda line: f"{path}:{line}")


def parse(data: bytes, *, place: Callable[[int], str]) -> Document:
    """The document in `data`; `place` says where a line is. Raises ConfigurationError when it is no YAML."""
    text = decoded(data, place)
    refuse_odd(text, place)
    builder = _Builder(text, place)
    try:
        value = builder.document()
    except yaml.MarkedYAMLError as error:
        raise ConfigurationError([*builder.problems, syntax_problem(error, text, place)]) from None
    except yaml.YAMLError:
        message = "this is not YAML; check its encoding and its characters"
        problem = Problem(where=place(1), message=message, rule=Rule.ENCODING)
        raise ConfigurationError([*builder.problems, problem]) from None
    return Document(
        value=value,
        lines=builder.lines,
        columns=builder.columns,
        problems=tuple(builder.problems),
        place=place,
    )


def decoded(data: bytes, place: Callable[[int], str]) -> str:
    """The text in `data`, without a byte order mark. Raises ConfigurationError when it is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = "this is not UTF-8; save the file in UTF-8"
        raise ConfigurationError([Problem(where=place(line), message=message, rule=Rule.ENCODING)]) from None


def refuse_odd(text: str, place: Callable[[int], str]) -> None:
    """Raises ConfigurationError when `text` holds a character that YAML cannot hold, or the marks of an unfinished merge."""
    control = _CONTROLS.search(text)
    if control is not None:
        line = text.count("\n", 0, control.start()) + 1
        message = f"control character U+{ord(control[0]):04X}; remove it"
        raise ConfigurationError([Problem(where=place(line), message=message, rule=Rule.ENCODING)])
    conflicts = list(_merge_conflicts(text, place))
    if conflicts:
        raise ConfigurationError(conflicts)


def _merge_conflicts(text: str, place: Callable[[int], str]) -> Iterator[Problem]:
    line, at = 1, 0
    while (begin := _MERGE_BEGIN.search(text, at)) and (end := _MERGE_END.search(text, begin.end())):
        first = line + text.count("\n", at, begin.start())
        line = first + text.count("\n", begin.start(), end.start())
        at = end.start()
        message = (
            f"a merge was not finished; keep what is right of lines {first} to {line}, and remove its marks"
        )
        yield Problem(where=place(first), message=message, rule=Rule.MERGE_CONFLICT, column=1)


def syntax_problem(error: yaml.MarkedYAMLError, text: str, place: Callable[[int], str]) -> Problem:
    """What libyaml found wrong with `text`, in an operator's words, with the way out."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Problem(where=place(1), message=f"this is not YAML: {error.problem}", rule=Rule.SYNTAX)
    lines = text.split("\n")
    line = min(mark.line, len(lines) - 1)
    if error.problem is not None and _PARSERS_DEPTH in error.problem:
        return Problem(where=place(line + 1), message=_TOO_DEEP, rule=Rule.SYNTAX, column=mark.column + 1)
    if "\t" in lines[line][: mark.column + 1]:
        message = "a tab is used for indentation; use blanks"
        return Problem(where=place(line + 1), message=message, rule=Rule.SYNTAX, column=mark.column + 1)
    found = error.problem or "it does not follow the grammar"
    if error.context is not None and error.context_mark is not None and error.context_mark.line != mark.line:
        found = f"{found} {error.context} that begins on line {error.context_mark.line + 1}"
    ways_out = (way_out for words, way_out in _WAYS_OUT if words in found)
    way_out = next(ways_out, "check the quotes, brackets and indentation here")
    message = f"this is not YAML: {found}; {way_out}"
    return Problem(where=place(line + 1), message=message, rule=Rule.SYNTAX, column=mark.column + 1)


def _mark(event: yaml.Event) -> tuple[int, int]:
    """Line and column, from 1."""
    # The stubs allow an event without a mark; libyaml's have one always.
    return (1, 1) if event.start_mark is None else (event.start_mark.line + 1, event.start_mark.column + 1)


class _Builder:
    """Values, lines and problems from the events of one text."""

    def __init__(self, text: str, place: Callable[[int], str]) -> None:
        self.lines: dict[KeyPath, int] = {}
        self.columns: dict[KeyPath, int] = {}
        self.problems: list[Problem] = []
        self._place = place
        self._events = yaml.parse(text, Loader=yaml.CSafeLoader)

    def document(self) -> Value:
        next(self._events)  # the stream's start
        start = next(self._events)
        if isinstance(start, yaml.StreamEndEvent):
            return None
        value = self._value(next(self._events), ())
        next(self._events)  # the document's end
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            self._problem(after, "a second document begins; keep one document in a file")
        return value

    def _value(self, event: yaml.Event, path: KeyPath) -> Value:
        # A mapping's entry has its key's line already: that is where an operator looks for it.
        if path not in self.lines:
            self.lines[path], self.columns[path] = _mark(event)
        if isinstance(event, yaml.AliasEvent):
            self._problem(event, f"alias *{event.anchor} is not read; write the value out")
            return None
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            self._problem(event, f"anchor &{event.anchor} is not read; remove it")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.CollectionStartEvent) and not event.implicit:
            self._problem(event, f"tag {event.tag} is not read; remove it")
        if len(path) >= MAX_DEPTH:
            self._problem(event, _TOO_DEEP, Rule.SYNTAX)
            raise ConfigurationError(self.problems)
        return self._mapping(path) if isinstance(event, yaml.MappingStartEvent) else self._sequence(path)

    def _scalar(self, event: yaml.ScalarEvent) -> Value:
        plain, quoted = event.implicit
        if plain:
            return plain_scalar(event.value)
        if not quoted:
            self._problem(event, f"tag {event.tag} is not read; remove it")
        return event.value

    def _sequence(self, path: KeyPath) -> list[Value]:
        items: list[Value] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items))))
        return items

    def _mapping(self, path: KeyPath) -> dict[str, Value]:
        entries: dict[str, Value] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, path)
            inside = (*path, key)
            if key in entries:
                first = self.lines[inside]
                message = f"key {shown(key)} is written twice, first on line {first}; keep one"
                self._problem(event, message, Rule.DUPLICATE_KEY)
                # Read for its own problems; its place is not the first one's.
                self._value(next(self._events), (*path, f"{key} (again)"))
                continue
            self.lines[inside], self.columns[inside] = _mark(event)
            entries[key] = self._value(next(self._events), inside)
        return entries

    def _key(self, event: yaml.Event, path: KeyPath) -> str:
        if isinstance(event, yaml.ScalarEvent):
            if event.anchor is not None:
                self._problem(event, f"anchor &{event.anchor} is not read; remove it")
            if not any(event.implicit):
                self._problem(event, f"tag {event.tag} is not read; remove it")
            # Keys are words, also those that look like numbers.
            return event.value
        self._problem(event, "a key is not plain text; write a word")
        self._value(event, (*path, "(key)"))
        return f"(key on line {_mark(event)[0]})"

    def _problem(self, event: yaml.Event, message: str, rule: Rule = Rule.YAML_FEATURE) -> None:
        line, column = _mark(event)
        problem = Problem(where=self._place(line), message=message, rule=rule, column=column)
        add_problem(self.problems, problem)
