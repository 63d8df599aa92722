"""Takes a changed configuration into use while the gateway runs: all of it in one step, or nothing."""

from __future__ import annotations

import asyncio
import pwd
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

import structlog

from gateway.admin.management.maps import MapInForce
from gateway.admin.management.principal import Operator
from gateway.core.model import Problem, RouteMap
from gateway.proxy.server import ProxyServer
from gateway.settings.errors import ConfigurationError
from gateway.settings.model import Settings
from gateway.storage.audit import Actor, ActorKind
from gateway.storage.maps import MapCounts, Publication
from gateway.wiring.certificates import renew_server_tls, server_tls
from gateway.wiring.configuration import Configuration, ConfigurationFiles
from gateway.wiring.gate import GateMaker, Opening
from gateway.wiring.map_journal import MapJournal
from gateway.wiring.settings_change import applicable


class Result(StrEnum):
    """What came of a reload."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


_JOURNAL_SECONDS: Final = 2.0


def counts(route_map: RouteMap) -> MapCounts:
    """How much there is in a map."""
    return MapCounts(
        routes=len(route_map.routes),
        services=len({route.service for route in route_map.routes}),
        scopes=len({scope for route in route_map.routes for scope in route.scopes}),
        upstreams=len(route_map.upstreams),
    )


class Reloader:
    """The configuration in force of one node, and the one way to exchange it.

    `files` None: it was made in memory, and there is nothing to reload. `others` reloads the other workers of this machine. `on_change` is told the settings before and
    after every change, once it is in force. Every node reads its own files; the journal says who changed what, for all of them.
    """

    def __init__(
        self,
        *,
        node_id: str,
        running: Configuration,
        opening: Opening,
        files: ConfigurationFiles | None,
        maker: GateMaker,
        proxy: ProxyServer,
        journal: MapJournal,
        on_change: Callable[[Settings, Settings], None],
        others: Callable[[], Awaitable[None]] | None,
        proxy_tls: ssl.SSLContext | None,
    ) -> None:
        self._node_id = node_id
        self._running = running
        self._opening = opening
        self._files = files
        self._maker = maker
        self._proxy = proxy
        self._journal = journal
        self._on_change = on_change
        self._others = others
        self._proxy_tls = proxy_tls
        self._turn = asyncio.Lock()
        self._loaded_at = datetime.now(UTC)
        self._log = structlog.get_logger("gateway")
        self.problems: tuple[Problem, ...] = ()
        self.needs_restart: tuple[str, ...] = ()
        self.results = dict.fromkeys(Result, 0)

    def __repr__(self) -> str:
        return f"Reloader({self._running.route_map.version[:12]}, {len(self.problems)} problems)"

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._running.settings

    @property
    def route_map(self) -> RouteMap:
        """The map in force."""
        return self._running.route_map

    @property
    def loaded_at(self) -> datetime:
        """Since when the map is in force."""
        return self._loaded_at

    def in_force(self) -> MapInForce:
        """The map in force, and what keeps a newer one out."""
        return MapInForce(
            node=self._node_id,
            version=self._running.route_map.version,
            source=self._running.source,
            loaded_at=self._loaded_at,
            counts=counts(self._running.route_map),
            problems=self.problems,
            needs_restart=self.needs_restart,
        )

    def flush(self) -> None:
        """Write what the access log holds back."""
        self._opening.flush()

    def begun(self) -> None:
        """The node starts with this configuration: write its map down."""
        self._write_down(_of_file(self._running, f"the start of {self._node_id}"), None)

    async def reload(self, by: Operator) -> MapInForce:
        """An operator asks. Returns when the history has it, or a store that is away has been waited for."""
        found = await self._take(by.actor, by.address)
        if self._others is not None:
            await self._others()
        await self._journal.written(seconds=_JOURNAL_SECONDS)
        return found

    async def reload_quietly(self, why: str) -> Result:
        """A file or a signal asks: whatever comes of it is in the log."""
        before = self.results.copy()
        try:
            await self._take(None, None, why=why)
        except ConfigurationError:
            return Result.REFUSED
        return next(result for result in Result if self.results[result] != before[result])

    async def _take(self, actor: Actor | None, address: str | None, *, why: str = "") -> MapInForce:
        async with self._turn:
            try:
                result = await self._exchange(actor, address, why)
            except ConfigurationError as error:
                self.problems = error.problems
                self.results[Result.REFUSED] += 1
                self._log.error(
                    "the changed configuration was not taken into use; the one before stays",
                    map=self._running.route_map.version[:12],
                    problems=[str(problem) for problem in error.problems],
                )
                raise
            self.problems = ()
            self.results[result] += 1
            return self.in_force()

    async def _exchange(self, actor: Actor | None, address: str | None, why: str) -> Result:
        if self._files is None:
            return Result.UNCHANGED
        found = await asyncio.to_thread(self._files.read)
        settings, waiting = applicable(self._running.settings, found.settings)
        if waiting != self.needs_restart:
            self.needs_restart = waiting
            if waiting:
                self._log.warning("some settings take effect only after a restart", settings=list(waiting))
        found = replace(found, settings=settings)
        if _same(found, self._running):
            return Result.UNCHANGED
        opening = await asyncio.to_thread(self._made, found)
        # From here to the end of this function nothing waits: no request comes in between.
        self._opening.flush()
        before, self._running, self._opening = self._running, found, opening
        self._proxy.take_over(opening.gate, pools=opening.pools, tick_seconds=opening.tick_seconds)
        self._on_change(before.settings, settings)
        self._renew_certificate(settings)
        if found.route_map.version != before.route_map.version:
            self._loaded_at = datetime.now(UTC)
            self._write_down(actor or _of_file(found, why), address)
        self._log.info(
            "the configuration was reloaded",
            why=why or (actor.name if actor is not None else ""),
            map=found.route_map.version[:12],
            routes=len(found.route_map.routes),
            settings="changed" if settings != before.settings else "unchanged",
            warnings=len(found.warnings),
        )
        return Result.APPLIED

    def _made(self, found: Configuration) -> Opening:
        # Before anything is exchanged: a certificate that cannot be used is a reason to change nothing.
        server_tls(found.settings.proxy.tls)
        return self._maker.make(found, self._opening)

    def _renew_certificate(self, settings: Settings) -> None:
        if self._proxy_tls is None or settings.proxy.tls is None:
            return
        try:
            renew_server_tls(self._proxy_tls, settings.proxy.tls)
        except ConfigurationError as error:  # replaced again since it was tried
            self._log.error("the listener keeps its certificate", problems=[str(p) for p in error.problems])

    def _write_down(self, actor: Actor, address: str | None) -> None:
        running = self._running
        if running.map_text is not None:
            publication = Publication(
                version=running.route_map.version,
                text=running.map_text,
                node=self._node_id,
                source=running.source,
                note="",
                counts=counts(running.route_map),
            )
            self._journal.note(publication, actor, address)


def _same(found: Configuration, running: Configuration) -> bool:
    return (
        found.route_map.version == running.route_map.version
        and found.settings == running.settings
        and found.certificates == running.certificates
    )


def _of_file(running: Configuration, why: str) -> Actor:
    """Who changed a file is not known; whose it is, is."""
    try:
        owner = pwd.getpwuid(Path(running.source).stat().st_uid).pw_name
    except (OSError, KeyError):
        owner = "unknown"
    return Actor(
        kind=ActorKind.SYSTEM,
        id=f"{socket.gethostname()}:{running.source}",
        name=f"{why} (file of {owner} on {socket.gethostname()})",
    )
