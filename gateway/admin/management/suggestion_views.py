"""What is suggested: scopes to take away, routes to deny, shadows to enforce; and how far the counts can be relied on."""

from __future__ import annotations

from datetime import datetime

from gateway.admin.management.outcomes import Listed
from gateway.admin.management.values import Value


class UnusedScopesView(Value):
    """The scopes that an integration holds and did not need; `held` is how many it holds in all."""

    integration_id: str
    account_id: str
    name: str
    scopes: tuple[str, ...]
    held: int
    last_used_at: datetime | None


class UncalledRouteView(Value):
    """A route that nobody called."""

    method: str
    path: str
    service: str
    needs: str


class ShadowVerdictView(Value):
    """A route's shadow: how many requests it would have refused, by code, and of how many integrations.

    `most` are the twenty with the most such requests, by id. Counts are of all shadows that the operation had in this time.
    """

    method: str
    path: str
    tries: str
    refusals: dict[str, int]
    integrations: int
    most: dict[str, int]
    last_at: datetime | None


class SuggestionsView(Listed):
    """What was not used since `since`. Integrations that are `young`, made since then, are left out, as are scopes given
    since, and `young_routes` that came into the map since, as far as its history is kept.

    `counted_seconds` of the time a gateway was up and counted; `is_complete`: that was all of it, give or take a
    hundredth. Public routes are not counted. With a cursor there are integrations alone: `routes` and `shadows` are null.
    """

    since: datetime
    until: datetime
    counting_since: datetime | None
    counted_seconds: float
    is_complete: bool
    items: tuple[UnusedScopesView, ...]
    young: int
    routes: tuple[UncalledRouteView, ...] | None
    counted_routes: int
    young_routes: int
    shadows: tuple[ShadowVerdictView, ...] | None
