"""One running gateway: the proxy listener, the admin listener, and the index that follows the store."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Final

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry

from gateway.admin.api.application import MAX_LINE_BYTES, ApiRules, management_api
from gateway.admin.api.table import BASE
from gateway.admin.health import Health, MapState, exposition, health_routes
from gateway.admin.pages.answers import BASE as PAGES
from gateway.admin.pages.application import settings_pages, to_settings
from gateway.core.model import Problem
from gateway.core.tokens import Digester
from gateway.core.usage_ledger import UsageLedger
from gateway.index.cache import TokenIndex
from gateway.index.clock import DatabaseClock
from gateway.index.follower import Follower
from gateway.jobs.gauges import JobGauges
from gateway.jobs.runner import JobRunner
from gateway.jobs.schedule import schedule
from gateway.jobs.under_way import under_way
from gateway.jobs.usage_counter import UsageCounter
from gateway.jobs.usage_flush import UsageFlusher
from gateway.proxy.metrics import RequestMetrics
from gateway.proxy.server import ProxyServer
from gateway.settings.addresses import ListenAddress
from gateway.settings.model import Settings
from gateway.settings.pepper import Peppers
from gateway.storage.bounds import within
from gateway.storage.database import Database
from gateway.storage.errors import StorageError
from gateway.storage.job_locks import JobLocks
from gateway.storage.listener import Listener
from gateway.storage.lookup import Lookup
from gateway.storage.nodes import leave
from gateway.wiring.certificates import server_tls
from gateway.wiring.configuration import Configuration, ConfigurationFiles
from gateway.wiring.descriptors import raise_open_files, too_few
from gateway.wiring.gate import GateMaker
from gateway.wiring.gauges import MapGauges, NodeGauges
from gateway.wiring.listening import cannot_listen
from gateway.wiring.logs import configure
from gateway.wiring.management import management
from gateway.wiring.map_journal import MapJournal
from gateway.wiring.memory import settle
from gateway.wiring.pages import page_rules
from gateway.wiring.records import request_records
from gateway.wiring.reload import Reloader, Result
from gateway.wiring.version import VERSION
from gateway.wiring.watching import FileWatcher
from gateway.wiring.workers.crew import Berth, Crew

_GOODBYE_SECONDS: Final = 1.0
_PROBLEMS_TOLD: Final = 20


class Node:
    """A gateway that serves. Made by `running_node`."""

    def __init__(
        self,
        *,
        node_id: str,
        index: TokenIndex,
        follower: Follower,
        proxy: ProxyServer,
        reloader: Reloader,
        registry: CollectorRegistry,
        crew: Crew | None,
    ) -> None:
        self.node_id = node_id
        self.registry = registry
        self._crew = crew
        self._index = index
        self._follower = follower
        self._proxy = proxy
        self._reloader = reloader
        self._draining = False
        self.proxy_port = 0
        self.admin_port = 0

    def __repr__(self) -> str:
        return f"<Node {self.node_id} proxy={self.proxy_port} admin={self.admin_port}>"

    def health(self) -> Health:
        """The state of this node."""
        return Health(
            node=self.node_id,
            version=VERSION,
            map=MapState(
                version=self._proxy.gate.live.version,
                routes=len(self._reloader.route_map.routes),
                loaded_at=self._reloader.loaded_at,
                problem=_in_short(self._reloader.problems),
                needs_restart=self._reloader.needs_restart,
            ),
            revision=self._follower.applied,
            store="up" if self._index.store_up else "away",
            ready=self._index.store_up or self._index.can_serve,
            draining=self._draining,
            workers=() if self._crew is None else self._crew.workers,
        )

    async def figures(self) -> bytes:
        """What Prometheus is told: of all workers, where there are several."""
        return await (exposition(self.registry) if self._crew is None else self._crew.metrics(self.registry))

    async def drain(self) -> bool:
        """Accept nothing more and let what is in flight finish; whether all of it did within `proxy.drain`."""
        self._draining = True
        finished = await self._proxy.drain(self._reloader.settings.proxy.drain)
        self._reloader.flush()  # the log tells of the last requests before it tells of the end
        return finished

    async def reload(self, why: str) -> Result:
        """Take into use what the files say now; what comes of it is in the log."""
        return await self._reloader.reload_quietly(why)


def _in_short(problems: Sequence[Problem]) -> str | None:
    """The first of the problems, a line each, and how many others there are; None where there is none."""
    if not problems:
        return None
    told = [str(problem) for problem in problems[:_PROBLEMS_TOLD]]
    others = len(problems) - len(told)
    return "\n".join([*told, f"and {others} more, which are in the log"] if others else told)


@asynccontextmanager
async def running_node(
    configuration: Configuration,
    database: Database,
    peppers: Peppers,
    *,
    files: ConfigurationFiles | None = None,
    watched: bool = True,
    berth: Berth | None = None,
    crew: Crew | None = None,
) -> AsyncIterator[Node]:
    """Start a gateway and stop it at the end of the block. `files` are where its configuration is read anew from;
    `watched`: as soon as one of them changes. `berth` are the sockets of a worker, and `crew` is it and the others.

    Raises StorageError, ConfigurationError and ListenError.
    """
    log = structlog.get_logger("gateway")
    settings = configuration.settings
    open_files, callers = raise_open_files(), settings.proxy.max_connections
    if too_few(open_files, callers):
        log.warning(
            "the system allows fewer open files than proxy.max_connections needs; raise the limit (ulimit -n, LimitNOFILE)",
            open_files=open_files,
            max_connections=callers,
        )
    digester = Digester(peppers.current, peppers.retired)
    node_id = _new_node_id()
    lookup = Lookup(database, version=VERSION, map_version=lambda: proxy.gate.live.version)
    clock = DatabaseClock(monotonic=time.monotonic, wall=time.time)
    index = TokenIndex(
        lookup,
        digester,
        max_entries=settings.index.max_entries,
        max_unknown=settings.index.max_unknown,
        fresh_seconds=settings.index.fresh_for,
        unknown_seconds=settings.index.unknown_for,
        outage_grace_seconds=settings.index.outage_grace,
        monotonic=time.monotonic,
        settle=settle,
    )
    follower = Follower(index, lookup, clock, node_id=node_id, report=log.warning)
    listener = Listener(
        database.dsn, on_change=follower.on_change, on_up=follower.on_listening, on_down=lambda: None
    )
    metrics = RequestMetrics()
    counter = UsageCounter(clock=clock, monotonic=time.monotonic)
    recorders = [metrics.record, counter.record]
    records = request_records(settings.records, database, clock)
    if records is not None:
        recorders.append(records.recorder.record)
    maker = GateMaker(index=index, clock=clock, recorders=recorders, loop=asyncio.get_running_loop())
    opening = maker.make(configuration)
    proxy = ProxyServer(opening.gate, pools=opening.pools, tick_seconds=opening.tick_seconds)
    tls = server_tls(settings.proxy.tls)

    def on_change(before: Settings, after: Settings) -> None:
        _adjust(index, before, after)
        if crew is not None:
            crew.serves(node_id, proxy.gate.live.version)

    journal = MapJournal(database)
    reloader = Reloader(
        node_id=node_id,
        running=configuration,
        opening=opening,
        files=files,
        maker=maker,
        proxy=proxy,
        journal=journal,
        on_change=on_change,
        others=None if crew is None else crew.reload_others,
        proxy_tls=tls,
    )
    registry = CollectorRegistry()
    node = Node(
        node_id=node_id,
        index=index,
        follower=follower,
        proxy=proxy,
        reloader=reloader,
        registry=registry,
        crew=crew,
    )
    registry.register(metrics)
    registry.register(NodeGauges(index=index, follower=follower, proxy=proxy, version=VERSION))
    registry.register(MapGauges(reloader))
    ledger = UsageLedger(max_tokens=2 * settings.index.max_entries)
    flusher = UsageFlusher(
        counter=counter,
        ledger=ledger,
        database=database,
        node_id=node_id,
        clock=clock,
        under_way=lambda: under_way(proxy),
    )
    runner = JobRunner(
        schedule(
            database,
            expire_after=lambda: reloader.settings.inactivity.expire_after,
            keep_records=lambda: reloader.settings.records.keep,
        ),
        JobLocks(database.dsn),
    )
    registry.register(JobGauges(runner=runner, counter=counter, ledger=ledger))
    async with AsyncExitStack() as stack:
        await follower.start()
        stack.push_async_callback(index.close)
        stack.push_async_callback(_say_goodbye, database, node_id)
        stack.push_async_callback(follower.stop)
        listener.start()
        stack.push_async_callback(listener.stop)
        runner.start()
        stack.push_async_callback(runner.stop)
        # Stopped after the proxy, whose last requests are to be recorded, and before the node takes its leave.
        flusher.start()
        stack.push_async_callback(flusher.stop)
        if records is not None:
            registry.register(records.gauges)
            records.writer.start()
            stack.push_async_callback(records.writer.stop)
        journal.start()
        stack.push_async_callback(journal.stop)
        reloader.begun()
        services = management(
            lambda: reloader.settings,
            database,
            digester,
            live_map=lambda: reloader.route_map,
            keeper=reloader,
        )
        # Stopped after the listener that takes sign-ins.
        stack.push_async_callback(services.sessions.settled)
        api = management_api(
            ApiRules(
                management=services,
                trusted_proxies=lambda: reloader.settings.proxy.trusted_proxies,
                version=VERSION,
                report=lambda where, error: log.error("a management call failed", call=where, exc_info=error),
            )
        )
        pages = settings_pages(
            page_rules(
                lambda: reloader.settings,
                services,
                live_map=lambda: reloader.route_map,
                health=node.health,
                proxy_port=lambda: node.proxy_port,
                report=lambda where, error: log.error("a page failed", page=where, exc_info=error),
            )
        )
        if berth is None or berth.admin is not None:
            node.admin_port = await _start_admin(
                settings.admin.listen, None if berth is None else berth.admin, node, api, pages, stack
            )
        listen = settings.proxy.listen
        try:
            node.proxy_port = await proxy.listen(
                listen.host, listen.port, tls=tls, listening=None if berth is None else berth.proxy
            )
        except OSError as error:
            raise cannot_listen("proxy.listen", listen, error) from None
        # After the proxy, which records what it cuts.
        stack.callback(reloader.flush)
        stack.push_async_callback(proxy.stop)
        if files is not None and watched:
            watcher = FileWatcher(files, lambda: node.reload("a file changed"))
            watcher.start()
            stack.push_async_callback(watcher.stop)
        yield node


def _adjust(index: TokenIndex, before: Settings, settings: Settings) -> None:
    """Hand changed settings to what is not made anew."""
    if settings.log != before.log:
        configure(settings.log)
    index.keep_for(
        fresh_seconds=settings.index.fresh_for,
        unknown_seconds=settings.index.unknown_for,
        outage_grace_seconds=settings.index.outage_grace,
    )


async def _say_goodbye(database: Database, node_id: str) -> None:
    """Nobody need wait for this node any more. A store that is away finds out by itself, and holds up no end."""
    with suppress(StorageError, TimeoutError):
        async with within(_GOODBYE_SECONDS):
            await leave(database, node_id)


_numbers: Final = itertools.count(1)


def _new_node_id() -> str:
    """Of its own for every node: they may be several in a process, as they are in tests."""
    number = next(_numbers)
    return f"{socket.gethostname()}-{os.getpid()}" + (f"-{number}" if number > 1 else "")


async def _start_admin(
    listen: ListenAddress,
    listening: socket.socket | None,
    node: Node,
    api: web.Application,
    pages: web.Application,
    stack: AsyncExitStack,
) -> int:
    app = web.Application()
    app.add_routes(health_routes(node.health, node.figures))
    app.add_subapp(BASE, api)
    app.router.add_get("/", to_settings)
    app.add_subapp(PAGES, pages)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, max_line_size=MAX_LINE_BYTES)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        if listening is None:
            await web.TCPSite(runner, listen.host, listen.port).start()
        else:
            await web.SockSite(runner, listening).start()
    except OSError as error:
        raise cannot_listen("admin.listen", listen, error) from None
    port: int = runner.addresses[0][1]
    return port
