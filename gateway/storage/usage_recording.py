"""Writing down the use of tokens, in batches from every node: added to what is there, never backwards.

It waits for no lock that a mutation holds, and so can neither delay one nor make it fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.core.usage import HourlyCount, NetworkUse, ShadowCount, TokenUse, UsageBatch
from gateway.storage.database import Database

# The networks kept of one token: those seen last.
NETWORKS_PER_TOKEN: Final = 200
# Two missed extensions end a period.
_PERIOD_GAP: Final = timedelta(minutes=1)
_PRUNE_BATCH: Final = 5000

# A token that an operation is working on is left for the next time, and named in the answer. Tokens that are not in
# the store (it went back to a backup) are passed over.
_USES: Final = """
WITH batch AS (
    SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) AS b (token_id, first_at, last_at)
),
held AS (
    SELECT id FROM tokens WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
),
written AS (
    UPDATE tokens AS t
    SET first_used_at = LEAST(t.first_used_at, b.first_at), last_used_at = GREATEST(t.last_used_at, b.last_at)
    FROM batch AS b JOIN held AS h ON h.id = b.token_id
    WHERE t.id = h.id
    RETURNING t.id
)
SELECT id FROM tokens WHERE id = ANY($1) AND id NOT IN (SELECT id FROM written)
"""
# In the order of the key: two nodes that write the same rows wait for each other and never in a circle.
_HOURS: Final = """
INSERT INTO usage_hourly AS u (token_id, hour, route, outcome, count)
SELECT b.* FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::bigint[])
    AS b (token_id, hour, route, outcome, count)
JOIN tokens AS t ON t.id = b.token_id
ORDER BY b.token_id, b.hour, b.route, b.outcome
ON CONFLICT (token_id, hour, route, outcome) DO UPDATE SET count = u.count + excluded.count
"""
_SHADOWS: Final = """
INSERT INTO usage_shadow AS u (token_id, hour, route, code, count)
SELECT b.* FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::bigint[])
    AS b (token_id, hour, route, code, count)
JOIN tokens AS t ON t.id = b.token_id
ORDER BY b.token_id, b.hour, b.route, b.code
ON CONFLICT (token_id, hour, route, code) DO UPDATE SET count = u.count + excluded.count
"""
_NETWORKS: Final = """
INSERT INTO usage_networks AS u (token_id, network, first_seen_at, last_seen_at, count)
SELECT b.token_id, b.network::cidr, b.first_at, b.last_at, b.count
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::bigint[])
    AS b (token_id, network, first_at, last_at, count)
JOIN tokens AS t ON t.id = b.token_id
ORDER BY b.token_id, b.network::cidr
ON CONFLICT (token_id, network) DO UPDATE SET
    first_seen_at = LEAST(u.first_seen_at, excluded.first_seen_at),
    last_seen_at = GREATEST(u.last_seen_at, excluded.last_seen_at),
    count = u.count + excluded.count
RETURNING token_id, xmax = 0 AS is_new
"""
_FEWER_NETWORKS: Final = """
DELETE FROM usage_networks WHERE (token_id, network) IN (
    SELECT u.token_id, u.network
    FROM unnest($1::text[]) AS of_token
    CROSS JOIN LATERAL (
        SELECT token_id, network, last_seen_at FROM usage_networks WHERE token_id = of_token
        ORDER BY last_seen_at DESC, network OFFSET $2
    ) AS u
    JOIN usage_networks AS held ON held.token_id = u.token_id AND held.network = u.network
    FOR UPDATE OF held SKIP LOCKED
)
"""


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


async def record_uses(database: Database, uses: Sequence[TokenUse]) -> frozenset[str]:
    """Moves first uses back and last uses forward. The tokens that were busy and are still to be written."""
    if not uses:
        return frozenset()
    rows = await database.fetch(
        _USES,
        [use.token_id for use in uses],
        [_instant(use.first_at) for use in uses],
        [_instant(use.last_at) for use in uses],
    )
    return frozenset(row["id"] for row in rows)


async def record_hours(database: Database, hours: Sequence[HourlyCount]) -> None:
    """Adds counts. After a failure nobody knows whether they were added; writing them again may count twice."""
    if hours:
        await database.fetch(
            _HOURS,
            [hour.token_id for hour in hours],
            [_instant(hour.hour) for hour in hours],
            [hour.route for hour in hours],
            [hour.outcome for hour in hours],
            [hour.count for hour in hours],
        )


async def record_shadows(database: Database, shadows: Sequence[ShadowCount]) -> None:
    """Adds counts of what shadows would have refused, as `record_hours` does."""
    if shadows:
        await database.fetch(
            _SHADOWS,
            [shadow.token_id for shadow in shadows],
            [_instant(shadow.hour) for shadow in shadows],
            [shadow.route for shadow in shadows],
            [shadow.code for shadow in shadows],
            [shadow.count for shadow in shadows],
        )


async def record_networks(database: Database, networks: Sequence[NetworkUse]) -> None:
    """Adds counts by network, and forgets a token's oldest networks beyond those that are kept."""
    if not networks:
        return
    rows = await database.fetch(
        _NETWORKS,
        [seen.token_id for seen in networks],
        [seen.network for seen in networks],
        [_instant(seen.first_at) for seen in networks],
        [_instant(seen.last_at) for seen in networks],
        [seen.count for seen in networks],
    )
    grown = sorted({row["token_id"] for row in rows if row["is_new"]})
    if grown:
        await database.fetch(_FEWER_NETWORKS, grown, NETWORKS_PER_TOKEN)


async def record_usage(database: Database, batch: UsageBatch) -> frozenset[str]:
    """Writes a whole batch; returns the tokens whose use is still to be written, as `record_uses` does."""
    busy = await record_uses(database, batch.uses)
    await record_hours(database, batch.hours)
    await record_shadows(database, batch.shadows)
    await record_networks(database, batch.networks)
    return busy


async def note_usage_known(database: Database, node_id: str, until: float) -> None:
    """Says that all use this node saw up to `until` (UNIX seconds by the database's clock) is stored."""
    await database.fetch(
        "UPDATE nodes SET usage_known_at = GREATEST(usage_known_at, $2) WHERE id = $1",
        node_id,
        _instant(until),
    )


async def extend_period(database: Database) -> None:
    """Says that the gateway is up and records. Only one caller at a time may do so: periods must not overlap.

    What lies between two calls counts as up when it is less than a minute.
    """
    rows = await database.fetch(
        "UPDATE usage_periods SET ended_at = GREATEST(ended_at, now())"
        " WHERE started_at = (SELECT max(started_at) FROM usage_periods) AND ended_at > now() - $1::interval"
        " RETURNING 1",
        _PERIOD_GAP,
    )
    if not rows:
        await database.fetch(
            "INSERT INTO usage_periods (started_at, ended_at)"
            " SELECT now(), now() WHERE NOT EXISTS (SELECT FROM usage_periods WHERE ended_at >= now())"
        )


async def prune_usage(database: Database, keep: timedelta) -> None:
    """Forgets counts and networks older than `keep`, a few at a time: nobody waits behind a huge statement."""
    for table, column in (
        ("usage_hourly", "hour"),
        ("usage_shadow", "hour"),
        ("usage_networks", "last_seen_at"),
    ):
        while True:
            rows = await database.fetch(
                f"DELETE FROM {table} WHERE ctid = ANY(ARRAY("  # noqa: S608 - constants
                f" SELECT ctid FROM {table} WHERE {column} < now() - $1::interval LIMIT $2)) RETURNING 1",
                keep,
                _PRUNE_BATCH,
            )
            if len(rows) < _PRUNE_BATCH:
                break
