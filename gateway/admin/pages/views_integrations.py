"""The list of private integrations, and the page of one of them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from gateway.admin.management.outcomes import IntegrationList
from gateway.admin.management.usage_views import CutoverView
from gateway.admin.management.views import IntegrationView, TokenRole
from gateway.admin.pages.answers import Answer, Show
from gateway.admin.pages.integration_reading import any_integration
from gateway.admin.pages.scope_choices import services
from gateway.admin.pages.visit import Visit
from gateway.storage.integration_state import IntegrationState

_PAGE_SIZE: Final = 25
# A search reads on until the page is full; this many integrations at most for one page.
_SEARCH_STEP: Final = 200
_SEARCH_STEPS: Final = 25
_MAX_SEARCH: Final = 200


async def listing(visit: Visit) -> Answer:
    """The integrations, newest first; with `q`, those whose name or description has these words."""
    words = visit.query.get("q", "").strip()[:_MAX_SEARCH]
    cursor = visit.query.get("cursor") or None
    found = await (_search(visit, words, cursor) if words else _page(visit, _PAGE_SIZE, cursor))
    return Show(
        "integrations.html",
        {
            "found": found,
            "q": words,
            "cursor": cursor,
            "last_used": {item.id: last_used(item) for item in found.items},
        },
    )


async def _page(visit: Visit, limit: int, cursor: str | None) -> IntegrationList:
    return await visit.management.integrations.list(
        visit.principal, visit.account.id, limit=limit, cursor=cursor
    )


async def _search(visit: Visit, words: str, cursor: str | None) -> IntegrationList:
    """One page of those that match. `next_cursor` goes on where reading stopped."""
    wanted = words.casefold().split()
    matches: list[IntegrationView] = []
    for _ in range(_SEARCH_STEPS):
        page = await _page(visit, _SEARCH_STEP, cursor)
        for place, item in enumerate(page.items):
            text = f"{item.name}\n{item.description}\n{item.id}".casefold()
            if not all(word in text for word in wanted):
                continue
            if len(matches) == _PAGE_SIZE:
                # One more is there: read up to the one before it again, only for its cursor.
                before = (await _page(visit, place, cursor)).next_cursor if place else cursor
                return IntegrationList(items=tuple(matches), next_cursor=before)
            matches.append(item)
        cursor = page.next_cursor
        if cursor is None:
            break
    return IntegrationList(items=tuple(matches), next_cursor=cursor)


def last_used(integration: IntegrationView) -> datetime | None:
    """When any of its live tokens was last used."""
    return max((token.last_used_at for token in integration.tokens if token.last_used_at), default=None)


async def integration(visit: Visit) -> Answer:
    """One integration: its tokens, the rotation under way, its scopes. A deleted one says so."""
    found = await any_integration(visit)
    if found.state is IntegrationState.DELETED:
        return Show("deleted.html", {"integration": found}, 404)
    cutover = await _cutover(visit, found)
    return Show(
        "integration.html",
        {
            "integration": found,
            "cutover": cutover,
            "services": services(visit.rules.live_map(), visit.account.kind, only=set(found.scopes)),
            "old": next((token for token in found.tokens if token.role is TokenRole.OLD), None),
            "window": visit.rules.rotation_window,
            "tab": "overview",
        },
    )


async def _cutover(visit: Visit, found: IntegrationView) -> CutoverView | None:
    if found.rotation is None:
        return None
    answer = await visit.management.usage.cutover(visit.principal, visit.account.id, found.id)
    return answer.cutover
