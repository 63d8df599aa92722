"""The evidence about a rotation in progress: the old and the new token side by side, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import asyncpg

from gateway.core.cutover import Judgement, Seen, Use, judge, quiet_seconds
from gateway.core.usage import REFUSALS
from gateway.storage.database import Reader

_TOKENS: Final = """
SELECT id, hint, created_at, ends_at, rotation_started_at, first_used_at, last_used_at, statement_timestamp() AS now
FROM tokens
WHERE integration_id = $1 AND (ends_at IS NULL OR (ending = 'rotated' AND ends_at > statement_timestamp()))
ORDER BY ends_at NULLS LAST
"""
_COUNTS: Final = """
SELECT token_id, route, COALESCE(sum(count) FILTER (WHERE outcome <> ALL($3)), 0)::bigint AS served,
    COALESCE(sum(count) FILTER (WHERE outcome = ANY($3)), 0)::bigint AS refused
FROM usage_hourly
WHERE token_id = ANY($1) AND hour >= date_trunc('hour', $2::timestamptz)
GROUP BY token_id, route ORDER BY route
"""
_NETWORKS: Final = """
SELECT token_id, network::text AS network, first_seen_at, last_seen_at
FROM usage_networks WHERE token_id = ANY($1) ORDER BY last_seen_at DESC, network
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSide:
    """Requests of one token by operation (`GET /contacts/{contactId}`; empty: none was met)."""

    route: str
    served: int
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two tokens. Counts begin with the full hour in which the rotation began; times are exact."""

    token_id: str
    hint: str
    created_at: datetime
    ends_at: datetime | None
    first_used_at: datetime | None
    last_used_at: datetime | None
    served: int
    refused: int
    routes: tuple[RouteSide, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkMove:
    """One network: when it last used the old token, when it first and last used the new one, and which it uses now."""

    network: str
    old_last_seen_at: datetime | None
    new_first_seen_at: datetime | None
    new_last_seen_at: datetime | None
    still_old: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutover:
    """The state of a rotation in progress. `quiet`: use of the old token longer ago than that counts for nothing."""

    started_at: datetime
    ends_at: datetime
    judged_at: datetime
    counted_from: datetime
    quiet: timedelta
    old: Side
    new: Side
    networks: tuple[NetworkMove, ...]
    judgement: Judgement


async def cutover(reader: Reader, *, integration_id: str) -> Cutover | None:
    """The evidence; None when no rotation is in progress."""
    rows = await reader.fetch(_TOKENS, integration_id)
    if len(rows) != 2:
        return None
    old, new = rows
    ids = [old["id"], new["id"]]
    started_at: datetime = old["rotation_started_at"]
    counts = await reader.fetch(_COUNTS, ids, started_at, sorted(REFUSALS))
    networks = await reader.fetch(_NETWORKS, ids)
    seen = {
        token_id: {row["network"]: row for row in networks if row["token_id"] == token_id} for token_id in ids
    }
    quiet = quiet_seconds((old["ends_at"] - started_at).total_seconds())
    judgement = judge(
        _use(old, seen[ids[0]].values()),
        _use(new, seen[ids[1]].values()),
        since=started_at.timestamp(),
        now=old["now"].timestamp(),
        quiet=quiet,
    )
    return Cutover(
        started_at=started_at,
        ends_at=old["ends_at"],
        judged_at=old["now"],
        counted_from=started_at.replace(minute=0, second=0, microsecond=0),
        quiet=timedelta(seconds=quiet),
        old=_side(old, counts),
        new=_side(new, counts),
        networks=tuple(
            _move(network, seen[ids[0]].get(network), seen[ids[1]].get(network), judgement)
            for network in dict.fromkeys(row["network"] for row in networks)
        ),
        judgement=judgement,
    )


def _use(token: asyncpg.Record, networks: Iterable[asyncpg.Record]) -> Use:
    overall = None
    if token["first_used_at"] is not None and token["last_used_at"] is not None:
        overall = Seen(token["first_used_at"].timestamp(), token["last_used_at"].timestamp())
    return Use(
        overall=overall,
        networks={
            row["network"]: Seen(row["first_seen_at"].timestamp(), row["last_seen_at"].timestamp())
            for row in networks
        },
    )


def _side(token: asyncpg.Record, counts: Sequence[asyncpg.Record]) -> Side:
    routes = tuple(
        RouteSide(route=row["route"], served=row["served"], refused=row["refused"])
        for row in counts
        if row["token_id"] == token["id"]
    )
    return Side(
        token_id=token["id"],
        hint=token["hint"],
        created_at=token["created_at"],
        ends_at=token["ends_at"],
        first_used_at=token["first_used_at"],
        last_used_at=token["last_used_at"],
        served=sum(route.served for route in routes),
        refused=sum(route.refused for route in routes),
        routes=routes,
    )


def _move(
    network: str, old: asyncpg.Record | None, new: asyncpg.Record | None, judgement: Judgement
) -> NetworkMove:
    return NetworkMove(
        network=network,
        old_last_seen_at=old["last_seen_at"] if old is not None else None,
        new_first_seen_at=new["first_seen_at"] if new is not None else None,
        new_last_seen_at=new["last_seen_at"] if new is not None else None,
        still_old=network in judgement.still_old,
    )
