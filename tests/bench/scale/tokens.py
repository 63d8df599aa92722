"""An index of 1,000, 100,000 and 1,000,000 tokens: memory, the cost of a hit, how long until all are in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.bench.scale.readings import Reading
from tests.bench.scale.stand import Stand

PART: Final = "tokens"
SIZES: Final = (1_000, 100_000, 1_000_000)
_UNITS: Final = {
    "bytes per token": 0,
    "µs per hit": 2,
    "ms of a garbage collection": 1,
    "s until all are known": 2,
}


def measure(stand: Stand) -> Iterator[Reading]:
    """The index with the store's own questions, in a process of its own for each figure of memory."""
    peppers = stand.installation.folder / "data" / "peppers"
    for number in stand.rounds:
        for size in SIZES:
            seen = stand.probe(
                "tests.bench.scale.probe_index", stand.installation.dsn, str(peppers), str(size)
            )
            for name, digits in _UNITS.items():
                yield Reading(
                    part=PART, case=f"{size:,}", figure=name, round=number, value=seen[name], digits=digits
                )
