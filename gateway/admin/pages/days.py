"""Days as they are sent by a form: of UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime


def read_day(given: str, name: str, errors: dict[str, str]) -> datetime | None:
    """The beginning of a day; None where none was given, or none can be: `errors` then says so under `name`."""
    if not given:
        return None
    try:
        parsed = date.fromisoformat(given)
        if not 1970 <= parsed.year <= 9000:
            raise ValueError  # noqa: TRY301 - the same answer for both
    except ValueError:
        errors[name] = "Write a date such as 2026-01-31."
        return None
    return datetime(parsed.year, parsed.month, parsed.day, tzinfo=UTC)
