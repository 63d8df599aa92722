"""The effect of another route map on recorded requests, added up for people: by integration and operation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.admin.management.map_diff_views import (
    ImpactView,
    IntegrationImpactView,
    NewOutcome,
    TrafficView,
)
from gateway.core.map_diff import MapDiff
from gateway.core.map_traffic import Condition, NewAnswer, Redecision, is_redecided
from gateway.core.model import Access
from gateway.core.usage import parted
from gateway.storage.map_traffic import Counted, CountedBy, CountedSpan


@dataclass(slots=True)
class _Sums:
    """Requests by what becomes of them; each is in one."""

    newly_refused: int = 0
    newly_passing: int = 0
    undecided: int = 0
    unchanged: int = 0
    without_operation: int = 0
    not_redecided: int = 0
    cannot_call: int = 0

    @property
    def all(self) -> int:
        return (
            self.newly_refused
            + self.newly_passing
            + self.undecided
            + self.unchanged
            + self.without_operation
            + self.not_redecided
            + self.cannot_call
        )

    def add(self, answers: tuple[NewAnswer, ...], count: int) -> None:
        """Requests whose answers change so."""
        if not answers:
            self.unchanged += count
        elif answers[0].condition is not Condition.NONE:
            self.undecided += count
        elif answers[0].passes:
            self.newly_passing += count
        else:
            self.newly_refused += count


@dataclass(slots=True)
class _Impact:
    all: _Sums = field(default_factory=_Sums)
    of: dict[str, tuple[CountedBy, _Sums]] = field(default_factory=dict)
    rows: dict[tuple[str, str, NewAnswer], int] = field(default_factory=dict)


def traffic_view(
    span: CountedSpan, counted: Iterable[Counted], redecision: Redecision, diff: MapDiff
) -> TrafficView:
    """What would become of the requests that were counted in this time."""
    impact = _Impact()
    for requests in counted:
        _add(impact, requests, redecision)
    sums = impact.all
    return TrafficView(
        since=span.since,
        until=span.until,
        counting_since=span.counting_since,
        known_until=span.known_until,
        requests=sums.all,
        newly_refused=sums.newly_refused,
        newly_passing=sums.newly_passing,
        undecided=sums.undecided,
        unchanged=sums.unchanged,
        without_operation=sums.without_operation,
        not_redecided=sums.not_redecided,
        cannot_call=sums.cannot_call,
        uncounted_operations=_uncounted(diff),
        integrations=_by_integration(impact),
        changes=_rows(impact),
    )


def _add(impact: _Impact, requests: Counted, redecision: Redecision) -> None:
    sums, count = impact.all, requests.count
    if not requests.can_call:
        sums.cannot_call += count
    elif not requests.route:
        sums.without_operation += count
    elif not is_redecided(requests.outcome):
        sums.not_redecided += count
    elif requests.by is None:
        sums.unchanged += count
    else:
        by = requests.by
        answers = redecision.decide(by.caller, *parted(requests.route), requests.outcome)
        sums.add(answers, count)
        if answers:
            impact.of.setdefault(by.caller.integration_id, (by, _Sums()))[1].add(answers, count)
        for answer in answers:
            key = by.caller.integration_id, requests.route, answer
            impact.rows[key] = impact.rows.get(key, 0) + count


def _by_integration(impact: _Impact) -> tuple[IntegrationImpactView, ...]:
    found = [
        IntegrationImpactView(
            integration_id=integration_id,
            integration_name=by.name,
            account_id=by.caller.account_id,
            account_name=by.account_name,
            newly_refused=sums.newly_refused,
            newly_passing=sums.newly_passing,
            undecided=sums.undecided,
        )
        for integration_id, (by, sums) in impact.of.items()
    ]
    return tuple(
        sorted(
            found,
            key=lambda one: (-one.newly_refused, -one.newly_passing, -one.undecided, one.integration_id),
        )
    )


def _rows(impact: _Impact) -> tuple[ImpactView, ...]:
    found = [
        ImpactView(
            integration_id=integration_id,
            integration_name=impact.of[integration_id][0].name,
            account_id=impact.of[integration_id][0].caller.account_id,
            operation=operation,
            requests=count,
            outcome=NewOutcome.PASSES if answer.passes else NewOutcome.REFUSED,
            code=answer.refusal.code,
            scope=answer.refusal.scope or None,
            condition=answer.condition,
            path=answer.paths,
        )
        for (integration_id, operation, answer), count in impact.rows.items()
    ]
    return tuple(sorted(found, key=_importance))


def _importance(row: ImpactView) -> tuple[bool, bool, int, str, str, str]:
    return (
        row.condition is not Condition.NONE,
        row.outcome is NewOutcome.PASSES,
        -row.requests,
        row.integration_id,
        row.operation,
        row.path,
    )


def _uncounted(diff: MapDiff) -> int:
    """Operations that ask or asked for no token, and whose requests nobody can be told of."""
    return sum(
        change.effect.value != "changed"
        and any(route is not None and route.access is Access.PUBLIC for route in (change.old, change.new))
        for change in diff.operations
    )
