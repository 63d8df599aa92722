"""What is shown of the difference between two route maps. The JSON of the API is these, member by member."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from enum import StrEnum

from gateway.admin.management.change_words import was_and_now
from gateway.admin.management.values import Value
from gateway.core.map_diff import Effect, Facet, MapDiff, OperationChange
from gateway.core.map_traffic import Condition
from gateway.core.model import Access, Route
from gateway.core.reasons import Code


class NeedsView(Value):
    """What is asked of a caller; `account` "any": either kind, no `versions`: the header is not looked at."""

    access: Access
    scopes: tuple[str, ...]
    account: str
    versions: tuple[str, ...]


class RouteView(NeedsView):
    """A route of a map. Limits that are null are the listener's; `shadow` is judged and refuses nobody."""

    path: str
    service: str
    upstream: str
    shadow: NeedsView | None
    body_limit: int | None
    timeout_seconds: float | None
    websocket: bool


class OperationChangeView(Value):
    """Requests of one method and path that are judged or served otherwise; `old` or `new` null: not mapped.

    `opens`: somebody would pass who is refused. `was` and `now` say in words what differs, `facets` name it. With a
    `spelling` it is so only for requests that have it, or another spelling of that literal, as the value of a parameter.
    """

    method: str
    path: str
    spelling: str
    service: str
    effect: Effect
    opens: bool
    closes: bool
    facets: tuple[Facet, ...]
    was: str
    now: str
    old: RouteView | None
    new: RouteView | None


class UpstreamChangeView(Value):
    """An upstream with other addresses, or another Host. `operations` counts what it serves, by service."""

    name: str
    old_urls: tuple[str, ...]
    new_urls: tuple[str, ...]
    old_preserve_host: bool
    new_preserve_host: bool
    operations: dict[str, int]


class ScopeChangeView(Value):
    """A scope that operations begin or cease to need, or with other words; null: no words."""

    name: str
    was_needed: bool
    is_needed: bool
    old_words: str | None
    new_words: str | None


class DiffCounts(Value):
    """Operations by what happens to them: each is in one of the first four. `served_elsewhere` may be in any."""

    opened: int
    moved: int
    closed: int
    changed: int
    served_elsewhere: int


class NewOutcome(StrEnum):
    """What would become of requests whose answer changes."""

    REFUSED = "refused"
    PASSES = "passes"


class ImpactView(Value):
    """Requests of one integration and operation whose answer would change. `operation` is as it was recorded.

    `code` and `scope` are of the refusal: the new one, or the one that ends. With a `condition` it is so for some of these
    requests only, and the counters do not tell how many: `path`, those to this path; `version`, those with certain
    `Version` headers.
    """

    integration_id: str
    integration_name: str
    account_id: str
    operation: str
    requests: int
    outcome: NewOutcome
    code: Code
    scope: str | None
    condition: Condition
    path: str


class IntegrationImpactView(Value):
    """The requests of one integration whose answer would change, or may."""

    integration_id: str
    integration_name: str
    account_id: str
    account_name: str
    newly_refused: int
    newly_passing: int
    undecided: int


class TrafficView(Value):
    """What would become of the requests that were counted from `since`, a full hour, until `until`.

    Each of the `requests` is in one of the seven counts after it. `undecided`: the path or the `Version` header decides,
    which are not recorded. `without_operation`: they met no operation, and may meet one. `not_redecided`: they were
    refused for what no map decides, such as a dead token or a rate. `cannot_call`: their integration is suspended or
    deleted, or has no live token. `counting_since`: when the gateway began to count at all. `known_until`: up to then
    everything that the nodes saw is counted. `uncounted_operations` are changed ones that ask or asked for no token: their
    requests are nobody's, and not counted.
    """

    since: datetime
    until: datetime
    counting_since: datetime | None
    known_until: datetime | None
    requests: int
    newly_refused: int
    newly_passing: int
    undecided: int
    unchanged: int
    without_operation: int
    not_redecided: int
    cannot_call: int
    uncounted_operations: int
    integrations: tuple[IntegrationImpactView, ...]
    changes: tuple[ImpactView, ...]


class MapDiffView(Value):
    """How one map differs from another, by meaning. `opens`: some operation lets somebody pass who is refused.

    `traffic` is what it would do to recorded requests, where that was asked for.
    """

    old_version: str
    new_version: str
    opens: bool
    counts: DiffCounts
    operations: tuple[OperationChangeView, ...]
    upstreams: tuple[UpstreamChangeView, ...]
    scopes: tuple[ScopeChangeView, ...]
    traffic: TrafficView | None


def map_diff_view(diff: MapDiff, traffic: TrafficView | None = None) -> MapDiffView:
    """A difference as it is shown."""
    return MapDiffView(
        old_version=diff.old_version,
        new_version=diff.new_version,
        opens=diff.opens,
        counts=_counts(diff),
        operations=tuple(map(_operation_view, diff.operations)),
        upstreams=tuple(
            UpstreamChangeView(
                name=change.name,
                old_urls=change.old_urls,
                new_urls=change.new_urls,
                old_preserve_host=change.old_preserve_host,
                new_preserve_host=change.new_preserve_host,
                operations=dict(change.operations),
            )
            for change in diff.upstreams
        ),
        scopes=tuple(
            ScopeChangeView(
                name=change.name,
                was_needed=change.was_needed,
                is_needed=change.is_needed,
                old_words=change.old_words,
                new_words=change.new_words,
            )
            for change in diff.scopes
        ),
        traffic=traffic,
    )


def _counts(diff: MapDiff) -> DiffCounts:
    found = Counter(change.effect for change in diff.operations)
    elsewhere = sum(
        not {Facet.UPSTREAM, Facet.SERVICE}.isdisjoint(change.facets) for change in diff.operations
    )
    return DiffCounts(
        **{effect.value: found[effect] for effect in Effect},
        served_elsewhere=elsewhere + sum(sum(change.operations.values()) for change in diff.upstreams),
    )


def _operation_view(change: OperationChange) -> OperationChangeView:
    was, now = was_and_now(change)
    return OperationChangeView(
        method=change.method,
        path=change.template,
        spelling=change.spelling,
        service=change.service,
        effect=change.effect,
        opens=change.opens,
        closes=change.closes,
        facets=change.facets,
        was=was,
        now=now,
        old=None if change.old is None else _route_view(change.old),
        new=None if change.new is None else _route_view(change.new),
    )


def _needs_view(route: Route) -> NeedsView:
    return NeedsView(
        access=route.access,
        scopes=route.scopes,
        account=route.account.value if route.account else "any",
        versions=route.versions,
    )


def _route_view(route: Route) -> RouteView:
    return RouteView(
        **_needs_view(route).model_dump(),
        path=route.template,
        service=route.service,
        upstream=route.upstream,
        shadow=None if route.shadow is None else _needs_view(route.shadow),
        body_limit=route.body_limit,
        timeout_seconds=route.timeout_seconds,
        websocket=route.websocket,
    )
