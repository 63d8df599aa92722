"""What an import came to, for people and for scripts: every operation that is not open to somebody is named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.cli.output import counted
from gateway.openapi.merging import Changes
from gateway.openapi.operation import Description

if TYPE_CHECKING:
    from gateway.openapi.importing import Imported


@dataclass(frozen=True, slots=True)
class Told:
    """An import that is done: `changed` tells whether the file of `output` is another now; it took `seconds`."""

    descriptions: Sequence[Description]
    imported: Imported
    output: Path | None
    changed: bool
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """The summary as data; with the map itself where it goes into no file."""
        drafted, changes = self.imported.drafted, self.imported.changes
        return {
            "descriptions": [
                {
                    "name": each.name,
                    "title": each.title,
                    "version": each.version,
                    "operations": len(each.operations),
                }
                for each in self.descriptions
            ],
            "counts": self._counts(),
            "denied": [{"operation": entry.key, "reason": entry.reason} for entry in self.imported.denied],
            "left_out": [{"operation": each.operation, "reason": each.reason} for each in drafted.left_out],
            "remarks": [*drafted.remarks, *drafted.unused_lines],
            "merge": None if changes is None else _merged(changes),
            "warnings": [{"where": each.where, "message": each.message} for each in self.imported.warnings],
            "output": None if self.output is None else str(self.output),
            "changed": self.changed,
            "map": self.imported.data.decode() if self.output is None else None,
            "seconds": round(self.seconds, 3),
        }

    def tell(self, say: Callable[[str], object]) -> None:
        """The summary for people: what needs a look first, the sum last."""
        drafted, counts = self.imported.drafted, self._counts()
        for remark in (*drafted.remarks, *drafted.unused_lines):
            say(f"note: {remark}")
        _tell_group(say, "left out", ((each.operation, each.reason) for each in drafted.left_out))
        _tell_group(say, "denied", ((entry.key, entry.reason or "") for entry in self.imported.denied))
        if self.imported.changes is not None:
            _tell_changes(say, self.imported.changes)
        for upstream in drafted.upstreams:
            if upstream.guessed and upstream.name in self.imported.route_map.upstreams:
                address = self.imported.route_map.upstreams[upstream.name].urls[0]
                say(
                    f"no server is described: {upstream.name} is {address}; name another with --upstream, or in the map"
                )
        say(
            f"{counted(counts['descriptions'], 'description')}, {counted(counts['operations'], 'operation')}: "
            f"{counts['with_scope']} with a scope, {counts['listed']} by the list, {counts['open']} open by --anonymous, "
            f"{counts['no_scope']} without a scope, {counts['left_out']} left out, {counts['folded']} of a shape already there"
        )
        where = "" if self.output is None else f"{self.output}{'' if self.changed else ' stays as it is'}: "
        say(
            f"{where}{counted(counts['routes'], 'route')}, {counts['denied']} of them denied, "
            f"{counted(counts['services'], 'service')}, {counted(counts['scopes'], 'scope')}; "
            f"{counted(len(self.imported.warnings), 'warning')} of `gateway check`; {self.seconds:.1f} s"
        )

    def _counts(self) -> dict[str, int]:
        """Of the descriptions (their operations are what has a scope or not, is left out or folded), and of the map."""
        entries, routes = self.imported.drafted.entries, self.imported.route_map.routes
        own = [entry for entry in entries if not entry.listed and entry.reason is None]
        return {
            "descriptions": len(self.descriptions),
            "operations": sum(len(description.operations) for description in self.descriptions),
            "with_scope": sum(bool(entry.needs.scopes) for entry in own),
            "open": sum(not entry.needs.scopes for entry in own),
            "listed": sum(entry.listed for entry in entries),
            "no_scope": sum(entry.reason is not None for entry in entries),
            "left_out": len(self.imported.drafted.left_out),
            "folded": self.imported.drafted.folded,
            "routes": len(routes),
            "denied": len(self.imported.denied),
            "services": len({route.service for route in routes}),
            "scopes": len({scope for route in routes for scope in route.scopes}),
        }


def _tell_group(say: Callable[[str], object], title: str, found: Iterable[tuple[str, str]]) -> None:
    by_reason: dict[str, list[str]] = {}
    for operation, reason in found:
        by_reason.setdefault(reason, []).append(operation)
    for reason, operations in by_reason.items():
        say(f"{title}, {reason} ({len(operations)}):")
        for operation in operations:
            say(f"  {operation}")


def _tell_changes(say: Callable[[str], object], changes: Changes) -> None:
    for title, keys in (
        ("new", changes.added),
        ("gone from the description, marked", changes.gone),
        ("gone from the description, taken out", changes.pruned),
        ("no longer denied", changes.filled),
        ("changed to what is described", changes.taken),
    ):
        if keys:
            say(f"{title} ({len(keys)}):")
            for key in keys:
                say(f"  {key}")
    if changes.differing:
        say(
            f"needs something else than is described, kept and marked; --take-described changes it ({len(changes.differing)}):"
        )
        for key, found, described in changes.differing:
            say(f"  {key}: {found}, described {described}")
    say(
        f"merged: {len(changes.added)} new, {len(changes.gone) + len(changes.pruned)} gone, "
        f"{len(changes.filled) + len(changes.taken)} changed, {len(changes.differing)} differing, {changes.kept} kept"
    )


def _merged(changes: Changes) -> dict[str, Any]:
    return {
        "added": changes.added,
        "gone": changes.gone,
        "pruned": changes.pruned,
        "filled": changes.filled,
        "taken": changes.taken,
        "differing": [
            {"operation": key, "needs": found, "described": described}
            for key, found, described in changes.differing
        ],
        "kept": changes.kept,
    }
