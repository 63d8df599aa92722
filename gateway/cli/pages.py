"""Lists that are read in pages, put together again, and the options that say which part of one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Final, TypeVar

import typer

from gateway.admin.management.outcomes import (
    AccountList,
    AdminKeyList,
    AuditList,
    IntegrationList,
    MemberList,
)
from gateway.admin.management.record_views import RequestRecordList

PAGE: Final = 200

SinceOption = Annotated[
    str | None, typer.Option("--from", help="Only from this time on, such as 2026-01-31T12:00:00Z.")
]
UntilOption = Annotated[str | None, typer.Option("--to", help="Only before this time.")]
NewestOption = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many, the newest first.")]
CursorOption = Annotated[
    str | None, typer.Option("--cursor", help="Where to go on: next_cursor of the list before.")
]

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
