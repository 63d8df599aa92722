"""What the use of an integration shows, to those who may manage it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final

from gateway.admin.management.access import Right, enter
from gateway.admin.management.principal import Principal
from gateway.admin.management.refusals import flaw, translated
from gateway.admin.management.store import Store
from gateway.admin.management.usage_views import (
    ActivityView,
    CutoverAnswer,
    CutoverView,
    ScopesUsed,
    ScopeUseView,
)
from gateway.core.model import RouteMap
from gateway.storage import integrations, usage
from gateway.storage.cutover import Cutover, cutover
from gateway.storage.errors import Invalid
from gateway.storage.integration_state import Integration
from gateway.storage.usage import Bucket

# What is shown where no beginning is asked for.
_SPANS: Final = {Bucket.HOUR: timedelta(days=1), Bucket.DAY: timedelta(days=30)}
_SCOPES_SPAN: Final = timedelta(days=90)


class Usage:
    """Reads what was recorded. `now` is the wall clock."""

    def __init__(
        self, store: Store, *, live_map: Callable[[], RouteMap], now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._live_map = live_map
        self._now = now

    async def activity(
        self,
        principal: Principal,
        account_id: str,
        integration_id: str,
        *,
        bucket: Bucket = Bucket.HOUR,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> ActivityView:
        """Requests over time, by token, outcome, route and network. By default the last day, by day the last 30."""
        await self._integration(principal, account_id, integration_id)
        last = self._now() if until is None else until
        try:
            first = last - _SPANS[bucket] if since is None else since
            found = await usage.activity(
                self._store.reading, integration_id=integration_id, since=first, until=last, bucket=bucket
            )
        except (Invalid, OverflowError) as error:
            text = str(error)
            raise flaw("/from", f"{text[:1].upper()}{text[1:]}.", "time_range_refused") from error
        return ActivityView(**asdict(found))

    async def cutover(self, principal: Principal, account_id: str, integration_id: str) -> CutoverAnswer:
        """Who uses the old and who the new token of a rotation under way, and whether the old one can be let go."""
        await self._integration(principal, account_id, integration_id)
        found = await cutover(self._store.reading, integration_id=integration_id)
        return CutoverAnswer(cutover=None if found is None else _cutover_view(found))

    async def scopes_used(
        self, principal: Principal, account_id: str, integration_id: str, *, since: datetime | None = None
    ) -> ScopesUsed:
        """Which of its scopes the integration has needed. By default in the last 90 days."""
        integration = await self._integration(principal, account_id, integration_id)
        first = self._now() - _SCOPES_SPAN if since is None else since
        used = await usage.scopes_used(
            self._store.reading,
            integration_id=integration_id,
            since=first,
            granted=integration.scopes,
            routes=self._live_map().routes,
        )
        return ScopesUsed(
            since=first,
            items=tuple(ScopeUseView(scope=scope, last_needed_at=at) for scope, at in used.items()),
        )

    async def _integration(self, principal: Principal, account_id: str, integration_id: str) -> Integration:
        await enter(self._store.reading, principal, account_id, Right.MANAGE_INTEGRATIONS)
        with translated():
            return await integrations.get(
                self._store.reading, account_id=account_id, integration_id=integration_id
            )


def _cutover_view(found: Cutover) -> CutoverView:
    fields = asdict(found)
    judgement, quiet = fields.pop("judgement"), fields.pop("quiet")
    return CutoverView(**fields, **judgement, quiet_since=found.judged_at - quiet)
