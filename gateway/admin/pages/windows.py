"""How long an old token may work beside the new one: what there is to choose from before a rotation."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

_USUAL: Final = tuple(timedelta(hours=hours) for hours in (1, 24, 3 * 24, 7 * 24, 14 * 24, 30 * 24))


def choices(usual: timedelta, longest: timedelta) -> tuple[timedelta, ...]:
    """From the shortest to the longest that may be asked for; `usual`, which is configured, is among them."""
    return tuple(sorted({usual, longest, *(window for window in _USUAL if window <= longest)}))


def as_sent(window: timedelta) -> str:
    """A window as a form sends it: whole, whatever its unit was."""
    return f"{window // timedelta(milliseconds=1)}ms"
