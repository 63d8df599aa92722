"""Counters of the data path, cheap to raise and read only when Prometheus asks. No label names a caller."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.proxy.record import Trail

_BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Durations:
    """A histogram of seconds."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(_BOUNDS) + 1)
        self.total = 0.0

    def __repr__(self) -> str:
        return f"Durations({sum(self.counts)})"

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(_BOUNDS, seconds)] += 1
        self.total += seconds

    def add(self, other: Durations) -> None:
        """Count another's durations as well."""
        self.counts = [ours + theirs for ours, theirs in zip(self.counts, other.counts, strict=True)]
        self.total += other.total

    def buckets(self) -> Iterator[tuple[str, float]]:
        """(upper bound, how many were at most that), the last bound `+Inf`."""
        running = 0
        for bound, count in zip((*_BOUNDS, "+Inf"), self.counts, strict=True):
            running += count
            yield str(bound), running


class _Figures:
    """What is counted of one template of a service: requests by method, status and code, and how long they took."""

    __slots__ = ("requests", "took", "upstream_took")

    def __init__(self) -> None:
        self.requests: dict[tuple[str, int, str], int] = {}
        self.took = Durations()
        self.upstream_took = Durations()


# Service and template of requests that met no route: their method is the caller's own word, not for a label.
_NOWHERE: Final = ("", "")


class RequestMetrics(Collector):
    """Requests by operation and outcome, and how long they took, in all and at the upstream."""

    def __init__(self) -> None:
        self._figures: dict[tuple[str, str], _Figures] = {}
        self._shadow_refusals: dict[tuple[str, str, str, str], int] = {}
        self._bytes_in = 0
        self._bytes_out = 0

    def __repr__(self) -> str:
        return f"RequestMetrics({len(self._figures)} operations)"

    def record(self, trail: Trail) -> None:
        """Count one request."""
        plan = trail.plan
        labels, method = (_NOWHERE, "") if plan is None else (plan.labels, trail.method)
        figures = self._figures.get(labels)
        if figures is None:
            figures = self._figures[labels] = _Figures()
        outcome = (method, trail.status, trail.code)
        requests = figures.requests
        requests[outcome] = requests.get(outcome, 0) + 1
        if trail.shadow:
            refused = (labels[0], method, labels[1], trail.shadow)
            self._shadow_refusals[refused] = self._shadow_refusals.get(refused, 0) + 1
        figures.took.observe(trail.ended - trail.started)
        if trail.upstream_answered:
            figures.upstream_took.observe(trail.upstream_answered - trail.upstream_started)
        self._bytes_in += trail.bytes_in
        self._bytes_out += trail.bytes_out

    def collect(self) -> Iterable[Metric]:
        """The families, for Prometheus."""
        requests = CounterMetricFamily(
            "gateway_requests",
            "Requests by operation, status and code; status 0: the caller left before an answer.",
            labels=("service", "method", "route", "status", "code"),
        )
        took: dict[str, Durations] = {}
        upstream_took: dict[str, Durations] = {}
        for labels, figures in list(self._figures.items()):
            for (method, status, code), count in list(figures.requests.items()):
                requests.add_metric((labels[0], method, labels[1], str(status), code), count)
            took.setdefault(labels[0], Durations()).add(figures.took)
            upstream_took.setdefault(labels[0], Durations()).add(figures.upstream_took)
        yield requests
        shadow_refusals = CounterMetricFamily(
            "gateway_shadow_refusals",
            "Requests that passed and that their route's shadow would have refused with this code.",
            labels=("service", "method", "route", "code"),
        )
        for refused, count in list(self._shadow_refusals.items()):
            shadow_refusals.add_metric(refused, count)
        yield shadow_refusals
        yield _histogram("gateway_request_duration_seconds", "From head read to answer written.", took)
        yield _histogram(
            "gateway_upstream_duration_seconds",
            "From head sent to first byte.",
            {service: each for service, each in upstream_took.items() if any(each.counts)},
        )
        yield CounterMetricFamily(
            "gateway_request_body_bytes", "Bytes of request bodies.", value=self._bytes_in
        )
        yield CounterMetricFamily(
            "gateway_response_body_bytes", "Bytes of response bodies.", value=self._bytes_out
        )


def _histogram(name: str, words: str, by_service: dict[str, Durations]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, words, labels=("service",))
    for service, durations in by_service.items():
        family.add_metric((service,), buckets=list(durations.buckets()), sum_value=durations.total)
    return family
