"""The node's own state for Prometheus: index, revision, connections, upstream addresses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.index.cache import TokenIndex
from gateway.index.follower import Follower
from gateway.proxy.server import ProxyServer


class NodeGauges(Collector):
    """Reads live objects when asked."""

    def __init__(self, *, index: TokenIndex, follower: Follower, proxy: ProxyServer, version: str) -> None:
        self._index = index
        self._follower = follower
        self._proxy = proxy
        self._version = version

    def collect(self) -> Iterable[Metric]:
        """The families, for Prometheus."""
        index = self._index
        yield InfoMetricFamily(
            "gateway", "This gateway.", value={"version": self._version, "map": self._proxy.gate.live.version}
        )
        yield GaugeMetricFamily(
            "gateway_connections", "Callers connected.", value=len(self._proxy.connections)
        )
        yield GaugeMetricFamily("gateway_index_entries", "Tokens in the index.", value=len(index))
        yield GaugeMetricFamily("gateway_store_up", "1 while the store answers.", value=index.store_up)
        yield GaugeMetricFamily("gateway_revision", "Newest revision applied.", value=self._follower.applied)
        for name, value in asdict(index.counts).items():
            yield CounterMetricFamily(
                f"gateway_index_{name}", f"Index: {name.replace('_', ' ')}.", value=value
            )
        busy = GaugeMetricFamily(
            "gateway_upstream_requests", "Requests outstanding.", labels=("upstream", "url")
        )
        left_out = GaugeMetricFamily(
            "gateway_upstream_left_out_until",
            "Monotonic second until which it is left out.",
            labels=("upstream", "url"),
        )
        for pool in self._proxy.pools:
            for address in pool.addresses:
                busy.add_metric((pool.name, address.url), address.busy)
                left_out.add_metric((pool.name, address.url), address.left_out_until)
        yield busy
        yield left_out
