"""`gateway serve`: run a gateway until it is told to stop, then let requests in flight finish."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Annotated

import structlog
import typer
import uvloop

from gateway.cli.stopping import stoppable
from gateway.settings.pepper import Peppers, load_peppers
from gateway.wiring.configuration import Configuration, ConfigurationFiles
from gateway.wiring.logs import configure
from gateway.wiring.node import running_node
from gateway.wiring.store import database_address, opened


def serve(
    config: Annotated[Path, typer.Option("--config", "-c", help="The settings file.")],
) -> None:
    """Run the gateway. SIGTERM or Ctrl-C: accept nothing more, finish what is in flight, stop. SIGHUP: reload."""
    files = ConfigurationFiles(config, os.environ)
    configuration = files.read()
    settings = configuration.settings
    configure(settings.log)
    peppers = load_peppers(settings.pepper_file, entropy=secrets.token_bytes)
    log = structlog.get_logger("gateway")
    if configuration.warnings:
        log.warning(
            "the route map has warnings; gateway check prints them", count=len(configuration.warnings)
        )
    with database_address(settings, join=False, log=log.info) as dsn:
        uvloop.run(_serve(configuration, files, peppers, dsn))


async def _serve(configuration: Configuration, files: ConfigurationFiles, peppers: Peppers, dsn: str) -> None:
    log = structlog.get_logger("gateway")
    settings, route_map = configuration.settings, configuration.route_map
    async with (
        stoppable() as signals,
        opened(dsn, pool_size=settings.database.pool_size, log=log.info) as database,
        running_node(configuration, database, peppers, files=files) as node,
    ):
        log.info(
            "ready",
            proxy=f"{settings.proxy.listen.host}:{node.proxy_port}",
            admin=f"{settings.admin.listen.host}:{node.admin_port}",
            routes=len(route_map.routes),
            map=route_map.version[:12],
            node=node.node_id,
        )
        await signals.drain_when_asked(node)
