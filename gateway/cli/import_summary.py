"""What an import came to, for people and for scripts: every operation that is not open to somebody is named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.cli.output import counted
from gateway.core.model import Access
from gateway.openapi.merging import Changes
from gateway.openapi.operation import Description

if TYPE_CHECKING:
    from gateway.openapi.importing import Imported


def as_json(
    descriptions: Sequence[Description],
    imported: Imported,
    output: Path | None,
    *,
    changed: bool,
    seconds: float,
) -> dict[str, Any]:
    """The summary as data; with the map itself where it goes into no file."""
    drafted = imported.drafted
    return {
        "descriptions": [
            {
                "name": each.name,
                "title": each.title,
                "version": each.version,
                "operations": len(each.operations),
            }
            for each in descriptions
        ],
        "counts": _counts(descriptions, imported),
        "denied": [{"operation": entry.key, "reason": entry.reason} for entry in imported.denied],
        "left_out": [{"operation": each.operation, "reason": each.reason} for each in drafted.left_out],
        "remarks": [*drafted.remarks, *drafted.unused_lines],
        "merge": None if imported.changes is None else _merged(imported.changes),
        "warnings": [{"where": each.where, "message": each.message} for each in imported.warnings],
        "output": None if output is None else str(output),
        "changed": changed,
        "map": imported.data.decode() if output is None else None,
        "seconds": round(seconds, 3),
    }


def tell(
    descriptions: Sequence[Description],
    imported: Imported,
    output: Path | None,
    *,
    changed: bool,
    seconds: float,
    say: Callable[[str], object],
) -> None:
    """The summary for people: what needs a look first, the sum last."""
    drafted = imported.drafted
    for remark in (*drafted.remarks, *drafted.unused_lines):
        say(f"note: {remark}")
    _tell_group(say, "left out", ((each.operation, each.reason) for each in drafted.left_out))
    _tell_group(say, "denied", ((entry.key, entry.reason or "") for entry in imported.denied))
    if imported.changes is not None:
        _tell_changes(say, imported.changes)
    counts = _counts(descriptions, imported)
    say(
        f"{counted(counts['descriptions'], 'description')}, {counted(counts['operations'], 'operation')}: "
        f"{counts['with_scope']} with a scope, {counts['listed']} with one from the list, {counts['without']} open without a "
        f"scope, {counts['denied']} denied, {counts['left_out']} left out, {counts['folded']} of a shape already there"
    )
    for upstream in drafted.upstreams:
        if upstream.guessed:
            say(
                f"no server is described: {upstream.name} is {upstream.urls[0]} until you write another; or use --upstream"
            )
    where = "" if output is None else f"{output}: " if changed else f"{output} stays as it is: "
    say(
        f"{where}{counted(counts['entries'], 'route')}, {counted(counts['services'], 'service')}, "
        f"{counted(counts['scopes'], 'scope')}; {counted(len(imported.warnings), 'warning')} of `gateway check`; {seconds:.1f} s"
    )


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


def _counts(descriptions: Sequence[Description], imported: Imported) -> dict[str, int]:
    entries = imported.drafted.entries
    routes = imported.route_map.routes
    own = [entry for entry in entries if not entry.listed and entry.reason is None]
    return {
        "descriptions": len(descriptions),
        "operations": sum(len(description.operations) for description in descriptions),
        "with_scope": sum(bool(entry.needs.scopes) for entry in own),
        "without": sum(entry.needs.access in {Access.PUBLIC, Access.AUTHENTICATED} for entry in own),
        "listed": sum(entry.listed for entry in entries),
        "denied": len(imported.denied),
        "left_out": len(imported.drafted.left_out),
        "folded": imported.drafted.folded,
        "entries": len(routes),
        "services": len({route.service for route in routes}),
        "scopes": len({scope for route in routes for scope in route.scopes}),
    }
