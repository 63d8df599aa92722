"""Every request of a known token is counted, by the database's clock, and at next to no cost."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.core.usage import HourlyCount, NetworkUse, ShadowCount, TokenUse
from gateway.core.usage_ledger import UsageLedger
from gateway.jobs import usage_counter
from gateway.jobs.usage_counter import UsageCounter
from gateway.proxy.record import Trail
from tests.wiring.trails import trail_of

NOON = int(datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp())


class Time:
    """A monotonic clock, and a database's that is ahead of it by some number."""

    def __init__(self, database: float) -> None:
        self.monotonic_now = 1000.0
        self.ahead = database - 1000.0

    def monotonic(self) -> float:
        return self.monotonic_now

    def now(self) -> float:
        return self.monotonic_now + self.ahead


def request(time: Time, token: str = "tok_1", **what: object) -> Trail:
    return trail_of(
        token,
        str(what.get("route", "/contacts/{contactId}")),
        time.monotonic(),
        method=str(what.get("method", "GET")),
        client=str(what.get("client", "192.0.2.7")),
        code=str(what.get("code", "")),
        shadow=str(what.get("shadow", "")),
    )


def folded(counter: UsageCounter) -> UsageLedger:
    ledger = UsageLedger(max_tokens=100_000)
    for _ in counter.fold(ledger):
        pass
    return ledger


def test_a_request_is_counted_once_in_each_way() -> None:
    time = Time(NOON + 60)
    counter = UsageCounter(clock=time, monotonic=time.monotonic)
    counter.record(request(time))
    time.monotonic_now += 2
    counter.record(request(time))
    counter.record(request(time, code="token_rotated"))
    ledger = folded(counter)
    assert ledger.peek_uses(9) == (TokenUse("tok_1", NOON + 60, NOON + 62),)
    assert ledger.peek_hours(9) == (
        HourlyCount("tok_1", NOON, "GET /contacts/{contactId}", "2xx", 2),
        HourlyCount("tok_1", NOON, "GET /contacts/{contactId}", "token_rotated", 1),
    )
    assert ledger.peek_networks(9) == (NetworkUse("tok_1", "192.0.2.0/24", NOON + 60, NOON + 62, 3),)
    assert len(folded(counter)) == 0, "what was folded is not folded again"


def test_what_a_shadow_would_refuse_is_counted_beside_how_it_ended() -> None:
    """By its own hour as well, and once."""
    time = Time(NOON + 3599)
    counter = UsageCounter(clock=time, monotonic=time.monotonic)
    for _ in range(2):
        counter.record(request(time, shadow="scope_missing"))
        counter.record(request(time, client="198.51.100.1", shadow="scope_missing", code="upstream_timeout"))
        time.monotonic_now += 1
    counter.record(request(time))
    ledger = folded(counter)
    route = "GET /contacts/{contactId}"
    assert ledger.peek_shadows(9) == (
        ShadowCount("tok_1", NOON, route, "scope_missing", 2),
        ShadowCount("tok_1", NOON + 3600, route, "scope_missing", 2),
    )
    assert sum(hour.count for hour in ledger.peek_hours(9)) == 5
    assert folded(counter).peek_shadows(9) == ()


def test_requests_of_nobody_are_not_counted() -> None:
    time = Time(NOON)
    counter = UsageCounter(clock=time, monotonic=time.monotonic)
    counter.record(request(time, token=""))
    assert len(folded(counter)) == 0


def test_each_request_is_counted_in_its_own_hour_of_the_databases_clock() -> None:
    """Nothing is folded in between: a flush may be late by as much as an outage lasts."""
    time = Time(NOON + 3599)
    counter = UsageCounter(clock=time, monotonic=time.monotonic)
    for _ in range(4):
        counter.record(request(time))
        time.monotonic_now += 0.5
    time.monotonic_now += 7200
    counter.record(request(time))
    assert [(hour.hour - NOON, hour.count) for hour in folded(counter).peek_hours(9)] == [
        (0, 2),
        (3600, 2),
        (3 * 3600, 1),
    ]


def test_times_are_of_the_database_also_when_its_clock_was_measured_late() -> None:
    time = Time(NOON)
    counter = UsageCounter(clock=time, monotonic=time.monotonic)
    counter.record(request(time))
    time.ahead += 5
    assert folded(counter).peek_uses(9) == (TokenUse("tok_1", NOON + 5, NOON + 5),)


def test_a_flood_of_addresses_and_methods_costs_no_request_and_bounded_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(usage_counter, "MAX_ENTRIES", 10)
    time = Time(NOON)
    counter = UsageCounter(clock=time, monotonic=time.monotonic)
    for number in range(200):
        counter.record(request(time, client=f"10.0.{number}.1"))
        counter.record(request(time, route="", method=f"BREW{number}", code="route_unknown"))
    ledger = folded(counter)
    assert sum(hour.count for hour in ledger.peek_hours(999)) == 400
    assert {(hour.route, hour.outcome) for hour in ledger.peek_hours(999)} == {
        ("GET /contacts/{contactId}", "2xx"),
        ("", "route_unknown"),
    }
    assert len(ledger.peek_networks(999)) <= 10
    assert counter.without_address == 390


def test_a_caller_without_an_address_is_counted_all_the_same() -> None:
    time = Time(NOON)
    counter = UsageCounter(clock=time, monotonic=time.monotonic)
    counter.record(request(time, client=""))
    ledger = folded(counter)
    assert (len(ledger.peek_hours(9)), len(ledger.peek_networks(9))) == (1, 0)


def test_a_long_fold_lets_others_work_in_between() -> None:
    time = Time(NOON)
    counter = UsageCounter(clock=time, monotonic=time.monotonic)
    for number in range(2000):
        counter.record(request(time, token=f"tok_{number}"))
    steps = 0
    ledger = UsageLedger(max_tokens=100_000)
    for _ in counter.fold(ledger):
        steps += 1
        counter.record(request(time, token="tok_meanwhile"))
    assert steps >= 3
    assert len(ledger.peek_uses(9999)) == 2000
    assert folded(counter).peek_uses(9)[0].token_id == "tok_meanwhile"
