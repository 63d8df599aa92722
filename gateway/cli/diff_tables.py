"""A difference between two route maps as tables for a terminal."""

from __future__ import annotations

from gateway.admin.management.map_diff_views import (
    MapDiffView,
    OperationChangeView,
    ScopeChangeView,
    UpstreamChangeView,
)
from gateway.admin.management.map_diff_words import scope_words
from gateway.cli.diff_traffic import TRAFFIC_COLUMNS, traffic_row, traffic_words
from gateway.cli.output import counted, note, print_section, print_table


def print_diff(found: MapDiffView) -> None:
    """The tables, and what they come to on standard error."""
    if found.operations:
        print_table(("SERVICE", "EFFECT", "OPERATION", "WAS", "NOW"), map(operation_row, found.operations))
    print_section(
        "upstreams", ("UPSTREAM", "SERVES", "WAS", "NOW"), [upstream_row(one) for one in found.upstreams]
    )
    print_section("scopes", ("SCOPE", "CHANGE"), [scope_row(one) for one in found.scopes])
    if found.traffic is not None:
        print_section("requests", TRAFFIC_COLUMNS, [traffic_row(one) for one in found.traffic.changes])
    note(summary(found))
    for line in traffic_words(found.traffic) if found.traffic is not None else ():
        note(line)


def summary(found: MapDiffView) -> str:
    """What it all comes to, in a line."""
    counts = found.counts
    if not (found.operations or found.upstreams or found.scopes):
        return "the two maps mean the same"
    told = {
        "opened": counts.opened,
        "moved to other callers": counts.moved,
        "closed": counts.closed,
        "changed otherwise": counts.changed,
    }
    line = ", ".join(f"{number} {words}" for words, number in told.items() if number)
    line = f"operations: {line}" if line else "no operation has other callers or limits"
    return line + (f"; {counts.served_elsewhere} served elsewhere" if counts.served_elsewhere else "")


def operation_row(one: OperationChangeView) -> tuple[str, ...]:
    """Service, effect, operation, was, now."""
    operation = f"{one.method} {one.path}" + (f" with a value spelled {one.spelling}" if one.spelling else "")
    return one.service, one.effect.value, operation, one.was, one.now


def upstream_row(one: UpstreamChangeView) -> tuple[str, ...]:
    """Name, what it serves, was, now."""
    served = ", ".join(
        f"{service} ({counted(number, 'operation')})" for service, number in one.operations.items()
    )
    return (
        one.name,
        served or "nothing any more",
        _addresses(one.old_urls, one.old_preserve_host),
        _addresses(one.new_urls, one.new_preserve_host),
    )


def _addresses(urls: tuple[str, ...], preserve_host: bool) -> str:
    return ", ".join(urls) + (" with the caller's Host" if preserve_host else "")


def scope_row(one: ScopeChangeView) -> tuple[str, str]:
    """Name, and in words what changes."""
    return one.name, "; ".join(scope_words(one))
