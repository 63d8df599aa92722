"""A YAML text of others as plain values. Unlike settings it may have anchors: an alias stands for the very same value,
so that what explodes on paper takes no room here. Keys written twice, foreign tags and cycles are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import yaml

from gateway.core.model import Problem
from gateway.settings.errors import ConfigurationError
from gateway.settings.scalar import plain_scalar, shown
from gateway.settings.yaml_document import refuse_odd, syntax_problem

MAX_DEPTH: Final = 200
# What merge keys may copy in all: each copies the entries of a mapping, and can do so again and again.
MAX_MERGED: Final = 1_000_000
_MOST_REPORTED: Final = 20
_CORE_TAGS: Final = "tag:yaml.org,2002:"
_TEXT_TAGS: Final = frozenset({"!", f"{_CORE_TAGS}str"})
_READ_TAGS: Final = frozenset(
    {*_TEXT_TAGS, *(f"{_CORE_TAGS}{word}" for word in ("int", "float", "bool", "null", "map", "seq"))}
)


class _Unfinished:
    """What an anchor stands for while its value is still being read."""


_UNFINISHED: Final = _Unfinished()


def yaml_values(text: str, place: Callable[[int], str]) -> object:
    """The value of `text`; `place` says where a line is. Raises ConfigurationError."""
    refuse_odd(text, place)
    reader = _Reader(text, place)
    try:
        value = reader.document()
    except yaml.MarkedYAMLError as error:
        raise ConfigurationError([*reader.problems, syntax_problem(error, text, place)]) from None
    except yaml.YAMLError:
        problem = Problem(where=place(1), message="this is not YAML; check its encoding and its characters")
        raise ConfigurationError([*reader.problems, problem]) from None
    if reader.problems:
        raise ConfigurationError(reader.problems)
    return value


def _line(event: yaml.Event) -> int:
    return 1 if event.start_mark is None else event.start_mark.line + 1


class _Reader:
    """Values and problems from the events of one text."""

    def __init__(self, text: str, place: Callable[[int], str]) -> None:
        self.problems: list[Problem] = []
        self._place = place
        self._anchors: dict[str, object] = {}
        self._depth = 0
        self._merged = 0
        self._events = yaml.parse(text, Loader=yaml.CSafeLoader)

    def document(self) -> object:
        next(self._events)  # the stream's start
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return None
        value = self._value(next(self._events))
        next(self._events)  # the document's end
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            self._problem(after, "a second document begins; keep one document in a file")
        return value

    def _value(self, event: yaml.Event) -> object:
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(event)
        assert isinstance(event, yaml.NodeEvent)
        anchor = event.anchor
        if anchor is not None:
            self._anchors[anchor] = _UNFINISHED
        value = self._scalar(event) if isinstance(event, yaml.ScalarEvent) else self._collection(event)
        if anchor is not None:
            self._anchors[anchor] = value
        return value

    def _aliased(self, event: yaml.AliasEvent) -> object:
        name = str(event.anchor)
        value = self._anchors.get(name)
        if name not in self._anchors:
            self._problem(event, f"alias *{name} names no anchor before it; write the value out")
        elif value is _UNFINISHED:
            self._problem(event, f"alias *{name} stands inside its own anchor; write the value out")
            return None
        return value

    def _scalar(self, event: yaml.ScalarEvent) -> object:
        if event.tag is not None and event.tag not in _READ_TAGS:
            self._problem(event, f"tag {event.tag} is not read; write the value itself")
        plain, _ = event.implicit
        if event.tag in _TEXT_TAGS or (event.style and not event.tag):
            return event.value
        return plain_scalar(event.value) if plain or event.tag else event.value

    def _collection(self, event: yaml.Event) -> object:
        assert isinstance(event, yaml.CollectionStartEvent)
        if event.tag is not None and event.tag not in _READ_TAGS:
            self._problem(event, f"tag {event.tag} is not read; write the value itself")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._problem(event, f"values are nested more than {MAX_DEPTH} deep; write it flatter")
            raise ConfigurationError(self.problems)
        value = self._mapping() if isinstance(event, yaml.MappingStartEvent) else self._sequence()
        self._depth -= 1
        return value

    def _sequence(self) -> list[object]:
        items = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event))
        return items

    def _mapping(self) -> dict[str, object]:
        entries: dict[str, object] = {}
        lines: dict[str, int] = {}
        merged: list[dict[str, object]] = []
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event)
            if key == "<<" and isinstance(event, yaml.ScalarEvent) and event.implicit[0]:
                merged += self._merge(event, self._value(next(self._events)))
                continue
            value = self._value(next(self._events))
            if key in entries:
                self._problem(
                    event, f"key {shown(key)} is written twice, first on line {lines[key]}; keep one"
                )
                continue
            entries[key] = value
            lines[key] = _line(event)
        for base in merged:
            for key, value in base.items():
                entries.setdefault(key, value)
        return entries

    def _merge(self, event: yaml.Event, value: object) -> list[dict[str, Any]]:
        given = value if isinstance(value, list) else [value]
        bases = [base for base in given if isinstance(base, dict)]
        if len(bases) < len(given):
            self._problem(event, "a merge key takes a mapping, or a list of them; write the entries out")
            return []
        self._merged += sum(map(len, bases))
        if self._merged > MAX_MERGED:
            self._problem(event, f"merge keys stand for more than {MAX_MERGED} entries; write them out")
            raise ConfigurationError(self.problems)
        return bases

    def _key(self, event: yaml.Event) -> str:
        if isinstance(event, yaml.ScalarEvent):
            if event.anchor is not None:
                self._anchors[event.anchor] = event.value
            # Keys are words, also those that look like numbers: a status, a version.
            return event.value
        if isinstance(event, yaml.AliasEvent) and isinstance(value := self._aliased(event), str):
            return value
        self._problem(event, "a key is not plain text; write a word")
        raise ConfigurationError(self.problems)

    def _problem(self, event: yaml.Event, message: str) -> None:
        self.problems.append(Problem(where=self._place(_line(event)), message=message))
        if len(self.problems) >= _MOST_REPORTED:
            raise ConfigurationError(self.problems)
