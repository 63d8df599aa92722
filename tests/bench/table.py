"""Tables for people."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.figures import Figure


def shown(value: Figure, digits: int) -> str:
    """The median and, where there were several rounds, the least and the most."""
    if value.rounds == 1:
        return f"{value.median:,.{digits}f}"
    return f"{value.median:,.{digits}f} ({value.least:,.{digits}f}–{value.most:,.{digits}f})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines: the first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = []
    for row in (head, *rows):
        first, *others = (
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join((first, *others)).rstrip())
    return lines
