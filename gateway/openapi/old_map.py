"""A route map that people have edited: its entries, each with its meaning and its place in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.core.model import AccountKind, Problem, Route, RouteMap
from gateway.core.routes import shape
from gateway.openapi.map_text import Member, Node, Spot, read_nodes
from gateway.openapi.text_edits import TextEdits
from gateway.settings.errors import ConfigurationError
from gateway.settings.template import parse_key

_TAIL: Final = re.compile(r"(?P<gap>\s*)(?:#\s?(?P<comment>.*))?")
_KEY_TAIL: Final = re.compile(r"(?P<colon>\s*:)(?P<gap>\s*)(?:#\s?(?P<comment>.*))?")


@dataclass(frozen=True, slots=True)
class OldEntry:
    """An entry in the text: `route` is what it means, `member` where it stands, `comment` what it says at its end.

    `comment_from` is where the line's rest begins; None where there is no room for a comment.
    """

    service: str
    route: Route
    member: Member
    comment: str
    comment_from: Spot | None

    @property
    def identity(self) -> tuple[str, str]:
        """The method, and the path whatever its parameters are called."""
        return self.route.method, shape(self.route.template)

    @property
    def key(self) -> str:
        """The entry's key in the map."""
        return f"{self.route.method} {self.route.template}"

    @property
    def written(self) -> Route:
        """The route with the needs that the text names, also where all of them are only tried (`shadow: true`)."""
        shadow = self.member.value.member("shadow")
        tried = shadow is not None and not shadow.value.is_mapping
        return self.route.shadow if tried and self.route.shadow is not None else self.route

    @property
    def phrases(self) -> list[str]:
        """What the comment says, in its parts."""
        return [phrase for part in self.comment.split("; ") if (phrase := part.strip())]

    @property
    def last_line(self) -> int:
        """The last line of the entry."""
        return max(self.member.value.end.line, self.member.start.line)


@dataclass(frozen=True, slots=True)
class OldService:
    """A service in the text."""

    member: Member
    routes: Member
    account: AccountKind | None
    entries: tuple[OldEntry, ...]


@dataclass(frozen=True, slots=True)
class OldMap:
    """The map in a file, as `meaning` and as `root` of its text."""

    path: Path
    meaning: RouteMap
    root: Node
    services: Mapping[str, OldService]

    @property
    def entries(self) -> Mapping[tuple[str, str], OldEntry]:
        """Its entries by what makes them the same operation."""
        return {entry.identity: entry for service in self.services.values() for entry in service.entries}


def read_old_map(path: Path, text: str, meaning: RouteMap) -> OldMap:
    """The map in `text`, which was read from `path` and means `meaning`.

    Raises ConfigurationError when it is written in a way that leaves no line of its own for an entry.
    """
    root = read_nodes(text)
    edits = TextEdits(text)
    found = {(route.method, route.template): route for route in meaning.routes}
    services = _block(root, "services", path)
    read = {}
    for member in services.value.members:
        _refuse_braces(member, path)
        routes = _block(member.value, "routes", path)
        account = member.value.member("account")
        kind = None if account is None or account.value.text == "any" else AccountKind(account.value.text)
        entries = tuple(_entries(member.key, routes, found, edits))
        read[member.key] = OldService(member, routes, kind, entries)
    return OldMap(path, meaning, root, read)


def _entries(
    service: str, routes: Member, found: Mapping[tuple[str, str], Route], edits: TextEdits
) -> Iterator[OldEntry]:
    for member in routes.value.members:
        spot, pattern = (member.key_end, _KEY_TAIL) if member.value.is_block else (member.value.end, _TAIL)
        match = pattern.fullmatch(edits.bare(spot.line)[spot.column :])
        comment_from = None if match is None else Spot(spot.line, spot.column + match.start("gap"))
        said = "" if match is None else match["comment"] or ""
        route = found[parse_key(member.key)]
        yield OldEntry(service, route, member, said.strip(), comment_from)


def _block(parent: Node, key: str, path: Path) -> Member:
    member = parent.member(key)
    assert member is not None, "a valid map has it"
    if parent.flow:
        raise _braces(path, member.start, key)
    _refuse_braces(member, path)
    return member


def _refuse_braces(member: Member, path: Path) -> None:
    if member.value.flow:
        raise _braces(path, member.start, member.key)


def _braces(path: Path, spot: Spot, key: str) -> ConfigurationError:
    message = f"{key} is written in braces, and nothing can be added there; give each entry a line of its own"
    return ConfigurationError([Problem(where=f"{path}:{spot.line + 1}", message=message)])
