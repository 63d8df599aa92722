"""Which requests belong to a sample: decided by their trace id alone, so that every node decides alike."""

from __future__ import annotations

from typing import Final
from zlib import crc32

_ALL: Final = 2**32


def bound_of(share: float) -> int:
    """What `is_sampled` compares with, for a share from 0 to 1."""
    return round(share * _ALL)


def is_sampled(trace_id: str, bound: int) -> bool:
    """Whether a trace belongs to the sample. Whoever chooses the trace id chooses this as well."""
    return crc32(trace_id.encode()) < bound
