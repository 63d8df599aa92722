"""Tokens that nobody uses: how long each was idle while the gateway was up to see it, and their end.

Three things keep it from ending a token that is in use. Idle time counts from the last use. It counts only while the
gateway was up and recorded, so an outage makes nobody idle. And it counts only up to the instant from before which
every node has stored what it saw: a node that has not been heard from holds up everything, until it is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.core.rotation import Operation
from gateway.storage import integration_state, tokens
from gateway.storage.audit import Action, Actor, ActorKind
from gateway.storage.database import Database, Reader
from gateway.storage.errors import Conflict
from gateway.storage.mutation import Mutation, mutation

ACTOR: Final = Actor(kind=ActorKind.SYSTEM, id="inactivity", name="Expiry of unused tokens")
# These begin the time anew: until then callers could not use the token, or had no need to.
_REVIVALS: Final = (Action.INTEGRATION_RESUME.value, Action.TOKEN_CANCEL_ROTATION.value)

# Suspended integrations and rotations in progress are left alone: there not using the token is what is expected. A
# token that replaced another one need not have been used before the other's end.
_IDLE: Final = """
WITH known AS (
    SELECT min(COALESCE(usage_known_at, '-infinity')) AS until FROM nodes
),
alive AS (
    SELECT
        t.id, i.id AS integration_id, i.account_id, t.hint, t.last_used_at,
        COALESCE(make_interval(days => a.inactivity_expire_after_days::int), $1::interval) AS allowed,
        GREATEST(
            COALESCE(t.last_used_at, t.created_at),
            (SELECT max(o.ends_at) FROM tokens AS o WHERE o.integration_id = i.id AND o.ending = 'rotated'
                AND o.ends_at <= statement_timestamp()),
            (SELECT max(r.at) FROM audit AS r WHERE r.subject_id = i.id AND r.action = ANY($2))
        ) AS quiet_since
    FROM tokens AS t
    JOIN integrations AS i ON i.id = t.integration_id
    JOIN accounts AS a ON a.id = i.account_id
    WHERE t.ends_at IS NULL AND i.suspended_at IS NULL AND i.deleted_at IS NULL
        AND ($3::text IS NULL OR t.id = $3)
        -- Most tokens are in use: a glance at the clock spares the rest of the work.
        AND COALESCE(t.last_used_at, t.created_at) <= statement_timestamp() - COALESCE(
            make_interval(days => a.inactivity_expire_after_days::int), $1::interval) + $4::interval
        AND NOT EXISTS (SELECT FROM tokens AS o WHERE o.integration_id = i.id AND o.ends_at > statement_timestamp())
),
idle AS (
    SELECT alive.*, (
        SELECT COALESCE(sum(LEAST(p.ended_at, known.until) - GREATEST(p.started_at, alive.quiet_since)), interval '0')
        FROM usage_periods AS p
        WHERE p.ended_at > alive.quiet_since AND p.started_at < known.until
    ) AS idle
    FROM alive CROSS JOIN known
)
SELECT id, integration_id, account_id, hint, last_used_at, quiet_since, idle, allowed
FROM idle WHERE idle >= allowed - $4::interval ORDER BY idle - allowed DESC, id LIMIT $5
"""
_NO_TIME: Final = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleToken:
    """A token that was not used for `idle` since `quiet_since`, and is to end after `allowed`."""

    id: str
    integration_id: str
    account_id: str
    hint: str
    last_used_at: datetime | None
    quiet_since: datetime
    idle: timedelta
    allowed: timedelta


async def idle_tokens(
    reader: Reader,
    *,
    expire_after: timedelta | None,
    within: timedelta = _NO_TIME,
    token_id: str | None = None,
    limit: int = 100,
) -> list[IdleToken]:
    """The tokens whose time is over, or will be after `within` more without use; the longest overdue first.

    `expire_after` holds for accounts that have set nothing themselves; None: their tokens never end.
    """
    rows = await reader.fetch(_IDLE, expire_after, list(_REVIVALS), token_id, within, limit)
    return [IdleToken(**dict(row)) for row in rows]


async def expire_idle(database: Database, idle: IdleToken, *, expire_after: timedelta | None) -> bool:
    """Ends one token, unless it is no longer idle; whether it did."""
    async with mutation(database, actor=ACTOR) as change:
        return await _expire(change, idle, expire_after)


async def _expire(change: Mutation, idle: IdleToken, expire_after: timedelta | None) -> bool:
    account_id, integration_id = idle.account_id, idle.integration_id
    try:
        await integration_state.lock(change, account_id=account_id, integration_id=integration_id)
    except Conflict:
        return False
    # Nobody can change the integration now, but its use may have become known since it was looked at.
    if not await idle_tokens(change, expire_after=expire_after, token_id=idle.id):
        return False
    await tokens.operate(change, Operation.EXPIRE, account_id=account_id, integration_id=integration_id)
    return True
