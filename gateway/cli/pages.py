"""Lists that are read in pages, put together again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from gateway.admin.management.outcomes import (
    AccountList,
    AdminKeyList,
    AuditList,
    IntegrationList,
    MemberList,
)
from gateway.admin.management.record_views import RequestRecordList

PAGE: Final = 200

Found = TypeVar("Found", AccountList, AdminKeyList, AuditList, IntegrationList, MemberList, RequestRecordList)


async def everything(
    page: Callable[[int, str | None], Awaitable[Found]],
    *,
    at_most: int | None = None,
    cursor: str | None = None,
) -> Found:
    """What `page(limit, cursor)` has from `cursor` on, as one page: all of it, or the first `at_most`."""
    found: Found = await page(PAGE if at_most is None else min(PAGE, at_most), cursor)
    while found.next_cursor is not None and (at_most is None or len(found.items) < at_most):
        left = PAGE if at_most is None else min(PAGE, at_most - len(found.items))
        more: Found = await page(left, found.next_cursor)
        found = more.model_copy(update={"items": (*found.items, *more.items)})
    return found
