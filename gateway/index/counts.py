"""What the index of one node did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class IndexCounts:
    """What the index did since the start."""

    hits: int = 0
    misses: int = 0
    loads: int = 0
    stale_loads: int = 0
    invalidations: int = 0
