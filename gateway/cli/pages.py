"""All pages of a list, one after the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.storage.paging import Listed, Page

Item = TypeVar("Item", bound=Listed)


async def everything(page: Callable[[str | None], Awaitable[Page[Item]]]) -> list[Item]:
    """Every item of a list that is read by `page(cursor)`."""
    items: list[Item] = []
    cursor: str | None = None
    while True:
        found = await page(cursor)
        items += found.items
        cursor = found.next
        if cursor is None:
            return items
