"""What the use of a time leaves unused, as the store has it: calls by operation, what integrations hold and needed.

Each question is bounded: a long time is asked about day by day, many integrations a page at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.core.usage import REFUSALS
from gateway.storage import paging
from gateway.storage.audit import Action
from gateway.storage.database import Reader
from gateway.storage.paging import Page

_SLICE: Final = timedelta(days=1)
# What a node has not stored yet is not counted: a node that was not heard from for a while may hold uses nobody knows of.
_COUNTED: Final = """
WITH known AS (
    SELECT min(COALESCE(usage_known_at, '-infinity')) AS until FROM nodes
)
SELECT min(p.started_at) AS counting_since, COALESCE(sum(GREATEST(
    LEAST(p.ended_at, $2::timestamptz, known.until) - GREATEST(p.started_at, $1::timestamptz), interval '0'
)), interval '0') AS counted
FROM usage_periods AS p CROSS JOIN known
"""
_CALLED: Final = "SELECT DISTINCT route FROM usage_hourly WHERE hour >= $1 AND hour < $2 AND route <> ''"
_REFUSED: Final = """
SELECT u.route, u.code, t.integration_id, sum(u.count)::bigint AS count, max(u.hour) AS last_at
FROM usage_shadow AS u JOIN tokens AS t ON t.id = u.token_id
WHERE u.hour >= date_trunc('hour', $1::timestamptz)
GROUP BY u.route, u.code, t.integration_id
"""
# Suspended ones cannot use anything, deleted ones hold nothing.
_HOLDERS: Final = """
SELECT i.id, i.account_id, i.name, i.scopes, i.created_at,
    (SELECT max(t.last_used_at) FROM tokens AS t WHERE t.integration_id = i.id) AS last_used_at
FROM integrations AS i
WHERE i.deleted_at IS NULL AND i.suspended_at IS NULL AND i.scopes <> '{}' AND i.created_at < $3
    AND (i.created_at, i.id) < ($1, $2)
ORDER BY i.created_at DESC, i.id DESC LIMIT $4
"""
_YOUNG: Final = """
SELECT count(*) AS n FROM integrations
WHERE deleted_at IS NULL AND suspended_at IS NULL AND scopes <> '{}' AND created_at >= $1
"""
_USED: Final = """
SELECT DISTINCT t.integration_id, u.route
FROM tokens AS t JOIN usage_hourly AS u ON u.token_id = t.id
WHERE t.integration_id = ANY($1) AND u.hour >= date_trunc('hour', $2::timestamptz) AND u.outcome <> ALL($3)
    AND u.route <> ''
"""
_GRANTED: Final = """
SELECT DISTINCT a.subject_id, s.scope
FROM audit AS a
CROSS JOIN LATERAL jsonb_array_elements_text(
    CASE jsonb_typeof(a.after -> 'scopes') WHEN 'array' THEN a.after -> 'scopes' ELSE '[]' END
) AS s (scope)
WHERE a.subject_id = ANY($1) AND a.action = $2 AND a.at >= $3
    AND NOT COALESCE(a.before -> 'scopes', '[]') ? s.scope
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How much of a time was counted: while a gateway was up and recorded. `counting_since` None: none ever was."""

    counting_since: datetime | None
    counted: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """An integration that can be used, and what it holds."""

    id: str
    account_id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowRefusals:
    """Requests of one integration and operation that passed, and that a shadow would have refused with `code`."""

    route: str
    code: str
    integration_id: str
    count: int
    last_at: datetime


async def counted(reader: Reader, since: datetime, until: datetime) -> Counted:
    """How much of the time between these was counted."""
    (row,) = await reader.fetch(_COUNTED, since, until)
    return Counted(**dict(row))


async def called(
    reader: Reader, since: datetime, until: datetime, *, wanted: Collection[str]
) -> frozenset[str]:
    """The operations that were called since then, however that ended; looked for until all `wanted` are found."""
    found: set[str] = set()
    end = until
    while end > since and not found.issuperset(wanted):
        begin = max(since, end - _SLICE)
        rows = await reader.fetch(_CALLED, begin.replace(minute=0, second=0, microsecond=0), end)
        found.update(row["route"] for row in rows)
        end = begin
    return frozenset(found)


async def shadow_refusals(reader: Reader, since: datetime) -> tuple[ShadowRefusals, ...]:
    """What shadows would have refused since then."""
    return tuple(ShadowRefusals(**dict(row)) for row in await reader.fetch(_REFUSED, since))


async def holders(reader: Reader, *, older_than: datetime, limit: int, cursor: str | None) -> Page[Holder]:
    """Integrations that were there before this time, newest first. Raises Invalid on a foreign cursor."""
    rows = await reader.fetch(_HOLDERS, *paging.decode(cursor), older_than, limit + 1)
    return paging.page([Holder(**{**dict(row), "scopes": tuple(row["scopes"])}) for row in rows], limit)


async def young(reader: Reader, since: datetime) -> int:
    """How many integrations were made since then."""
    (row,) = await reader.fetch(_YOUNG, since)
    number: int = row["n"]
    return number


async def used(reader: Reader, integrations: Sequence[str], since: datetime) -> dict[str, list[str]]:
    """The operations that each of these integrations was let through to since then."""
    found: dict[str, list[str]] = {}
    for row in await reader.fetch(_USED, integrations, since, sorted(REFUSALS)):
        found.setdefault(row["integration_id"], []).append(row["route"])
    return found


async def granted(reader: Reader, integrations: Sequence[str], since: datetime) -> dict[str, set[str]]:
    """The scopes that each of these integrations was given since then, after it was made."""
    found: dict[str, set[str]] = {}
    for row in await reader.fetch(_GRANTED, integrations, Action.INTEGRATION_EDIT.value, since):
        found.setdefault(row["subject_id"], set()).add(row["scope"])
    return found
