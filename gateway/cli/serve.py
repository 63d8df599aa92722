"""`gateway serve`: run a gateway until it is told to stop, then let requests in flight finish."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Final

import structlog
import typer
import uvloop

from gateway.cli.failures import BAD_USAGE, Refused
from gateway.cli.stopping import STOPPING, StopSignals, stoppable
from gateway.settings.model import Settings
from gateway.settings.pepper import Peppers, load_peppers
from gateway.wiring.configuration import Configuration, ConfigurationFiles
from gateway.wiring.listening import held_address, listening, listening_beside
from gateway.wiring.logs import configure
from gateway.wiring.memory import rarely_collect
from gateway.wiring.node import running_node
from gateway.wiring.notify import notify
from gateway.wiring.store import EMBEDDED_CONNECTIONS, database_address, opened
from gateway.wiring.workers.supervisor import Supervisor

# Of each worker: the ear for changes, and the locks of jobs.
_BESIDE_THE_POOL: Final = 2
_FOR_COMMANDS: Final = 6


def serve(
    config: Annotated[Path, typer.Option("--config", "-c", help="The settings file.")],
    workers: Annotated[
        int,
        typer.Option(
            help="Processes that serve together; one for each core is what makes sense.", min=1, max=256
        ),
    ] = 1,
) -> None:
    """Run the gateway. SIGTERM or Ctrl-C: accept nothing more, finish what is in flight, stop. SIGHUP: reload."""
    files = ConfigurationFiles(config, os.environ)
    configuration = files.read()
    settings = configuration.settings
    configure(settings.log)
    _check_connections(settings, workers)
    peppers = load_peppers(settings.pepper_file, entropy=secrets.token_bytes)
    log = structlog.get_logger("gateway")
    if configuration.warnings:
        log.warning(
            "the route map has warnings; gateway check prints them", count=len(configuration.warnings)
        )
    with database_address(settings, join=False, log=log.info) as dsn:
        if workers == 1:
            uvloop.run(_serve(configuration, files, peppers, dsn))
        else:
            uvloop.run(_supervise(configuration, files, dsn, config=config.absolute(), count=workers))


def _check_connections(settings: Settings, workers: int) -> None:
    """Raises Refused where the workers would take more connections than the embedded server has."""
    wanted = workers * (settings.database.pool_size + _BESIDE_THE_POOL) + _FOR_COMMANDS
    if settings.database.url is None and wanted > EMBEDDED_CONNECTIONS:
        most = (EMBEDDED_CONNECTIONS - _FOR_COMMANDS) // workers - _BESIDE_THE_POOL
        way_out = f"lower database.pool_size to {most}" if most > 0 else "start fewer workers"
        raise Refused(
            f"{workers} workers would take {wanted} connections, and the embedded PostgreSQL has "
            f"{EMBEDDED_CONNECTIONS}; {way_out}, or name a database of your own in database.url",
            status=BAD_USAGE,
        )


async def _serve(configuration: Configuration, files: ConfigurationFiles, peppers: Peppers, dsn: str) -> None:
    log = structlog.get_logger("gateway")
    settings, route_map = configuration.settings, configuration.route_map
    async with (
        stoppable() as signals,
        opened(dsn, pool_size=settings.database.pool_size, log=log.info) as database,
        running_node(configuration, database, peppers, files=files) as node,
    ):
        rarely_collect()
        log.info(
            "ready",
            proxy=f"{settings.proxy.listen.host}:{node.proxy_port}",
            admin=f"{settings.admin.listen.host}:{node.admin_port}",
            routes=len(route_map.routes),
            map=route_map.version[:12],
            node=node.node_id,
        )
        await signals.drain_when_asked(node)


async def _supervise(
    configuration: Configuration, files: ConfigurationFiles, dsn: str, *, config: Path, count: int
) -> None:
    log = structlog.get_logger("gateway")
    settings = configuration.settings
    async with stoppable() as signals:
        # Before the workers, which would all want to migrate.
        async with opened(dsn, pool_size=1, log=log.info):
            pass
        with ExitStack() as stack:
            # The sockets of the workers are bound beside it, also those that are made later.
            held = stack.enter_context(held_address("proxy.listen", settings.proxy.listen))
            admin = stack.enter_context(listening("admin.listen", settings.admin.listen))
            supervisor = Supervisor(
                # -P: what lies in the working directory is not imported.
                command=(sys.executable, "-P", "-m", "gateway.cli.worker", str(config)),
                count=count,
                configuration=configuration,
                files=files,
                dsn=dsn,
                listen=lambda: listening_beside(held),
                admin=admin,
            )
            ready = {
                "proxy": f"{settings.proxy.listen.host}:{held.getsockname()[1]}",
                "admin": f"{settings.admin.listen.host}:{admin.getsockname()[1]}",
                "routes": len(configuration.route_map.routes),
                "map": configuration.route_map.version[:12],
                "workers": count,
            }
            await _run(supervisor, signals, ready)


async def _run(supervisor: Supervisor, signals: StopSignals, ready: dict[str, object]) -> None:
    log = structlog.get_logger("gateway")

    async def say_ready() -> None:
        await supervisor.all_serve()
        log.info("ready", **ready)
        notify("READY=1")

    async def reload() -> None:
        supervisor.reload()

    running = asyncio.create_task(supervisor.run())
    saying = asyncio.create_task(say_ready())
    asked = asyncio.create_task(signals.until_asked(reload))
    impatient = asyncio.create_task(signals.asked_again())
    try:
        await asyncio.wait({running, asked}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            log.info(STOPPING)
            supervisor.end()
            await asyncio.wait({running, impatient}, return_when=asyncio.FIRST_COMPLETED)
            supervisor.end()  # which cuts what is left; where nothing is, it does nothing
        await running
        log.info("stopped")
    finally:
        for task in (saying, asked, impatient):
            task.cancel()
