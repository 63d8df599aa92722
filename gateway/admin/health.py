"""`/healthz`, `/readyz` and `/metrics`: is the process alive, can it serve, what did it do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import datetime

import orjson
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest


@dataclass(frozen=True, slots=True, kw_only=True)
class MapState:
    """The route map in force; `problem` is why a newer configuration on disk was not taken into use.

    `needs_restart` names settings that have another value on disk, and take effect at the next start.
    """

    version: str
    routes: int
    loaded_at: datetime
    problem: str | None = None
    needs_restart: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerState:
    """One of several processes that serve together: `starting`, `serving`, or `waiting` to be started again."""

    slot: int
    state: str
    pid: int | None
    node: str
    map_version: str
    restarts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The state of this node, as `/healthz` tells it. `store`: up, or away while known tokens are still served.

    `workers` are all that serve together, where they are several.
    """

    node: str
    version: str
    map: MapState
    revision: int
    store: str
    ready: bool
    draining: bool
    workers: tuple[WorkerState, ...] = ()


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(
        body=orjson.dumps(value, option=orjson.OPT_UTC_Z),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


async def exposition(registry: CollectorRegistry) -> bytes:
    """The figures of this process, as Prometheus reads them."""
    # Rendering thousands of series takes tens of milliseconds, which requests would wait for.
    return await asyncio.to_thread(generate_latest, registry)


def health_routes(state: Callable[[], Health], figures: Callable[[], Awaitable[bytes]]) -> list[web.RouteDef]:
    """The three routes. `state` and `figures` are asked at each call."""

    async def healthz(_request: web.Request) -> web.Response:
        return _json(asdict(state()))

    async def readyz(_request: web.Request) -> web.Response:
        health = state()
        ready = health.ready and not health.draining
        why = "draining" if health.draining else None if health.ready else "the store is away for too long"
        told: dict[str, object] = {"ready": ready, "reason": why}
        if health.workers:
            told["workers"] = {
                "serving": sum(worker.state == "serving" for worker in health.workers),
                "of": len(health.workers),
            }
        return _json(told, 200 if ready else 503)

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=await figures(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)]
