"""What the use of tokens shows: requests over time, by outcome, operation and network; which scopes are needed at all.

Tokens that are dead count as well: who still uses the old one is told here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import asyncpg

from gateway.core.model import Ending, Route
from gateway.core.needed_scopes import needed_scopes
from gateway.core.usage import REFUSALS, parted
from gateway.storage.cutover import cutover
from gateway.storage.database import Reader
from gateway.storage.errors import Invalid
from gateway.storage.usage_recording import prune_usage, record_usage

__all__ = [
    "Activity",
    "Bucket",
    "NetworkActivity",
    "Requests",
    "RouteActivity",
    "RouteUse",
    "ShadowActivity",
    "TokenActivity",
    "activity",
    "cutover",
    "prune_usage",
    "record_usage",
    "routes_used",
    "scopes_used",
]

MAX_BUCKETS: Final = 1000
_ROUTES: Final = 50
_NETWORKS: Final = 50


class Bucket(StrEnum):
    """The spans of time that requests are added up in; days are those of UTC."""

    HOUR = "hour"
    DAY = "day"


_LENGTH: Final = {Bucket.HOUR: timedelta(hours=1), Bucket.DAY: timedelta(days=1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Requests with one token and one outcome in the bucket that begins at `at`.

    `outcome` is the code of the gateway's own answer, or the class of the upstream's status, such as `2xx`.
    """

    at: datetime
    token_id: str
    outcome: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenActivity:
    """A token ever issued that is live or was used in the time asked about. Counts are of that time, uses of all time."""

    id: str
    hint: str
    created_at: datetime
    ends_at: datetime | None
    ending: Ending | None
    first_used_at: datetime | None
    last_used_at: datetime | None
    served: int
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteActivity:
    """Requests by operation, such as `GET /contacts/{contactId}`. `last_at` is the hour of the last one."""

    route: str
    served: int
    refused: int
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowActivity:
    """Requests of one operation that passed, and that its shadow would have refused with `code`."""

    route: str
    code: str
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkActivity:
    """A client network (/24 or /56) of one token. `count` is of all time, as far as it is kept."""

    token_id: str
    network: str
    first_seen_at: datetime
    last_seen_at: datetime
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What one integration did between `since` and `until`, which are the bounds of whole buckets.

    `totals` is by outcome, `refusals` the part of it that the gateway said no to. `routes` are the most used ones,
    `networks` those seen last, of all its tokens. `shadow` is what was let through and is to be refused one day.
    """

    since: datetime
    until: datetime
    bucket: Bucket
    requests: tuple[Requests, ...]
    totals: Mapping[str, int]
    refusals: Mapping[str, int]
    tokens: tuple[TokenActivity, ...]
    routes: tuple[RouteActivity, ...]
    shadow: tuple[ShadowActivity, ...]
    networks: tuple[NetworkActivity, ...]


_REQUESTS: Final = """
SELECT date_trunc($4::text, u.hour) AS at, u.token_id, u.outcome, sum(u.count)::bigint AS count
FROM tokens AS t JOIN usage_hourly AS u ON u.token_id = t.id
WHERE t.integration_id = $1 AND u.hour >= $2 AND u.hour < $3
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_TOKENS: Final = """
SELECT id, hint, created_at, ends_at, ending, first_used_at, last_used_at FROM tokens
WHERE integration_id = $1 AND (id = ANY($2) OR ends_at IS NULL OR ends_at > statement_timestamp())
ORDER BY created_at DESC, id DESC
"""
_BY_ROUTE: Final = """
SELECT u.route, COALESCE(sum(u.count) FILTER (WHERE u.outcome <> ALL($4)), 0)::bigint AS served,
    COALESCE(sum(u.count) FILTER (WHERE u.outcome = ANY($4)), 0)::bigint AS refused, max(u.hour) AS last_at
FROM tokens AS t JOIN usage_hourly AS u ON u.token_id = t.id
WHERE t.integration_id = $1 AND u.hour >= $2 AND u.hour < $3 AND u.route <> ''
GROUP BY u.route ORDER BY sum(u.count) DESC, u.route LIMIT $5
"""
_BY_SHADOW: Final = """
SELECT u.route, u.code, sum(u.count)::bigint AS count, max(u.hour) AS last_at
FROM tokens AS t JOIN usage_shadow AS u ON u.token_id = t.id
WHERE t.integration_id = $1 AND u.hour >= $2 AND u.hour < $3
GROUP BY u.route, u.code ORDER BY sum(u.count) DESC, u.route, u.code LIMIT $4
"""
_BY_NETWORK: Final = """
SELECT u.token_id, u.network::text AS network, u.first_seen_at, u.last_seen_at, u.count
FROM tokens AS t JOIN usage_networks AS u ON u.token_id = t.id
WHERE t.integration_id = $1 AND u.last_seen_at >= $2 AND u.first_seen_at < $3
ORDER BY u.last_seen_at DESC, u.token_id, u.network LIMIT $4
"""


def _bounds(since: datetime, until: datetime, bucket: Bucket) -> tuple[datetime, datetime]:
    """Whole buckets that hold all of it. Raises Invalid when there is nothing in it, or too much."""
    if since.utcoffset() is None or until.utcoffset() is None:
        raise Invalid("a time needs its offset from UTC")
    if since >= until:
        raise Invalid("the end is not after the beginning")
    length = _LENGTH[bucket]
    if until - since > MAX_BUCKETS * length:
        raise Invalid(f"that is more than {MAX_BUCKETS} {bucket.value}s; ask for less, or for days")
    try:
        return _floor(since, bucket), _floor(until - timedelta(microseconds=1), bucket) + length
    except OverflowError as error:
        raise Invalid("this time is too far away") from error


def _floor(at: datetime, bucket: Bucket) -> datetime:
    utc = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return utc.replace(hour=0) if bucket is Bucket.DAY else utc


async def activity(
    reader: Reader, *, integration_id: str, since: datetime, until: datetime, bucket: Bucket
) -> Activity:
    """What an integration did. Raises Invalid for bounds that make no sense.

    Whether the asker may see this integration is not asked here.
    """
    first, last = _bounds(since, until, bucket)
    rows = await reader.fetch(_REQUESTS, integration_id, first, last, bucket.value)
    requests = tuple(Requests(**dict(row)) for row in rows)
    totals: dict[str, int] = {}
    of_token: dict[str, tuple[int, int]] = {}
    for item in requests:
        totals[item.outcome] = totals.get(item.outcome, 0) + item.count
        served, refused = of_token.get(item.token_id, (0, 0))
        is_refused = item.outcome in REFUSALS
        of_token[item.token_id] = (served + item.count * (not is_refused), refused + item.count * is_refused)
    tokens = await reader.fetch(_TOKENS, integration_id, sorted(of_token))
    routes = await reader.fetch(_BY_ROUTE, integration_id, first, last, sorted(REFUSALS), _ROUTES)
    shadow = await reader.fetch(_BY_SHADOW, integration_id, first, last, _ROUTES)
    networks = await reader.fetch(_BY_NETWORK, integration_id, first, last, _NETWORKS)
    return Activity(
        since=first,
        until=last,
        bucket=bucket,
        requests=requests,
        totals=totals,
        refusals={outcome: count for outcome, count in totals.items() if outcome in REFUSALS},
        tokens=tuple(_token(row, *of_token.get(row["id"], (0, 0))) for row in tokens),
        routes=tuple(RouteActivity(**dict(row)) for row in routes),
        shadow=tuple(ShadowActivity(**dict(row)) for row in shadow),
        networks=tuple(NetworkActivity(**dict(row)) for row in networks),
    )


def _token(row: asyncpg.Record, served: int, refused: int) -> TokenActivity:
    fields: dict[str, Any] = dict(row)
    ending = Ending(fields["ending"]) if fields["ending"] else None
    return TokenActivity(**{**fields, "ending": ending}, served=served, refused=refused)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteUse:
    """An operation that was let through, and the hour in which it last was."""

    method: str
    template: str
    count: int
    last_at: datetime


async def routes_used(reader: Reader, *, integration_id: str, since: datetime) -> tuple[RouteUse, ...]:
    """Every operation that was let through since then, by any token of the integration. Refusals use nothing."""
    rows = await reader.fetch(
        "SELECT u.route, sum(u.count)::bigint AS count, max(u.hour) AS last_at"
        " FROM tokens AS t JOIN usage_hourly AS u ON u.token_id = t.id"
        " WHERE t.integration_id = $1 AND u.hour >= date_trunc('hour', $2::timestamptz)"
        " AND u.outcome <> ALL($3) AND u.route <> '' GROUP BY u.route ORDER BY u.route",
        integration_id,
        since,
        sorted(REFUSALS),
    )
    return tuple(
        RouteUse(method=method, template=template, count=row["count"], last_at=row["last_at"])
        for row in rows
        for method, template in (parted(row["route"]),)
    )


async def scopes_used(
    reader: Reader,
    *,
    integration_id: str,
    since: datetime,
    granted: Iterable[str],
    routes: Iterable[Route],
) -> dict[str, datetime | None]:
    """The hour in which each granted scope was last needed since then; None: it was not, and could be taken away.

    `routes` is the map in force: use of operations that are no longer in it needs no scope.
    """
    used = await routes_used(reader, integration_id=integration_id, since=since)
    held = frozenset(granted)
    last: dict[str, datetime | None] = dict.fromkeys(sorted(held))
    for route, scopes in needed_scopes(((use.method, use.template) for use in used), held, routes).items():
        at = next(use.last_at for use in used if (use.method, use.template) == route)
        for scope in scopes:
            before = last[scope]
            last[scope] = at if before is None or before < at else before
    return last
