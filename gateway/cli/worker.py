"""One of several processes of `gateway serve --workers`: what it runs on, and which sockets, it is told by its supervisor.

Run as `python -m gateway.cli.worker DESCRIPTOR`, which is that of the channel.
"""

from __future__ import annotations

import asyncio
import base64
import os
import pickle
import secrets
import socket
import sys
from pathlib import Path
from typing import Any

import structlog
import uvloop

from gateway.cli.failures import guarded
from gateway.cli.stopping import StopSignals, stoppable
from gateway.settings.pepper import load_peppers
from gateway.wiring.configuration import Configuration, ConfigurationFiles
from gateway.wiring.logs import configure, share_output
from gateway.wiring.node import Node, running_node
from gateway.wiring.store import opened
from gateway.wiring.workers.channel import Channel
from gateway.wiring.workers.crew import Berth, Crew
from gateway.wiring.workers.figures import figures_of


class _Worker:
    """Answers its supervisor."""

    def __init__(self, signals: StopSignals) -> None:
        self._signals = signals
        self.orders: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.node: Node | None = None
        # Told of the others before it serves, so that nobody who asks it is told of none.
        self.crew = Crew()

    async def answer(self, what: str, value: Any) -> object:
        """What the supervisor wants."""
        match what:
            case "start":
                self.orders.set_result(value)
            case "stop":
                self._signals.stop()
            case "crew":
                self.crew.told(value)
            case "reload" if self.node is not None:
                return (await self.node.reload(str(value))).value
            case "figures" if self.node is not None:
                return await asyncio.to_thread(figures_of, self.node.registry)
        return None


async def _talk(channel: Channel, signals: StopSignals) -> None:
    await channel.serve()
    # The supervisor is gone, however it went: without it there is no order to stay in.
    signals.stop()


async def _serve(end: socket.socket, config: Path) -> None:
    async with stoppable() as signals:
        worker = _Worker(signals)
        channel = await Channel.over(end, answer=worker.answer)
        talking = asyncio.create_task(_talk(channel, signals))
        try:
            orders = await worker.orders
            # From our own parent, over a socket that nobody else can hold.
            configuration: Configuration = pickle.loads(base64.b64decode(orders["configuration"]))  # noqa: S301
            share_output()
            configure(configuration.settings.log)
            await _serve_orders(worker, channel, signals, orders, configuration, config)
        finally:
            talking.cancel()
            channel.close()


async def _serve_orders(
    worker: _Worker,
    channel: Channel,
    signals: StopSignals,
    orders: dict[str, Any],
    configuration: Configuration,
    config: Path,
) -> None:
    settings = configuration.settings
    files = ConfigurationFiles(config, os.environ)
    files.begin_with(settings)
    peppers = load_peppers(settings.pepper_file, entropy=secrets.token_bytes)
    admin = orders["admin"]
    berth = Berth(
        slot=orders["slot"],
        proxy=socket.socket(fileno=orders["proxy"]),
        admin=None if admin is None else socket.socket(fileno=admin),
    )
    crew = worker.crew
    crew.join(berth.slot, channel)
    log = structlog.get_logger("gateway")
    async with (
        opened(orders["dsn"], pool_size=settings.database.pool_size, log=log.info) as database,
        running_node(configuration, database, peppers, files=files, berth=berth, crew=crew) as node,
    ):
        worker.node = node
        crew.serves(node.node_id, configuration.route_map.version)
        log.info("a worker serves", worker=berth.slot, node=node.node_id)
        await signals.drain_when_asked(node)


def main() -> None:
    """The entry point of a worker: `DESCRIPTOR CONFIG` are its arguments."""
    config, descriptor = Path(sys.argv[1]), int(sys.argv[2])
    end = socket.socket(fileno=descriptor)
    sys.exit(guarded(lambda: uvloop.run(_serve(end, config))))


if __name__ == "__main__":
    main()
