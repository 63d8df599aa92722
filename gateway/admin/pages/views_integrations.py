"""The list of private integrations, and the page of one of them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from gateway.admin.management.usage_views import CutoverView
from gateway.admin.management.views import IntegrationView, TokenRole
from gateway.admin.pages.answers import Answer, Show
from gateway.admin.pages.integration_reading import any_integration
from gateway.admin.pages.scope_choices import services
from gateway.admin.pages.visit import Visit
from gateway.storage.integration_state import IntegrationState

_PAGE_SIZE: Final = 25
_MAX_SEARCH: Final = 200


async def listing(visit: Visit) -> Answer:
    """The integrations, newest first; with `q`, those whose name or description has these words."""
    words = visit.query.get("q", "").strip()[:_MAX_SEARCH]
    cursor = visit.query.get("cursor") or None
    found = await visit.management.integrations.list(
        visit.principal,
        visit.account.id,
        limit=_PAGE_SIZE,
        cursor=cursor,
        search=words.replace("\0", ""),
    )
    return Show(
        "integrations.html",
        {
            "found": found,
            "q": words,
            "cursor": cursor,
            "last_used": {item.id: last_used(item) for item in found.items},
        },
    )


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
