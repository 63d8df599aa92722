"""What is read off while something grows, and how it is told. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from tests.bench.figures import Figure, figure, ratio
from tests.bench.table import shown, table


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One figure of one case of a part in one round, such as part `routes`, case `600`, figure `µs/request`.

    `digits` are those behind the point for people. `compared` is whether it is set against the part's first case.
    """

    part: str
    case: str
    figure: str
    round: int
    value: float
    digits: int = 1
    compared: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A figure over all rounds; `growth` is its ratio to the part's first case, in the same round."""

    part: str
    case: str
    figure: str
    digits: int
    value: Figure
    growth: Figure | None


def cells(readings: Sequence[Reading]) -> list[Cell]:
    """All figures, in the order in which they were first read."""
    rounds: dict[tuple[str, str, str], dict[int, float]] = {}
    first: dict[str, str] = {}
    marks: dict[tuple[str, str], Reading] = {}
    for each in readings:
        rounds.setdefault((each.part, each.case, each.figure), {})[each.round] = each.value
        first.setdefault(each.part, each.case)
        marks.setdefault((each.part, each.figure), each)
    made = []
    for (part, case, name), values in rounds.items():
        mark = marks[part, name]
        beginning = rounds.get((part, first[part], name), {})
        grows = mark.compared and case != first[part]
        made.append(
            Cell(
                part=part,
                case=case,
                figure=name,
                digits=mark.digits,
                value=figure(values.values()),
                growth=ratio(values, beginning) if grows else None,
            )
        )
    return made


def parts(found: Iterable[Cell]) -> list[str]:
    """The parts there are figures of."""
    return list(dict.fromkeys(cell.part for cell in found))


def rows(part: str, found: Sequence[Cell]) -> list[tuple[str, ...]]:
    """A head and a row for each case: the figure, and behind a multiplication sign its growth."""
    own = [cell for cell in found if cell.part == part]
    names = list(dict.fromkeys(cell.figure for cell in own))
    held = {(cell.case, cell.figure): cell for cell in own}
    return [
        (part, *names),
        *(
            (case, *(_told(held.get((case, name))) for name in names))
            for case in dict.fromkeys(cell.case for cell in own)
        ),
    ]


def _told(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    text = shown(cell.value, cell.digits)
    return text if cell.growth is None else f"{text} ×{cell.growth.median:.2f}"


def as_text(readings: Sequence[Reading]) -> str:
    """A table for each part."""
    found = cells(readings)
    written = []
    for part in parts(found):
        head, *body = rows(part, found)
        written += [*table(head, body), ""]
    return "\n".join(written)


def as_json(readings: Sequence[Reading]) -> dict[str, object]:
    """The figures, and the readings they come from."""
    return {
        "figures": [asdict(cell) for cell in cells(readings)],
        "readings": [asdict(each) for each in readings],
    }
