"""The node's own state for Prometheus: route map, index, revision, connections, upstream addresses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.index.cache import TokenIndex
from gateway.index.follower import Follower
from gateway.proxy.server import ProxyServer
from gateway.wiring.reload import Reloader


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


class MapGauges(Collector):
    """Which map is in force, and what came of reloading it."""

    def __init__(self, reloader: Reloader) -> None:
        self._reloader = reloader

    def collect(self) -> Iterable[Metric]:
        """The families, for Prometheus."""
        reloader = self._reloader
        yield InfoMetricFamily(
            "gateway_map", "The route map in force.", value={"version": reloader.route_map.version}
        )
        yield GaugeMetricFamily(
            "gateway_map_loaded_timestamp_seconds",
            "Since when it is in force.",
            value=reloader.loaded_at.timestamp(),
        )
        yield GaugeMetricFamily(
            "gateway_map_refused",
            "1 while the configuration on disk cannot be taken into use.",
            value=bool(reloader.problems),
        )
        yield GaugeMetricFamily(
            "gateway_settings_waiting_for_restart",
            "Settings that have another value on disk and take effect at the next start.",
            value=len(reloader.needs_restart),
        )
        reloads = CounterMetricFamily("gateway_map_reloads", "Reloads by their result.", labels=("result",))
        for result, number in reloader.results.items():
            reloads.add_metric((result.value,), number)
        yield reloads
