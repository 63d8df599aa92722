"""An import from beginning to end, without the writing: sources → descriptions → draft → text, proved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from gateway.core.model import Access, Problem, RouteMap
from gateway.core.routes import shape
from gateway.core.rules import Rule
from gateway.openapi.description import read_description
from gateway.openapi.draft import Draft, Entry
from gateway.openapi.drafting import Wishes, draft
from gateway.openapi.merging import Changes, MergeWishes, merge
from gateway.openapi.old_map import read_old_map
from gateway.openapi.operation import Description
from gateway.openapi.proof import prove
from gateway.openapi.references import Document, References
from gateway.openapi.rendering import render
from gateway.openapi.sources import FETCH_SECONDS, MAX_BYTES, fetch_now, is_address, stem_of
from gateway.openapi.values import read_values
from gateway.settings.errors import ConfigurationError
from gateway.settings.route_map import parse_route_map
from gateway.settings.scalar import one_line
from gateway.settings.yaml_document import decoded, read_bytes

_BYTE_ORDER_MARK: Final = "\ufeff".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a source is read, and where files may be that it refers to; None: in its own folder."""

    max_bytes: int = MAX_BYTES
    seconds: float = FETCH_SECONDS
    folder: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OldText:
    """A map that is merged into: its file, and the bytes that were found there."""

    path: Path
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The bytes of the new map and what is to be told of it. `changes` None: nothing was merged."""

    data: bytes
    drafted: Draft
    route_map: RouteMap
    warnings: Sequence[Problem]
    changes: Changes | None = field(default=None)

    @property
    def denied(self) -> list[Entry]:
        """The operations for which the descriptions have no scope, and the map has none either."""
        refused = {
            (route.method, shape(route.template))
            for route in self.route_map.routes
            if route.access is Access.DENY
        }
        entries = self.drafted.entries
        return [entry for entry in entries if entry.reason is not None and entry.identity in refused]


def describe(source: str, limits: Limits, *, versions: bool) -> Description:
    """The description in a file or at an address. Raises ConfigurationError or SourceError."""
    if is_address(source):
        data, address = fetch_now(source, max_bytes=limits.max_bytes, seconds=limits.seconds)
        return _read(one_line(source), data, None, limits, origin=address, versions=versions)
    path = Path(source)
    data = _bounded(path, limits.max_bytes)
    return _read(one_line(source), data, path, limits, origin=None, versions=versions)


def describe_text(name: str, data: bytes, limits: Limits, *, versions: bool) -> Description:
    """The description in `data`, which came from nowhere that references could lead to. Raises ConfigurationError."""
    return _read(name, data, None, limits, origin=None, versions=versions)


def _read(
    name: str, data: bytes, path: Path | None, limits: Limits, *, origin: str | None, versions: bool
) -> Description:
    real = None if path is None else path.resolve()
    folder = limits.folder.resolve() if limits.folder is not None else None if real is None else real.parent
    home = Document(name, read_values(data, name), real)
    references = References(folder, lambda file: _bounded(file, limits.max_bytes))
    return read_description(home, references, stem=stem_of(name), origin=origin, versions=versions)


def _bounded(path: Path, max_bytes: int) -> bytes:
    """The bytes of a file; of one that is too large the way out is an option here."""
    try:
        return read_bytes(path, limit=max_bytes)
    except ConfigurationError as error:
        problems = (
            replace(problem, message=f"is larger than {max_bytes} bytes; raise --max-size if it is right")
            if problem.rule is Rule.TOO_LARGE
            else problem
            for problem in error.problems
        )
        raise ConfigurationError(problems) from None


def make_map(
    descriptions: Sequence[Description],
    wishes: Wishes,
    *,
    target: Path,
    old: OldText | None = None,
    merge_wishes: MergeWishes | None = None,
) -> Imported:
    """The map of these descriptions, by itself or merged into `old`. Raises ConfigurationError with every problem."""
    drafted = draft(descriptions, wishes)
    if not drafted.entries:
        names = ", ".join(description.name for description in descriptions)
        message = "no operation is described that a map can hold; name the description of an API"
        raise ConfigurationError([Problem(where=names, message=message)])
    if old is None:
        text = render(drafted)
        route_map, warnings = prove(text, target, {entry.identity: entry for entry in drafted.entries})
        return Imported(data=text.encode(), drafted=drafted, route_map=route_map, warnings=warnings)
    before = decoded(old.data, lambda line: f"{old.path}:{line}")
    was = read_old_map(old.path, before, parse_route_map(old.path, old.data))
    text, changes, meant = merge(was, before, drafted, merge_wishes or MergeWishes())
    route_map, warnings = prove(text, target, meant)
    mark = _BYTE_ORDER_MARK if old.data.startswith(_BYTE_ORDER_MARK) else b""
    return Imported(
        data=mark + text.encode(), drafted=drafted, route_map=route_map, warnings=warnings, changes=changes
    )
