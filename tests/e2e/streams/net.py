"""Services that keep a connection open, and a gateway with routes to them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import websockets
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection, serve

from gateway.core.model import RouteMap
from gateway.wiring.routes import publishable
from tests.proxy.recording import SECONDS, Line, RecordingUpstream
from tests.wiring.rig import Gateway, Rig

ROUTES: Final = """
upstreams:
  main: {urls: ["MAIN"]}
services:
  streams:
    upstream: main
    routes:
      GET /events/{id}: contacts.readonly
      POST /files/upload: {scope: contacts.write, body_limit: 8GiB}
      GET /plain: contacts.readonly
      GET /socket/{id}: {scope: contacts.readonly, websocket: true}
      POST /socket/{id}: contacts.readonly
      GET /open: {access: public, websocket: true}
"""


def stream_map(rig: Rig, url: str) -> RouteMap:
    path = rig.folder / "streams.yaml"
    path.write_text(ROUTES.replace("MAIN", url))
    return publishable(path)[0]


@asynccontextmanager
async def sockets(
    handler: Callable[[ServerConnection], Awaitable[None]], **options: Any
) -> AsyncIterator[str]:
    """A WebSocket service made with a library; its URL."""

    async def guarded(socket: ServerConnection) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            await handler(socket)

    options = {"max_size": 64 * 2**20, **options}
    async with serve(guarded, "127.0.0.1", 0, **options) as server:
        (listener,) = server.sockets
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


async def socket_service(
    rig: Rig, handler: Callable[[ServerConnection], Awaitable[None]], **options: Any
) -> str:
    """The same, for as long as the rig lasts."""
    return await rig._stack.enter_async_context(sockets(handler, **options))


async def echo(socket: ServerConnection) -> None:
    async for message in socket:
        await socket.send(message)


def connected(
    gateway: Gateway, token: str, path: str = "/socket/s1", **options: Any
) -> contextlib.AbstractAsyncContextManager[ClientConnection]:
    """A WebSocket client made with a library."""
    options = {
        "max_size": 64 * 2**20,
        "ping_interval": None,
        "proxy": None,
        "open_timeout": SECONDS,
        **options,
    }
    return websockets.connect(
        f"ws://127.0.0.1:{gateway.node.proxy_port}{path}",
        additional_headers={"Authorization": f"Bearer {token}"},
        **options,
    )


class Exactly:
    """An upstream's line, read to the byte."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def exactly(self, size: int) -> bytes:
        async with asyncio.timeout(SECONDS):
            return await self._line.reader.readexactly(size)


async def streaming(rig: Rig, upstream: RecordingUpstream, **values: Any) -> Gateway:
    """A gateway in front of it that knows the routes above."""
    return await rig.gateway(stream_map(rig, upstream.url), **values)
