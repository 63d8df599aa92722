"""What the jobs and the flush of usage tell Prometheus."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.core.usage_ledger import UsageLedger
from gateway.jobs.runner import JobRunner
from gateway.jobs.usage_counter import UsageCounter


class JobGauges(Collector):
    """Reads live objects when asked."""

    def __init__(self, *, runner: JobRunner, counter: UsageCounter, ledger: UsageLedger) -> None:
        self._runner = runner
        self._counter = counter
        self._ledger = ledger

    def collect(self) -> Iterable[Metric]:
        """The families, for Prometheus."""
        runs = CounterMetricFamily(
            "gateway_job_runs",
            "Turns of the jobs on this node, by what became of them.",
            labels=("job", "outcome"),
        )
        for name, counts in self._runner.counts.items():
            for outcome, count in asdict(counts).items():
                runs.add_metric((name, outcome), count)
        yield runs
        dropped = CounterMetricFamily(
            "gateway_usage_dropped",
            "Usage that was given up for want of room, by what is missing.",
            labels=("detail",),
        )
        for detail, count in asdict(self._ledger.dropped).items():
            dropped.add_metric((detail,), count)
        dropped.add_metric(("addresses",), self._counter.without_address)
        yield dropped
        yield GaugeMetricFamily(
            "gateway_usage_waiting", "Rows of usage that are not stored yet.", value=len(self._ledger)
        )
