"""The requests that a proxy is serving right now."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.proxy.record import Trail
from gateway.proxy.server import ProxyServer


def under_way(proxy: ProxyServer) -> Iterator[Trail]:
    """The trail of each request that has not ended, and of each open tunnel."""
    for connection in proxy.connections:
        # A connection keeps what it serves to itself; a name that is not there any more yields nothing.
        served = getattr(connection, "_served", None)
        trail = getattr(served, "trail", None) or getattr(served, "_trail", None)
        if trail is not None:
            yield trail
