"""One running gateway: the proxy listener, the admin listener, and the index that follows the store."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Final

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry

from gateway.admin.api.application import MAX_LINE_BYTES, ApiRules, management_api
from gateway.admin.api.table import BASE
from gateway.admin.health import Health, MapState, health_routes
from gateway.admin.pages.answers import BASE as PAGES
from gateway.admin.pages.application import settings_pages, to_settings
from gateway.core.cors import CorsPolicy
from gateway.core.fields import FieldRules
from gateway.core.guessing import GuessingGuard, GuessingRules
from gateway.core.model import RouteMap
from gateway.core.tokens import Digester, TokenForm
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
from gateway.proxy.answers import AnswerRules
from gateway.proxy.gate import Gate, Limits, Timeouts
from gateway.proxy.grants import Grants
from gateway.proxy.identity import IdentityLines
from gateway.proxy.metrics import RequestMetrics
from gateway.proxy.pipeline import Policy
from gateway.proxy.record import Recorder, Recorders
from gateway.proxy.server import ProxyServer
from gateway.settings.addresses import ListenAddress
from gateway.settings.model import Settings, Tls, UnderscoreHeaders
from gateway.settings.pepper import Peppers
from gateway.storage.database import Database
from gateway.storage.errors import StorageError
from gateway.storage.job_locks import JobLocks
from gateway.storage.listener import Listener
from gateway.storage.lookup import Lookup
from gateway.storage.nodes import leave
from gateway.wiring.gauges import NodeGauges
from gateway.wiring.logs import access_log
from gateway.wiring.management import management
from gateway.wiring.pages import page_rules
from gateway.wiring.records import request_records
from gateway.wiring.routes import live_map
from gateway.wiring.version import VERSION

_GOODBYE_SECONDS: Final = 1.0


class Node:
    """A gateway that serves. Made by `running_node`."""

    def __init__(
        self,
        *,
        node_id: str,
        settings: Settings,
        index: TokenIndex,
        follower: Follower,
        proxy: ProxyServer,
        routes: int,
    ) -> None:
        self.node_id = node_id
        self._settings = settings
        self._index = index
        self._follower = follower
        self._proxy = proxy
        self._routes = routes
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
            map=MapState(version=self._proxy.gate.live.version, routes=self._routes),
            revision=self._follower.applied,
            store="up" if self._index.store_up else "away",
            ready=self._index.store_up or self._index.can_serve,
            draining=self._draining,
        )

    async def drain(self) -> bool:
        """Accept nothing more and let what is in flight finish; whether all of it did within `proxy.drain`."""
        self._draining = True
        return await self._proxy.drain(self._settings.proxy.drain)


def _gate(
    settings: Settings,
    route_map: RouteMap,
    index: TokenIndex,
    clock: DatabaseClock,
    recorder: Recorder,
) -> tuple[Gate, ProxyServer]:
    proxy, prefix = settings.proxy, settings.identity.header_prefix
    live, pools = live_map(route_map, settings)
    ids = random.SystemRandom().getrandbits(64)
    numbers = random.Random(ids)  # noqa: S311 - request ids tell requests apart, they guard nothing
    gate = Gate(
        live=live,
        policy=Policy(
            token_form=TokenForm(settings.tokens.prefix),
            path_allow=frozenset(proxy.path_allow),
        ),
        index=index,
        clock=clock,
        grants=Grants(IdentityLines(prefix)),
        fields=FieldRules(
            identity_prefix=prefix.encode("ascii"),
            pass_underscores=proxy.underscore_headers is UnderscoreHeaders.PASS,
        ),
        answers=AnswerRules(
            scope_status=settings.errors.scope_status,
            name_missing_scope=settings.errors.name_missing_scope,
        ),
        limits=Limits(
            head=proxy.limits.head,
            headers=proxy.limits.headers,
            field=proxy.limits.field,
            target=proxy.limits.target,
        ),
        timeouts=Timeouts(
            head=proxy.timeouts.head,
            idle=proxy.timeouts.idle,
            body=proxy.timeouts.body,
            upstream_silence=settings.upstream.timeouts.silence,
        ),
        trusted_proxies=proxy.trusted_proxies,
        max_connections=proxy.max_connections,
        recorder=recorder,
        new_request_id=lambda: numbers.randbytes(16).hex(),
        scheme="http" if proxy.tls is None else "https",
        cors=CorsPolicy(frozenset(origin.encode("ascii") for origin in proxy.cors.allow_origins))
        if proxy.cors is not None
        else None,
        guessing=GuessingGuard(
            GuessingRules(
                free=proxy.guessing.free,
                per_seconds=proxy.guessing.per,
                delay_seconds=proxy.guessing.delay,
            )
        ),
    )
    shortest = min(
        proxy.timeouts.head,
        proxy.timeouts.idle,
        proxy.timeouts.body,
        settings.upstream.timeouts.silence,
        settings.upstream.timeouts.first_byte,
        *(route.timeout_seconds for route in route_map.routes if route.timeout_seconds is not None),
    )
    return gate, ProxyServer(gate, pools=pools, tick_seconds=min(1.0, max(0.02, shortest / 4)))


def _server_tls(tls: Tls | None) -> ssl.SSLContext | None:
    if tls is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(tls.cert_file, tls.key_file)
    return context


class ListenError(Exception):
    """An address cannot be listened on. The text is for the operator."""


def _cannot_listen(setting: str, address: ListenAddress, error: OSError) -> ListenError:
    reason = os.strerror(error.errno) if error.errno else str(error)
    return ListenError(
        f"cannot listen on {address}: {reason.lower()}; free it, or set {setting} to another address"
    )


@asynccontextmanager
async def running_node(
    settings: Settings, route_map: RouteMap, database: Database, peppers: Peppers
) -> AsyncIterator[Node]:
    """Start a gateway and stop it at the end of the block. Raises StorageError and ListenError."""
    log = structlog.get_logger("gateway")
    digester = Digester(peppers.current, peppers.retired)
    node_id = f"{socket.gethostname()}-{os.getpid()}"
    lookup = Lookup(database, version=VERSION)
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
    )
    follower = Follower(index, lookup, clock, node_id=node_id, report=log.warning)
    listener = Listener(
        database.dsn, on_change=follower.on_change, on_up=follower.on_listening, on_down=lambda: None
    )
    metrics = RequestMetrics()
    requests = access_log(settings.log, asyncio.get_running_loop())
    counter = UsageCounter(clock=clock, monotonic=time.monotonic)
    recorders = [metrics.record, counter.record]
    if requests is not None:
        recorders.append(requests.record)
    records = request_records(settings.records, database, clock)
    if records is not None:
        recorders.append(records.recorder.record)
    _, proxy = _gate(settings, route_map, index, clock, Recorders(*recorders))
    node = Node(
        node_id=node_id,
        settings=settings,
        index=index,
        follower=follower,
        proxy=proxy,
        routes=len(route_map.routes),
    )
    registry = CollectorRegistry()
    registry.register(metrics)
    registry.register(NodeGauges(index=index, follower=follower, proxy=proxy, version=VERSION))
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
            expire_after=lambda: settings.inactivity.expire_after,
            keep_records=lambda: settings.records.keep,
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
        services = management(settings, database, digester, live_map=lambda: route_map)
        api = management_api(
            ApiRules(
                management=services,
                trusted_proxies=settings.proxy.trusted_proxies,
                version=VERSION,
                report=lambda where, error: log.error("a management call failed", call=where, exc_info=error),
            )
        )
        pages = settings_pages(
            page_rules(
                settings,
                services,
                live_map=lambda: route_map,
                health=node.health,
                proxy_port=lambda: node.proxy_port,
                report=lambda where, error: log.error("a page failed", page=where, exc_info=error),
            )
        )
        node.admin_port = await _start_admin(settings.admin.listen, node, registry, api, pages, stack)
        listen = settings.proxy.listen
        try:
            node.proxy_port = await proxy.listen(
                listen.host, listen.port, tls=_server_tls(settings.proxy.tls)
            )
        except OSError as error:
            raise _cannot_listen("proxy.listen", listen, error) from None
        stack.push_async_callback(proxy.stop)
        if requests is not None:
            stack.callback(requests.flush)
        yield node


async def _say_goodbye(database: Database, node_id: str) -> None:
    """Nobody need wait for this node any more. A store that is away finds out by itself, and holds up no end."""
    with suppress(StorageError, TimeoutError):
        async with asyncio.timeout(_GOODBYE_SECONDS):
            await leave(database, node_id)


async def _start_admin(
    listen: ListenAddress,
    node: Node,
    registry: CollectorRegistry,
    api: web.Application,
    pages: web.Application,
    stack: AsyncExitStack,
) -> int:
    app = web.Application()
    app.add_routes(health_routes(node.health, registry))
    app.add_subapp(BASE, api)
    app.router.add_get("/", to_settings)
    app.add_subapp(PAGES, pages)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, max_line_size=MAX_LINE_BYTES)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, listen.host, listen.port).start()
    except OSError as error:
        raise _cannot_listen("admin.listen", listen, error) from None
    port: int = runner.addresses[0][1]
    return port
