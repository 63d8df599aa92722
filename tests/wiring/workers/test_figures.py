"""Figures of several processes: what was counted adds up, and never goes back when one of them is replaced."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gateway.wiring.workers.figures import Figures, counted, exposition, figures_of, together


def process(requests: int, connections: int, seconds: float) -> Figures:
    registry = CollectorRegistry()
    counter = Counter("requests", "Requests.", labelnames=("status",), registry=registry)
    counter.labels("200").inc(requests)
    if requests > 5:
        counter.labels("404").inc()
    Gauge("connections", "Open.", registry=registry).set(connections)
    Histogram("duration", "How long.", buckets=(1, 2), registry=registry).observe(seconds)
    return figures_of(registry)


def lines(figures: Figures) -> dict[str, float]:
    parted = (line.rpartition(" ") for line in exposition(figures).decode().splitlines() if line[0] != "#")
    return {name: float(value) for name, _, value in parted if "_created" not in name}


def test_counts_add_up_and_what_is_measured_is_told_for_each() -> None:
    assert lines(together({0: process(5, 2, 0.5), 1: process(7, 3, 1.5)}, former=[])) == {
        'requests_total{status="200"}': 12,
        'requests_total{status="404"}': 1,
        'duration_bucket{le="1.0"}': 1,
        'duration_bucket{le="2.0"}': 2,
        'duration_bucket{le="+Inf"}': 2,
        "duration_count": 2,
        "duration_sum": 2,
        'connections{worker="0"}': 2,
        'connections{worker="1"}': 3,
    }


def test_what_a_process_counted_outlives_it() -> None:
    former = counted(counted([], process(5, 2, 0.5)), process(7, 3, 1.5))
    told = lines(together({0: process(1, 9, 0.5)}, former=former))
    assert told['requests_total{status="200"}'] == 13
    assert told["duration_count"] == 3
    assert [name for name in told if name.startswith("connections")] == ['connections{worker="0"}']
    # Handed on, it is not added to again.
    assert lines(former)['requests_total{status="200"}'] == 12
