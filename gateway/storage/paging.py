"""Pages of a list that is newest first: the cursor names the last row that was seen, so rows that come or go shift none.

A cursor is opaque to its readers and may change its form at any time.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Generic, Protocol, TypeVar

import orjson

from gateway.storage.errors import Invalid

# Python's last day; a time zone's offset still fits.
_LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)


class Listed(Protocol):
    """What can be paged: ordered by when it was made, then by its identifier."""

    @property
    def id(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...


Item = TypeVar("Item", bound=Listed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Item]):
    """Some items, and the cursor of those that follow; None at the end."""

    items: tuple[Item, ...]
    next: str | None


def decode(cursor: str | None) -> tuple[datetime, str]:
    """The creation time and identifier below which a page begins: for None, above all there are. Raises Invalid."""
    if cursor is None:
        return _LATEST, ""
    try:
        at, identifier = orjson.loads(urlsafe_b64decode(cursor.encode("ascii")))
        return datetime.fromisoformat(at).astimezone(UTC), str(identifier)
    except (binascii.Error, UnicodeEncodeError, ValueError, TypeError) as error:
        raise Invalid("this cursor is not one of ours") from error


def page(items: Sequence[Item], limit: int) -> Page[Item]:
    """A page of at most `limit` of the items, of which one more was asked for than is shown."""
    shown = tuple(items[:limit])
    if len(items) <= limit:
        return Page(items=shown, next=None)
    last = shown[-1]
    return Page(items=shown, next=urlsafe_b64encode(orjson.dumps([last.created_at, last.id])).decode())
