"""Where things stand in the text of a route map, to the column: what a merge needs to change a word and nothing around it.

It reads a text that was found to be a valid map, and judges nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

# What libyaml takes for the end of a line; str.splitlines takes more.
_LINE: Final = re.compile("[^\r\n\x85\u2028\u2029]*(?:\r\n|[\r\n\x85\u2028\u2029]|\\Z)")


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """A place in a text: line and column, from 0, in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Node:
    """A value in a text, from its first character to behind its last; trailing comments are not part of it.

    `flow`: it is in braces or brackets. `members` are those of a mapping.
    """

    start: Spot
    end: Spot
    is_mapping: bool = False
    is_sequence: bool = False
    flow: bool = False
    text: str = ""
    members: tuple[Member, ...] = field(default=())

    @property
    def is_block(self) -> bool:
        """Whether it is a collection that is told by its indentation."""
        return (self.is_mapping or self.is_sequence) and not self.flow

    def member(self, key: str) -> Member | None:
        """The member of a mapping with this key."""
        return next((member for member in self.members if member.key == key), None)


@dataclass(frozen=True, slots=True)
class Member:
    """A key of a mapping and its value."""

    key: str
    start: Spot
    key_end: Spot
    value: Node


def lines_of(text: str) -> list[str]:
    """The lines of a text with their endings, as libyaml counts them."""
    lines = _LINE.findall(text)
    # The pattern finds an empty line behind the last ending.
    return lines[:-1] if lines and not lines[-1] else lines


def read_nodes(text: str) -> Node:
    """The root of a text that is known to be one YAML document without anchors."""
    events = yaml.parse(text, Loader=yaml.CSafeLoader)
    next(events)  # the stream's start
    next(events)  # the document's start
    return _node(next(events), events)


def _spot(mark: Any) -> Spot:  # libyaml's marks and Python's are of two types
    return Spot(mark.line, mark.column)


def _node(event: yaml.Event, events: Iterator[yaml.Event]) -> Node:
    start = _spot(event.start_mark)
    if isinstance(event, yaml.ScalarEvent):
        return Node(start, _spot(event.end_mark), text=event.value)
    assert isinstance(event, yaml.CollectionStartEvent)
    flow = bool(event.flow_style)
    end, members = start, []
    while not isinstance(inner := next(events), yaml.CollectionEndEvent):
        node = _node(inner, events)
        end = node.end
        if isinstance(event, yaml.MappingStartEvent):
            value = _node(next(events), events)
            members.append(Member(node.text, node.start, node.end, value))
            end = max(end, value.end)
    if flow:
        # Only brackets have an end of their own; a block's is wherever the next thing begins.
        end = _spot(inner.end_mark)
    is_mapping = isinstance(event, yaml.MappingStartEvent)
    return Node(start, end, is_mapping, not is_mapping, flow, members=tuple(members))
