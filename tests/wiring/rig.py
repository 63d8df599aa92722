"""A test's own small network: upstreams, gateway nodes and callers, all on the loopback, all ended with the test.

When it ends it proves that nothing is left over: no task and no socket that was not there before.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from gateway.core.model import RouteMap
from gateway.settings.model import Settings
from gateway.storage.database import Database, connect
from gateway.wiring.configuration import Configuration, ConfigurationFiles
from gateway.wiring.node import Node, running_node
from tests.proxy.caller import Answer, Caller, request
from tests.proxy.recording import RecordingUpstream, Script, fine
from tests.wiring.standing import Standing, small_map
from tests.wiring.tenants import PEPPERS, Issued, Tenants

# Only what fails takes so long.
PATIENCE_SECONDS = 30.0
_LEFT_OVER_SECONDS = 10.0
_FRUGAL = {"proxy.listen": "127.0.0.1:0", "admin.listen": "127.0.0.1:0", "log.access": "off"}


def settings(folder: Path, **values: object) -> Settings:
    """Settings by their dotted names, dots written as `__`, on top of what tests want."""
    tree: dict[str, Any] = {"data_dir": str(folder)}
    chosen = {**_FRUGAL, **{name.replace("__", "."): value for name, value in values.items()}}
    for name, value in chosen.items():
        *sections, key = name.split(".")
        inner = tree
        for section in sections:
            inner = inner.setdefault(section, {})
        inner[key] = value
    return Settings.model_validate(tree, context={"base": folder})


def sockets() -> set[str]:
    """The sockets that this process holds, each by its two ends; without the loop's own, which have no name."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            if not str(entry.readlink()).startswith("socket:"):
                continue
            copy = socket.socket(fileno=os.dup(int(entry.name)))
        except OSError:
            continue  # closed since
        with copy:
            ours, theirs = copy.getsockname(), _peer(copy)
        if ours or theirs:
            found.add(f"{ours} with {theirs}")
    return found


def _peer(connected: socket.socket) -> object:
    try:
        return connected.getpeername()
    except OSError:
        return "nobody"


class LivedTime:
    """How long this loop has lived since, in seconds: without the times in which its process stood still.

    A node of the rig runs on the loop of its test, so what it promises in seconds can be judged on any machine.
    """

    def __init__(self) -> None:
        self._seconds = 0.0
        self._counting = asyncio.create_task(self._count())

    async def _count(self) -> None:
        loop = asyncio.get_running_loop()
        before = loop.time()
        while True:
            await asyncio.sleep(0.02)
            now = loop.time()
            self._seconds += min(now - before, 0.1)
            before = now

    def stop(self) -> float:
        """The seconds until now."""
        self._counting.cancel()
        return self._seconds


class Gateway:
    """A running node and the shortest ways to ask it."""

    def __init__(self, node: Node, database: Database, stack: AsyncExitStack) -> None:
        self.node = node
        self.database = database
        self.tenants = Tenants(database)
        self._stack = stack

    async def caller(self) -> Caller:
        """A new connection to the proxy."""
        caller = await Caller.connect(self.node.proxy_port)
        self._stack.push_async_callback(caller.close)
        return caller

    async def ask(self, data: bytes) -> Answer:
        """One request on a connection of its own."""
        caller = await Caller.connect(self.node.proxy_port)
        try:
            return await caller.ask(data)
        finally:
            await caller.close()

    async def get(self, target: str, *fields: bytes, token: str | None = None) -> Answer:
        return await self.ask(request("GET", target, *fields, token=token))

    async def admin(self, target: str) -> Answer:
        """One GET of the admin listener."""
        caller = await Caller.connect(self.node.admin_port)
        try:
            return await caller.ask(request("GET", target, b"Connection: close"))
        finally:
            await caller.close()

    async def applied(self, revision: int) -> None:
        """Waits until the node has applied this revision."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            # The follower has no event for it, and wants none: nothing but tests waits here.
            while self.node.health().revision < revision:  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    async def caught_up(self) -> None:
        """Waits until the node has applied all that the store has: what it knows from then on it goes on knowing."""
        (row,) = await self.database.fetch("SELECT number FROM revision")
        await self.applied(row["number"])

    async def store_is(self, state: str) -> None:
        """Waits until the node says that the store is `up` or `away`."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.node.health().store != state:  # noqa: ASYNC110
                await asyncio.sleep(0.005)


class Rig:
    """Makes the parts and ends them."""

    def __init__(self, folder: Path, standing: Standing) -> None:
        self.folder = folder
        self._standing = standing
        self._stack = AsyncExitStack()
        self._tasks = asyncio.all_tasks()
        self._sockets = sockets()
        self._away: socket.socket | None = None

    @property
    def standing(self) -> Standing:
        return self._standing

    @property
    def token(self) -> str:
        """The secret of a token that may do everything a sub-account may."""
        return self._standing.full.secret

    async def upstream(self, script: Script = fine) -> RecordingUpstream:
        upstream = RecordingUpstream(script)
        await upstream.start()
        self._stack.push_async_callback(upstream.stop)
        return upstream

    @property
    def away(self) -> str:
        """An address that refuses connections for as long as the test lasts."""
        if self._away is None:
            # Bound and not listening: nobody else can get the port.
            self._away = socket.socket()
            self._away.bind(("127.0.0.1", 0))
            self._stack.callback(self._away.close)
        return f"http://127.0.0.1:{self._away.getsockname()[1]}"

    async def gateway(
        self,
        serving: RecordingUpstream | RouteMap,
        *,
        dsn: str | None = None,
        database: Database | None = None,
        **values: object,
    ) -> Gateway:
        """A node in front of one upstream with the small map, or with a map of the test's own.

        Without `dsn` it stands on the database that no test changes.
        """
        route_map = (
            serving
            if isinstance(serving, RouteMap)
            else small_map(self.folder, main=serving.url, away=self.away)
        )
        if database is None:
            database = await connect(dsn or self._standing.dsn, pool_size=5)
            self._stack.push_async_callback(database.close)
        chosen = settings(self.folder, **values)
        configuration = Configuration(settings=chosen, route_map=route_map)
        node = await self._stack.enter_async_context(running_node(configuration, database, PEPPERS))
        return Gateway(node, database, self._stack)

    async def gateway_on_files(
        self,
        route_map: str,
        *,
        dsn: str | None = None,
        more: str = "",
        watched: bool = True,
        environ: dict[str, str] | None = None,
    ) -> tuple[Gateway, Site]:
        """A node whose settings and map are files, which can be written anew while it runs."""
        site = Site(self.folder)
        site.write_settings(more)
        site.write_map(route_map)
        files = ConfigurationFiles(site.settings, environ or {})
        configuration = files.read()
        database = await connect(dsn or self._standing.dsn, pool_size=5)
        self._stack.push_async_callback(database.close)
        node = await self._stack.enter_async_context(
            running_node(configuration, database, PEPPERS, files=files, watched=watched)
        )
        return Gateway(node, database, self._stack), site

    async def connect(self, port: int) -> Caller:
        """A connection to any port."""
        caller = await Caller.connect(port)
        self._stack.push_async_callback(caller.close)
        return caller

    async def close(self) -> None:
        await self._stack.aclose()
        await self._nothing_is_left()

    async def _nothing_is_left(self) -> None:
        def left() -> list[object]:
            tasks = asyncio.all_tasks() - self._tasks - {asyncio.current_task()}
            return [*tasks, *(sockets() - self._sockets)]

        try:
            async with asyncio.timeout(_LEFT_OVER_SECONDS):
                while left():  # noqa: ASYNC110 - transports close in the loop's own time
                    await asyncio.sleep(0.005)
        except TimeoutError:
            assert not left(), f"left over: {left()}"


class Site:
    """The files of a node. Each is replaced in one step, as a careful editor does it."""

    def __init__(self, folder: Path) -> None:
        self.settings = folder / "site.yaml"
        self.map = folder / "site.routes.yaml"

    def write_settings(self, more: str = "") -> None:
        _replace(
            self.settings,
            "data_dir: .\nroutes: site.routes.yaml\nadmin: {listen: '127.0.0.1:0'}\nlog: {access: 'off'}\n"
            + (more or "proxy: {listen: '127.0.0.1:0'}\n"),
        )

    def write_map(self, text: str) -> str:
        """Its version."""
        _replace(self.map, text)
        return hashlib.sha256(text.encode()).hexdigest()


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text)
    draft.replace(path)


def bearer(issued: Issued) -> bytes:
    """The field that carries this token."""
    return b"Authorization: Bearer " + issued.secret.encode("ascii")
