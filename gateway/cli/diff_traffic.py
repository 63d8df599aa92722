"""What another route map would do to recorded requests, in words: a row for each change, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.admin.management.map_diff_views import ImpactView, NewOutcome, TrafficView
from gateway.admin.management.map_diff_words import UNCOUNTED, not_decided_anew
from gateway.cli.output import counted, shown
from gateway.core.map_traffic import Condition

TRAFFIC_COLUMNS: Final = ("WOULD BE", "REQUESTS", "INTEGRATION", "NAME", "OPERATION", "WHY")
_OUTCOMES: Final = {NewOutcome.REFUSED: "refused", NewOutcome.PASSES: "let through"}


def traffic_row(one: ImpactView) -> tuple[str, ...]:
    """Outcome, how many, whose and which, and why. Requests that are in doubt are counted as at most so many."""
    in_doubt = one.condition is not Condition.NONE
    return (
        _OUTCOMES[one.outcome],
        f"up to {one.requests}" if in_doubt else str(one.requests),
        one.integration_id,
        one.integration_name,
        one.operation,
        _why(one),
    )


def _why(one: ImpactView) -> str:
    refusal = f"{one.code.value} {one.scope}" if one.scope else one.code.value
    words = f"no more {refusal}" if one.outcome is NewOutcome.PASSES else refusal
    match one.condition:
        case Condition.NONE:
            return words
        case Condition.PATH:
            return f"{words}, on {one.path}"
        case Condition.VERSION:
            return f"{words}, by the Version header"


def traffic_words(traffic: TrafficView) -> Iterator[str]:
    """What was counted, what would become of it, and what cannot be told."""
    yield from _span_words(traffic)
    refused = sum(one.newly_refused > 0 for one in traffic.integrations)
    passing = sum(one.newly_passing > 0 for one in traffic.integrations)
    yield (
        f"{counted(traffic.requests, 'request')}: "
        f"{traffic.newly_refused} would newly be refused ({counted(refused, 'integration')}), "
        f"{traffic.newly_passing} would newly pass ({counted(passing, 'integration')}), "
        f"{traffic.unchanged} are answered as before"
    )
    told = [f"{number} {words}" for words, number in not_decided_anew(traffic).items()]
    if told:
        yield f"not decided anew: {'; '.join(told)}"
    if traffic.uncounted_operations:
        yield f"{counted(traffic.uncounted_operations, 'changed operation')} {UNCOUNTED}"


def _span_words(traffic: TrafficView) -> Iterator[str]:
    line = f"requests counted since {shown(traffic.since)}"
    if traffic.counting_since is None:
        line += "; the gateway has counted nothing yet"
    elif traffic.counting_since > traffic.since:
        line += f"; the gateway counts only since {shown(traffic.counting_since)}"
    if traffic.known_until is not None:
        line += f"; all until {shown(traffic.known_until)} is counted"
    yield line
