"""The route table: which operation a method and a canonical path mean. It knows nothing of tokens or upstreams.

Literal beats parameter, the leftmost segment decides, per method. A trailing slash is not part of the identity: a
template with one also matches without it, and the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

# RFC 3986 section 6.2.2.2: escapes of these stay apart from the characters, and many servers decode them all the same.
_ESCAPED_DELIMITER: Final = re.compile("%(?:2[146789ABC]|3[AD]|40)")
DELIMITERS: Final = re.compile("[!$&'()*+,=:@]")


class _Node(Generic[T]):
    __slots__ = ("literals", "parameter", "value")

    def __init__(self) -> None:
        self.literals: dict[str, _Node[T]] = {}
        self.parameter: _Node[T] | None = None
        self.value: T | None = None


def is_parameter(segment: str) -> bool:
    """Whether a segment of a template is `{name}`."""
    return segment.startswith("{")


def split(path: str) -> list[str]:
    """The segments of a canonical path or a template, without the empty one after a trailing slash."""
    segments = path[1:].split("/")
    if not segments[-1]:
        segments.pop()
    return segments


def shape(template: str) -> str:
    """The template without the names of its parameters: equal shapes match the same paths."""
    return "/" + "/".join("{}" if is_parameter(segment) else segment for segment in split(template))


def decoded(segment: str) -> str:
    """The segment as a server reads it that decodes escaped delimiters."""
    return _ESCAPED_DELIMITER.sub(lambda match: chr(int(match[0][1:], 16)), segment)


class RouteTable(Generic[T]):
    """Maps (method, canonical path) to a value. Built once, never changed.

    A look-up takes time in the number of segments, not of routes. Where both a literal and a parameter lead on, the
    literal is tried first and the parameter only when the literal comes to nothing. A segment that a server which
    decodes `%3A` would take for a literal, while the table would take it for a parameter, matches nothing.
    """

    __slots__ = ("_roots", "_spellings", "size")

    def __init__(self, entries: Iterable[tuple[str, str, T]]) -> None:
        """`entries` are (method, template, value). Raises ValueError on two templates of one shape and method."""
        self._roots: dict[str, _Node[T]] = {}
        # What literals with delimiters decode to, and how the map spells them. Most maps have none.
        self._spellings: dict[str, set[str]] = {}
        self.size = 0
        for method, template, value in entries:
            self._add(method, template, value)

    def __repr__(self) -> str:
        return f"RouteTable({self.size} routes, methods {', '.join(sorted(self._roots))})"

    def _add(self, method: str, template: str, value: T) -> None:
        node = self._roots.setdefault(method, _Node())
        for segment in split(template):
            if is_parameter(segment):
                if node.parameter is None:
                    node.parameter = _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment, _Node())
                text = decoded(segment)
                if DELIMITERS.search(text):
                    self._spellings.setdefault(text, set()).add(segment)
        if node.value is not None:
            raise ValueError(f"{method} {shape(template)} is mapped twice")
        node.value = value
        self.size += 1

    @property
    def methods(self) -> frozenset[str]:
        """The methods that have any route."""
        return frozenset(self._roots)

    def match(self, method: str, path: str) -> T | None:
        """The value of the operation, or None. HEAD falls back to GET (RFC 9110 section 9.3.2)."""
        segments = split(path)
        if self._spellings and self._is_disguised(segments):
            return None
        root = self._roots.get(method)
        found = _descend(root, segments, 0, len(segments)) if root is not None else None
        if found is None and method == "HEAD":
            return self.match("GET", path)
        return found

    def _is_disguised(self, segments: list[str]) -> bool:
        return any(segment not in self._spellings.get(decoded(segment), (segment,)) for segment in segments)


def _descend(node: _Node[T], segments: list[str], at: int, end: int) -> T | None:
    while at < end:
        segment = segments[at]
        at += 1
        literal = node.literals.get(segment)
        parameter = node.parameter if segment else None
        if literal is None:
            if parameter is None:
                return None
            node = parameter
        elif parameter is None:
            node = literal
        else:
            found = _descend(literal, segments, at, end)
            if found is not None:
                return found
            node = parameter
    return node.value
