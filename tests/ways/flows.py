"""Bytes on their way between the gateway in this process and its two sides: so that a test can tell when all have arrived."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from unittest.mock import patch

from gateway.proxy.connection import ProxyConnection
from gateway.proxy.upstream import UpstreamConnection


@dataclass(slots=True, eq=False)
class Flow:
    """One connection, seen from the gateway's end of it: bytes that were read and written there."""

    connection: ProxyConnection | UpstreamConnection
    read: int = 0
    written: int = 0
    lost: bool = False


@dataclass(slots=True)
class Flows:
    """All connections of the gateway that are open, by the port at the other end or, towards upstreams, at ours."""

    callers: dict[int, Flow] = field(default_factory=dict)
    upstreams: dict[int, Flow] = field(default_factory=dict)


@contextmanager
def watching() -> Iterator[Flows]:
    """Every connection that is opened within the block is watched."""
    flows = Flows()
    known: dict[int, Flow] = {}

    with (
        _watched(ProxyConnection, "peername", flows.callers, known),
        _watched(UpstreamConnection, "sockname", flows.upstreams, known),
    ):
        yield flows


@contextmanager
def _watched(
    kind: type[ProxyConnection] | type[UpstreamConnection],
    end: str,
    by_port: dict[int, Flow],
    known: dict[int, Flow],
) -> Iterator[None]:
    made, lost, read, written = kind.connection_made, kind.connection_lost, kind.data_received, kind.write

    def connection_made(self: ProxyConnection, transport: asyncio.BaseTransport) -> None:
        flow = known[id(self)] = Flow(self)
        by_port[transport.get_extra_info(end)[1]] = flow
        made(self, transport)  # type: ignore[arg-type]

    def connection_lost(self: ProxyConnection, exc: Exception | None) -> None:
        flow = known.pop(id(self))
        lost(self, exc)  # type: ignore[arg-type]
        flow.lost = True

    def data_received(self: ProxyConnection, data: bytes) -> None:
        known[id(self)].read += len(data)
        read(self, data)  # type: ignore[arg-type]

    def write(self: ProxyConnection, data: bytes) -> None:
        if self.transport is not None:
            known[id(self)].written += len(data)
        written(self, data)  # type: ignore[arg-type]

    with (
        patch.object(kind, "connection_made", connection_made),
        patch.object(kind, "connection_lost", connection_lost),
        patch.object(kind, "data_received", data_received),
        patch.object(kind, "write", write),
    ):
        yield
