"""A difference between two route maps in Markdown, for a comment on the change that makes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gateway.admin.management.map_diff_views import MapDiffView, TrafficView
from gateway.cli.diff_tables import operation_row, scope_row, summary, upstream_row
from gateway.cli.diff_traffic import TRAFFIC_COLUMNS, traffic_row, traffic_words


def markdown(found: MapDiffView) -> str:
    """The page. Whatever comes from a map is escaped: a comment is read by people who did not write it."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: MapDiffView) -> Iterator[str]:
    yield "### Route map: something is opened" if found.opens else "### Route map: nothing is opened"
    yield ""
    line = summary(found)
    yield f"{line[:1].upper()}{line[1:]}."
    if found.operations:
        yield from _table(
            ("Service", "Effect", "Operation", "Was", "Now"),
            (
                (service, f"**{effect}**" if one.opens else effect, _code(operation), _code(was), _code(now))
                for one in found.operations
                for service, effect, operation, was, now in (operation_row(one),)
            ),
        )
    if found.upstreams:
        rows = map(upstream_row, found.upstreams)
        yield from _table(
            ("Upstream", "Serves", "Was", "Now"),
            ((name, served, _code(was), _code(now)) for name, served, was, now in rows),
        )
    if found.scopes:
        rows_of_scopes = map(scope_row, found.scopes)
        yield from _table(
            ("Scope", "Change"), ((_code(name), _escaped(words)) for name, words in rows_of_scopes)
        )

    if found.traffic is not None:
        yield from _traffic(found.traffic)


def _traffic(traffic: TrafficView) -> Iterator[str]:
    if traffic.changes:
        rows = map(traffic_row, traffic.changes)
        yield from _table(
            tuple(column.capitalize() for column in TRAFFIC_COLUMNS),
            (
                (_escaped(outcome), requests, integration, _escaped(name), _code(operation), _code(why))
                for outcome, requests, integration, name, operation, why in rows
            ),
        )
    yield ""
    for line in traffic_words(traffic):
        yield f"- {_escaped(line)}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield ""
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _code(text: str) -> str:
    # A pipe ends a cell even in code, and a backtick the code.
    return f"`{text.replace('|', chr(92) + '|').replace('`', chr(0x2018))}`" if text else ""


def _escaped(text: str) -> str:
    return "".join(f"&#{ord(char)};" if char in "|<>&*_`[]\\#@" else char for char in text)
