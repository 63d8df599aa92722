"""`gateway serve`: run a gateway until it is told to stop, then let requests in flight finish."""

from __future__ import annotations

import asyncio
import secrets
import signal
from pathlib import Path
from typing import Annotated

import structlog
import typer
import uvloop

from gateway.cli.context import read_settings
from gateway.core.model import RouteMap
from gateway.settings.model import Settings
from gateway.settings.pepper import Peppers, load_peppers
from gateway.wiring.node import Node, running_node
from gateway.wiring.routes import publishable
from gateway.wiring.store import database_address, opened


def serve(
    config: Annotated[Path, typer.Option("--config", "-c", help="The settings file.")],
) -> None:
    """Run the gateway. SIGTERM or Ctrl-C: accept nothing more, finish what is in flight, stop."""
    settings = read_settings(config)
    route_map, warnings = publishable(settings.routes)
    peppers = load_peppers(settings.pepper_file, entropy=secrets.token_bytes)
    log = structlog.get_logger("gateway")
    if warnings:
        log.warning("the route map has warnings; gateway check prints them", count=len(warnings))
    with database_address(settings, join=False, log=log.info) as dsn:
        uvloop.run(_serve(settings, route_map, peppers, dsn))


async def _serve(settings: Settings, route_map: RouteMap, peppers: Peppers, dsn: str) -> None:
    async with (
        opened(dsn, pool_size=settings.database.pool_size) as database,
        running_node(settings, route_map, database, peppers) as node,
    ):
        structlog.get_logger("gateway").info(
            "ready",
            proxy=f"{settings.proxy.listen.host}:{node.proxy_port}",
            admin=f"{settings.admin.listen.host}:{node.admin_port}",
            routes=len(route_map.routes),
            map=route_map.version[:12],
            node=node.node_id,
        )
        await until_told_to_stop(node)


async def until_told_to_stop(node: Node) -> None:
    """Wait for SIGINT or SIGTERM and drain; a second signal cuts what is left."""
    log = structlog.get_logger("gateway")
    loop = asyncio.get_running_loop()
    asked, again = asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        (again if asked.is_set() else asked).set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    await asked.wait()
    log.info("stopping: requests in flight finish, new connections are refused")
    draining = asyncio.create_task(node.drain())
    impatient = asyncio.create_task(again.wait())
    await asyncio.wait({draining, impatient}, return_when=asyncio.FIRST_COMPLETED)
    for task in (draining, impatient):
        task.cancel()
    finished = draining.done() and not draining.cancelled() and draining.result()
    log.info("stopped" if finished else "stopped; requests still in flight were cut")
