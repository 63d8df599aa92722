"""What an integration did: requests over time by outcome, refusals by reason, routes, and scopes that nobody needed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from gateway.admin.management.usage_views import ActivityView
from gateway.admin.pages.answers import Answer, Show
from gateway.admin.pages.chart import Bar, bars
from gateway.admin.pages.integration_reading import live_integration
from gateway.admin.pages.visit import Visit
from gateway.storage.usage import Bucket

UNUSED_SPAN: Final = timedelta(days=30)
SERIES: Final = (
    ("good", "Succeeded"),
    ("their", "Refused by the service"),
    ("failed", "Failed"),
    ("refused", "Refused by the gateway"),
)
_SPANS: Final = {"day": Bucket.HOUR, "month": Bucket.DAY}
_LENGTH: Final = {Bucket.HOUR: timedelta(hours=1), Bucket.DAY: timedelta(days=1)}


async def activity(visit: Visit) -> Answer:
    """The last day by hours, or the last 30 days by days."""
    integration = await live_integration(visit)
    span = visit.query.get("span", "day")
    bucket = _SPANS.get(span, Bucket.HOUR)
    where = (visit.principal, visit.account.id, integration.id)
    found = await visit.management.usage.activity(*where, bucket=bucket)
    scopes = await visit.management.usage.scopes_used(*where, since=visit.rules.now() - UNUSED_SPAN)
    spans = tuple(_spans(found))
    words = {name: found.totals.get(name, 0) for name in sorted(found.totals)}
    return Show(
        "activity.html",
        {
            "integration": integration,
            "tab": "activity",
            "span": "day" if bucket is Bucket.HOUR else "month",
            "found": found,
            "totals": words,
            "sums": [sum(bar.counts[place] for bar in spans) for place in range(len(SERIES))],
            "series": SERIES,
            "spans": spans,
            "chart": bars(SERIES, spans, title="Requests over time, by how they ended"),
            "refusals": sorted(found.refusals.items(), key=lambda item: -item[1]),
            "unused": [item.scope for item in scopes.items if item.last_needed_at is None],
            "granted": len(scopes.items),
            "hints": {token.id: token.hint for token in found.tokens},
        },
    )


def _spans(found: ActivityView) -> Iterator[Bar]:
    counts: dict[datetime, list[int]] = {}
    for item in found.requests:
        counts.setdefault(item.at, [0] * len(SERIES))[_series(item.outcome, found)] += item.count
    at = found.since
    every = 4 if found.bucket is Bucket.HOUR else 5
    place = 0
    while at < found.until:
        of_hours = found.bucket is Bucket.HOUR
        label = f"{at:%-d %b, %H:%M} UTC" if of_hours else f"{at:%-d %b %Y}"
        tick = (f"{at:%H:%M}" if of_hours else f"{at:%-d %b}") if place % every == 0 else ""
        yield Bar(
            label=label,
            tick=tick,
            counts=tuple(counts.get(at, [0] * len(SERIES))),
            hour=at if of_hours else None,
        )
        at += _LENGTH[found.bucket]
        place += 1


def _series(outcome: str, found: ActivityView) -> int:
    if outcome in found.refusals:
        return 3
    return {"1xx": 0, "2xx": 0, "3xx": 0, "4xx": 1}.get(outcome, 2)
