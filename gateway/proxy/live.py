"""The route map in force, ready for use: every route with the pool that serves it."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.core.model import Route
from gateway.core.routes import RouteTable
from gateway.proxy.pool import Pool


@dataclass(slots=True, eq=False)
class Plan:
    """A route and what serves it, ready for use. `labels` tell its figures apart: service and template."""

    route: Route
    pool: Pool
    body_limit: int
    first_byte_seconds: float
    template: bytes
    labels: tuple[str, str]


@dataclass(frozen=True, slots=True)
class LiveMap:
    """The route map in force. Requests take it whole, so that none is judged by half of one and half of another."""

    table: RouteTable[Plan]
    version: str
