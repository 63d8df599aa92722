"""The proxy listener: accepts callers' connections, keeps time over them, and lets them finish when it ends."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Iterable
from functools import partial

from aiohttp import http_parser, web
from aiohttp.web_request import BaseRequest

from gateway.proxy.connection import ProxyConnection
from gateway.proxy.gate import Gate
from gateway.proxy.listener import Listener
from gateway.proxy.pool import Pool


class PurePythonParser(RuntimeError):
    """aiohttp runs on its fallback parser, which reads several ambiguous requests as valid."""


def require_strict_parser() -> None:
    """Raise PurePythonParser unless aiohttp's compiled parser is in use."""
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise PurePythonParser(
            "aiohttp's compiled HTTP parser is missing and its pure-Python one is not strict enough for a gateway; "
            "install an aiohttp wheel for this platform and unset AIOHTTP_NO_EXTENSIONS"
        )


async def _unused_handler(request: BaseRequest) -> web.StreamResponse:
    raise NotImplementedError(f"{request.path} reached aiohttp's own handler loop, which is never started")


class ProxyServer(Listener):
    """All connections of one listener, and the pools that serve them, which are swept along with them."""

    def __init__(self, gate: Gate, *, pools: Iterable[Pool], tick_seconds: float) -> None:
        super().__init__(_unused_handler)
        require_strict_parser()
        self.gate = gate
        self.pools = tuple(pools)
        self._tick_seconds = tick_seconds
        self._ticker: asyncio.Task[None] | None = None
        self._listener: asyncio.Server | None = None
        self._all_closed = asyncio.Event()
        self._all_closed.set()

    def __repr__(self) -> str:
        return f"<ProxyServer {len(self._connections)} connections>"

    def take_over(self, gate: Gate, *, pools: Iterable[Pool], tick_seconds: float) -> None:
        """Let every request from now on come through this gate.

        Requests that came before keep theirs. Addresses that no pool has any more are closed as they come free.
        """
        former = {address for pool in self.pools for address in pool.addresses}
        self.gate = gate
        self.pools = tuple(pools)
        self._tick_seconds = tick_seconds
        for address in former.difference(address for pool in self.pools for address in pool.addresses):
            address.close()

    def __call__(self) -> ProxyConnection:
        return ProxyConnection(self, self.gate, loop=self._loop)

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self._all_closed.clear()

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:  # noqa: ARG002
        self._connections.pop(handler, None)
        if not self._connections:
            self._all_closed.set()

    async def listen(
        self,
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | None = None,
        listening: socket.socket | None = None,
    ) -> int:
        """Accept connections from now on. Returns the port, which the system chooses when `port` is 0.

        `listening` is a socket that listens already, in place of the address. Raises OSError when the address cannot be had.
        """
        timeouts = self.gate.timeouts
        create = partial(
            self._loop.create_server,
            self,
            ssl=tls,
            backlog=2048,
            ssl_handshake_timeout=timeouts.head if tls is not None else None,
            ssl_shutdown_timeout=timeouts.linger if tls is not None else None,
        )
        self._listener = await (create(host, port) if listening is None else create(sock=listening))
        self._ticker = self._loop.create_task(self._tick())
        bound: int = self._listener.sockets[0].getsockname()[1]
        return bound

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._tick_seconds)
            self._look(time.monotonic())

    def _look(self, now: float) -> None:
        """Not a part of `_tick`, whose variables would keep the last connection in memory until another is looked at."""
        for connection in list(self._connections):
            assert isinstance(connection, ProxyConnection)
            connection.check(now)
        for pool in self.pools:
            pool.sweep(now)

    async def drain(self, seconds: float) -> bool:
        """Stop accepting, let requests in flight finish; whether all did before the time was up."""
        if self._listener is not None:
            self._listener.close()
        for connection in list(self._connections):
            assert isinstance(connection, ProxyConnection)
            connection.drain()
        try:
            async with asyncio.timeout(seconds):
                await self._all_closed.wait()
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        """End what is left at once."""
        if self._listener is not None:
            self._listener.close()
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.gather(self._ticker, return_exceptions=True)
        for connection in list(self._connections):
            assert isinstance(connection, ProxyConnection)
            connection.cut()
        if self._connections:
            await self._all_closed.wait()
        for pool in self.pools:
            pool.close()
