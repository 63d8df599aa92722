"""Times in words. A script turns them into the reader's own zone; without it they are told in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from markupsafe import Markup

_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60))


def moment(at: datetime) -> Markup:
    """A date with its time."""
    return _time("moment", at, f"{at.astimezone(UTC):%-d %b %Y, %H:%M} UTC")


def second(at: datetime) -> Markup:
    """A date with its time to the second."""
    return _time("second", at, f"{at.astimezone(UTC):%-d %b %Y, %H:%M:%S} UTC")


def milliseconds(duration: float) -> str:
    """How long something took, with three digits that matter."""
    if duration < 1000:
        return f"{duration:.3g} ms" if duration < 100 else f"{duration:.0f} ms"
    return f"{duration / 1000:,.2f} s"


def day(at: datetime) -> Markup:
    """A date alone."""
    return _time("day", at, f"{at.astimezone(UTC):%-d %b %Y}")


def ago(at: datetime, now: datetime) -> Markup:
    """How long it is past."""
    return _time("ago", at, ago_words(now - at))


def left(at: datetime, now: datetime) -> Markup:
    """How long it is until then."""
    return _time("left", at, span_words(at - now))


def _time(kind: str, at: datetime, told: str) -> Markup:
    """The words; the exact instant as a tooltip, and for the script."""
    utc = at.astimezone(UTC)
    return Markup('<time datetime="{}" data-{} title="{}">{}</time>').format(
        _iso(utc), kind, f"{utc:%-d %b %Y, %H:%M:%S} UTC", told
    )


def ago_words(passed: timedelta) -> str:
    """One unit is enough for what is over."""
    seconds = passed.total_seconds()
    for name, length in _UNITS:
        if seconds >= length:
            return f"{counted(int(seconds // length), name)} ago"
    return "just now"


def span_words(span: timedelta) -> str:
    """Two units for what is to come."""
    seconds = max(0, int(span.total_seconds()))
    parts = []
    for name, length in _UNITS:
        number, seconds = divmod(seconds, length)
        if number:
            parts.append(counted(number, name))
        if len(parts) == 2:
            break
    return " ".join(parts) or "less than a minute"


def breakable(path: str) -> Markup:
    """A path that, where it must be broken, is broken behind a slash."""
    return Markup("/<wbr>").join(path.split("/"))


def counted(number: int, noun: str) -> str:
    """A number and its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _iso(utc: datetime) -> str:
    return utc.isoformat(timespec="seconds").replace("+00:00", "Z")
