"""What the records of requests tell Prometheus."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.jobs.record_writer import RecordWriter
from gateway.jobs.request_recorder import RequestRecorder


class RecordGauges(Collector):
    """Reads live objects when asked."""

    def __init__(self, *, recorder: RequestRecorder, writer: RecordWriter) -> None:
        self._recorder = recorder
        self._writer = writer

    def collect(self) -> Iterable[Metric]:
        """The families, for Prometheus."""
        yield CounterMetricFamily(
            "gateway_records_written", "Request records that were stored.", value=self._writer.written
        )
        dropped = CounterMetricFamily(
            "gateway_records_dropped", "Request records that were given up, by why.", labels=("reason",)
        )
        for reason, count in asdict(self._recorder.dropped).items():
            dropped.add_metric((reason,), count)
        yield dropped
        yield GaugeMetricFamily(
            "gateway_records_waiting", "Request records that are not stored yet.", value=len(self._recorder)
        )
