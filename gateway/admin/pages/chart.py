"""A bar chart as SVG, drawn here: no script, and nothing that a strict content policy refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from markupsafe import Markup

_WIDTH: Final = 960
_HEIGHT: Final = 220
_LEFT: Final = 44
_BOTTOM: Final = 24
_TOP: Final = 10
_LINES: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """The counts of one span, by series. `tick` is written below, where it is not empty.

    `hour` is when an hour began: a script tells label and tick in the reader's zone.
    """

    label: str
    tick: str
    counts: Sequence[int]
    hour: datetime | None = None

    @property
    def total(self) -> int:
        return sum(self.counts)


def ceiling(largest: int) -> int:
    """The next round number that four lines divide evenly."""
    step = 1
    while True:
        for top in (step * _LINES, 2 * step * _LINES, 10 * step, 5 * step * _LINES):
            if top >= largest and top % _LINES == 0:
                return top
        step *= 10


def bars(series: Sequence[tuple[str, str]], spans: Sequence[Bar], *, title: str) -> Markup:
    """Stacked bars. A series is its class in the stylesheet and its name."""
    top = ceiling(max((bar.total for bar in spans), default=1))
    room = (_WIDTH - _LEFT) / max(1, len(spans))
    parts = [_grid(top)]
    for place, bar in enumerate(spans):
        x = _LEFT + place * room
        words = ", ".join(
            f"{name}: {count:,}" for (_, name), count in zip(series, bar.counts, strict=True) if count
        )
        inner = [Markup("<title>{}</title>").format(f"{bar.label} – {words or 'no requests'}")]
        inner.append(
            Markup('<rect class="hit" x="{:.1f}" y="{}" width="{:.1f}" height="{}"/>').format(
                x, _TOP, room, _HEIGHT - _BOTTOM - _TOP
            )
        )
        base = float(_HEIGHT - _BOTTOM)
        for (kind, _), count in zip(series, bar.counts, strict=True):
            if not count:
                continue
            height = max(1.5, count / top * (_HEIGHT - _BOTTOM - _TOP))
            base -= height
            inner.append(
                Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
                    kind, x + room * 0.14, base, room * 0.72, height
                )
            )
        hour = Markup("") if bar.hour is None else Markup(' data-hour="{}"').format(bar.hour.isoformat())
        parts.append(Markup("<g{}>{}</g>").format(hour, Markup("").join(inner)))
        if bar.tick:
            parts.append(
                Markup('<text class="tick"{} x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
                    hour, x + room / 2, _HEIGHT - 6, bar.tick
                )
            )
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        _WIDTH, _HEIGHT, title, Markup("").join(parts)
    )


def _grid(top: int) -> Markup:
    parts = []
    for line in range(_LINES + 1):
        y = _HEIGHT - _BOTTOM - line / _LINES * (_HEIGHT - _BOTTOM - _TOP)
        parts.append(
            Markup(
                '<line x1="{}" y1="{:.1f}" x2="{}" y2="{:.1f}"/>'
                '<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>'
            ).format(_LEFT, y, _WIDTH, y, _LEFT - 8, y + 4, _short(top * line // _LINES))
        )
    return Markup('<g class="grid">{}</g>').format(Markup("").join(parts))


def _short(number: int) -> str:
    for limit, unit in ((1_000_000, "M"), (1_000, "k")):
        if number >= limit:
            return f"{number / limit:g}{unit}"
    return str(number)
