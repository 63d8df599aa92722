"""Which requests are taken for their records, and that the queue has a bound."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.jobs.request_recorder import Dropped, RequestRecorder
from gateway.proxy.record import Trail
from tests.wiring.trails import caller_of


def request(number: int = 0, **what: Any) -> Trail:
    trail = Trail(f"trace-{number}", "192.0.2.7", "GET", "/contacts/secret", 10.0)
    trail.status, trail.caller, trail.ended = 200, caller_of("tok_1"), 10.5
    for name, value in what.items():
        setattr(trail, name, value)
    return trail


def recorder(**what: Any) -> RequestRecorder:
    return RequestRecorder(**{"sample": 1.0, "all_errors": True, "strangers": 100, "size": 10_000, **what})


@pytest.mark.parametrize(
    "what",
    [
        {"status": 403, "code": "scope_missing"},
        {"status": 404},  # the upstream's
        {"status": 500},
        {"code": "upstream_timeout"},  # broken off after its head
        {"status": 0, "code": "caller_left"},
        {"shadow": "scope_missing"},
        {"status": 401, "code": "token_unknown", "caller": None},
    ],
)
def test_refusals_and_failures_are_kept_whatever_the_sample(what: dict[str, Any]) -> None:
    kept, told_otherwise = recorder(sample=0.0), recorder(sample=0.0, all_errors=False)
    for one in (kept, told_otherwise):
        one.record(request(**what))
        one.record(request())
    assert (len(kept), len(told_otherwise)) == (1, 0)


def test_of_the_rest_a_sample_is_kept_by_trace() -> None:
    some, everything = recorder(sample=0.5), recorder()
    for number in range(100):
        some.record(request(number))
        some.record(request(number))
        everything.record(request(number))
    traces = [entry[1] for entry in some.take(1000)]
    assert 40 < len(traces) < 160
    assert all(traces.count(trace) == 2 for trace in traces), "a trace is kept whole"
    assert len(everything) == 100


def test_a_full_queue_drops_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    one = recorder(size=3)
    for number in range(5):
        one.record(request(number))
    assert (len(one), one.dropped) == (3, Dropped(queue_full=2))
    assert [entry[1] for entry in one.take(2)] == ["trace-0", "trace-1"]
    one.record(request(5))
    assert (len(one), one.dropped.queue_full) == (3, 3), "what is being written still counts"
    one.settle(2)
    one.record(request(6))
    assert (len(one), one.dropped.queue_full) == (2, 3)
    assert [entry[1] for entry in one.take(9)] == ["trace-2", "trace-6"]


def test_a_flood_of_bad_tokens_fills_neither_the_queue_nor_the_disk() -> None:
    one = recorder(strangers=2)
    for number in range(100):
        one.record(request(number, status=401, code="token_unknown", caller=None))
    assert (len(one), one.dropped) == (20, Dropped(strangers=80))
    one.record(request(status=403, code="scope_missing"))
    assert len(one) == 21, "those who are known are kept"
    one.let_in(0.5)
    for number in range(3):
        one.record(request(number, status=401, code="token_unknown", caller=None))
    assert (len(one), one.dropped.strangers) == (22, 82)
    one.let_in(3600.0)
    for number in range(100):
        one.record(request(number, status=401, code="token_unknown", caller=None))
    assert one.dropped.strangers == 82 + 80, "no more is saved up than a burst"


def test_none_of_strangers_when_none_are_wanted() -> None:
    one = recorder(strangers=0)
    one.record(request(status=401, code="token_unknown", caller=None))
    one.let_in(10.0)
    one.record(request(status=401, code="token_unknown", caller=None))
    assert len(one) == 0


def test_public_operations_that_pass_are_not_those_of_strangers() -> None:
    one = recorder(strangers=0)
    one.record(request(caller=None))
    assert len(one) == 1


def test_it_says_when_there_is_enough_to_write() -> None:
    one = recorder()
    for number in range(1000):
        one.record(request(number))
    assert not one.ready.is_set()
    one.record(request(1000))
    assert one.ready.is_set()
    one.settle(len(one.take(2000)))
    assert not one.ready.is_set()
