"""Durations and sizes as operators write them, read into seconds and bytes."""

from __future__ import annotations

import re
from typing import Final

from gateway.settings.scalar import shown

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 86400.0
KIB: Final = 1024
MIB: Final = 1024 * 1024

_SECONDS_PER_UNIT: Final = {"ms": 0.001, "s": 1.0, "m": MINUTE, "h": HOUR, "d": DAY}
_BYTES_PER_UNIT: Final = {"B": 1, "KiB": KIB, "MiB": MIB, "GiB": 1024 * MIB, "TiB": 1024 * 1024 * MIB}
# Ten years in seconds: what is longer is a slip, and would leave the range of a database's interval.
_LONGEST: Final = 3650 * DAY
LARGEST_SIZE: Final = 2**53
DURATION: Final = re.compile(r"([0-9]{1,12})(ms|s|m|h|d)")
SIZE: Final = re.compile(r"([0-9]{1,15})(B|KiB|MiB|GiB|TiB)?")
# As a variable has it, which is text.
SHARE: Final = re.compile(r"[01]|[01]?\.[0-9]{1,18}")


def parse_duration(value: object) -> float:
    """Seconds from text such as `500ms`. Raises ValueError with words for the operator."""
    match = DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(
            f"{shown(value)} is not a duration; write a duration such as 500ms, 10s, 5m, 24h or 7d"
        )
    # Divided and not multiplied for milliseconds: 1100 * 0.001 is not 1.1.
    number = int(match[1])
    seconds = number / 1000 if match[2] == "ms" else number * _SECONDS_PER_UNIT[match[2]]
    if seconds > _LONGEST:
        raise ValueError(f"{shown(value)} is too long; write at most 3650d")
    return seconds


def parse_size(value: object) -> int:
    """Bytes from text such as `8KiB` or from a number. Raises ValueError with words for the operator."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    match = SIZE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(
            f"{shown(value)} is not a size; write a size such as 8KiB or 100MiB, or a number of bytes"
        )
    size = int(match[1]) * _BYTES_PER_UNIT[match[2] or "B"]
    if size > LARGEST_SIZE:
        raise ValueError(f"{shown(value)} is too large; write at most 8192TiB")
    return size


def parse_share(value: object) -> float:
    """A share of a whole from a number of 0 to 1, or its text. Raises ValueError with words for the operator."""
    share = -1.0
    if (isinstance(value, (int, float)) and not isinstance(value, bool)) or (
        isinstance(value, str) and SHARE.fullmatch(value)
    ):
        share = float(value)
    if not 0 <= share <= 1:
        raise ValueError(f"{shown(value)} is not a share; write a number from 0 to 1, such as 0.1")
    return share
