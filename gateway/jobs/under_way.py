"""The requests that a proxy is serving right now."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.proxy.connection import ProxyConnection
from gateway.proxy.record import Trail
from gateway.proxy.server import ProxyServer


def under_way(proxy: ProxyServer) -> Iterator[Trail]:
    """The trail of each request that has not ended, and of each open tunnel."""
    for connection in proxy.connections:
        if isinstance(connection, ProxyConnection) and connection.trail is not None:
            yield connection.trail
