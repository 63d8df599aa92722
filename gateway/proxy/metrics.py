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

    def buckets(self) -> Iterator[tuple[str, float]]:
        """(upper bound, how many were at most that), the last bound `+Inf`."""
        running = 0
        for bound, count in zip((*_BOUNDS, "+Inf"), self.counts, strict=True):
            running += count
            yield str(bound), running


class RequestMetrics(Collector):
    """Requests by operation and outcome, and how long they took, in all and at the upstream."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, str, int, str], int] = {}
        self._shadow_refusals: dict[tuple[str, str, str, str], int] = {}
        self._durations: dict[str, Durations] = {}
        self._upstream: dict[str, Durations] = {}
        self._bytes_in = 0
        self._bytes_out = 0

    def __repr__(self) -> str:
        return f"RequestMetrics({sum(self._requests.values())} requests)"

    def record(self, trail: Trail) -> None:
        """Count one request."""
        # A method without a route is the caller's own word: not for a label.
        method = trail.method if trail.route else ""
        key = (trail.service, method, trail.route, trail.status, trail.code)
        self._requests[key] = self._requests.get(key, 0) + 1
        if trail.shadow:
            refused = (trail.service, method, trail.route, trail.shadow)
            self._shadow_refusals[refused] = self._shadow_refusals.get(refused, 0) + 1
        service = trail.service
        durations = self._durations.get(service)
        if durations is None:
            durations = self._durations[service] = Durations()
        durations.observe(trail.ended - trail.started)
        if trail.upstream_answered:
            upstream = self._upstream.get(service)
            if upstream is None:
                upstream = self._upstream[service] = Durations()
            upstream.observe(trail.upstream_answered - trail.upstream_started)
        self._bytes_in += trail.bytes_in
        self._bytes_out += trail.bytes_out

    def collect(self) -> Iterable[Metric]:
        """The families, for Prometheus."""
        requests = CounterMetricFamily(
            "gateway_requests",
            "Requests by operation, status and code; status 0: the caller left before an answer.",
            labels=("service", "method", "route", "status", "code"),
        )
        for (service, method, route, status, code), count in list(self._requests.items()):
            requests.add_metric((service, method, route, str(status), code), count)
        yield requests
        shadow_refusals = CounterMetricFamily(
            "gateway_shadow_refusals",
            "Requests that passed and that their route's shadow would have refused with this code.",
            labels=("service", "method", "route", "code"),
        )
        for labels, count in list(self._shadow_refusals.items()):
            shadow_refusals.add_metric(labels, count)
        yield shadow_refusals
        yield _histogram(
            "gateway_request_duration_seconds", "From head read to answer written.", self._durations
        )
        yield _histogram("gateway_upstream_duration_seconds", "From head sent to first byte.", self._upstream)
        yield CounterMetricFamily(
            "gateway_request_body_bytes", "Bytes of request bodies.", value=self._bytes_in
        )
        yield CounterMetricFamily(
            "gateway_response_body_bytes", "Bytes of response bodies.", value=self._bytes_out
        )


def _histogram(name: str, words: str, by_service: dict[str, Durations]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, words, labels=("service",))
    for service, durations in list(by_service.items()):
        family.add_metric((service,), buckets=list(durations.buckets()), sum_value=durations.total)
    return family
