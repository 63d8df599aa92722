"""What was counted of all integrations together, for asking what another route map would have made of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.core.model import AccountKind, Caller
from gateway.storage.database import Reader

# A node that is silent for longer has ended, and has nothing more to tell.
_ALIVE: Final = timedelta(seconds=30)

_SPAN: Final = """
SELECT date_trunc('hour', at - $1::interval) AS since, at AS until,
    (SELECT min(started_at) FROM usage_periods) AS counting_since,
    (SELECT CASE WHEN bool_and(usage_known_at IS NOT NULL) THEN min(usage_known_at) END
        FROM nodes WHERE heartbeat_at > at - $2::interval) AS known_until
FROM statement_timestamp() AS at
"""
_OPERATIONS: Final = "SELECT DISTINCT route FROM usage_hourly WHERE hour >= $1 AND route <> ''"
# Whoever cannot call at all is told apart: no map changes that.
_REQUESTS: Final = """
WITH counted AS (
    SELECT t.integration_id, u.route, u.outcome, sum(u.count)::bigint AS count
    FROM usage_hourly AS u JOIN tokens AS t ON t.id = u.token_id
    WHERE u.hour >= $1
    GROUP BY t.integration_id, u.route, u.outcome
),
told AS (
    SELECT c.*, c.route = ANY($2::text[]) AS wanted, i.deleted_at IS NULL AND i.suspended_at IS NULL AND EXISTS (
        SELECT FROM tokens AS l WHERE l.integration_id = i.id
            AND (l.ends_at IS NULL OR l.ends_at > statement_timestamp())
    ) AS can_call
    FROM counted AS c JOIN integrations AS i ON i.id = c.integration_id
)
SELECT c.route, c.outcome, c.can_call, sum(c.count)::bigint AS count, i.id AS integration_id, i.name, i.scopes,
    a.id AS account_id, a.name AS account_name, a.kind
FROM told AS c
LEFT JOIN integrations AS i ON i.id = c.integration_id AND c.wanted AND c.can_call
LEFT JOIN accounts AS a ON a.id = i.account_id
GROUP BY c.route, c.outcome, c.can_call, i.id, a.id
ORDER BY i.id, c.route, c.outcome
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedSpan:
    """The time that was asked about, from a full hour on.

    `counting_since` is when counting began at all, None: it has not. `known_until`: the live nodes have written down
    everything up to then; None: some has not yet, or there is none.
    """

    since: datetime
    until: datetime
    counting_since: datetime | None
    known_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedBy:
    """An integration with the scopes that it holds now. The caller has no token: all of its tokens are meant."""

    caller: Caller
    name: str
    account_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Requests of one operation and outcome; `by` None: of everybody, for it was not asked whose they are.

    `can_call`: the integration has a live token and is not suspended. `route` is empty where none was met.
    """

    route: str
    outcome: str
    count: int
    can_call: bool
    by: CountedBy | None


async def counted_span(reader: Reader, span: timedelta) -> CountedSpan:
    """The last `span`, by the database's clock."""
    (row,) = await reader.fetch(_SPAN, span, _ALIVE)
    return CountedSpan(**dict(row))


async def counted_operations(reader: Reader, since: datetime) -> list[str]:
    """Every operation that was recorded since then, such as `GET /contacts/{contactId}`."""
    return [row["route"] for row in await reader.fetch(_OPERATIONS, since)]


async def counted_requests(reader: Reader, since: datetime, *, of: Collection[str]) -> list[Counted]:
    """All requests since then; those of the operations in `of` by integration."""
    rows = await reader.fetch(_REQUESTS, since, sorted(of))
    found = []
    for row in rows:
        by = None
        if row["integration_id"] is not None:
            caller = Caller(
                account_id=row["account_id"],
                account_kind=AccountKind(row["kind"]),
                integration_id=row["integration_id"],
                token_id="",
                scopes=frozenset(row["scopes"]),
            )
            by = CountedBy(caller=caller, name=row["name"], account_name=row["account_name"])
        found.append(
            Counted(
                route=row["route"],
                outcome=row["outcome"],
                count=row["count"],
                can_call=row["can_call"],
                by=by,
            )
        )
    return found
