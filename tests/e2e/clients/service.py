"""A service of the platform, made with aiohttp: answers with what it received, keeps what came, streams, sockets."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from aiohttp import WSMsgType, web

SIZE: Final = 5 * 2**20
# Every place in it differs from its neighbours': a lost, doubled or moved piece changes the digest.
CONTENT: Final = b"".join(number.to_bytes(4, "big") for number in range(SIZE // 4))
DIGEST: Final = hashlib.sha256(CONTENT).hexdigest()
ZIPPED: Final = gzip.compress(b'{"contact": "' + b"x" * 10_000 + b'"}', mtime=0)
ELSEWHERE: Final = "https://elsewhere.example/a?b=c%20d#e"
COOKIES: Final = (
    'session="a b,c"; Path=/; HttpOnly; SameSite=Lax',
    "pref=%7B1%7D; expires=Wed, 21 Oct 2099 07:28:00 GMT",
)
EVENTS: Final = 3


@dataclass(slots=True)
class Service:
    """What it received, and the events of its stream: each is sent when it is told that the one before was seen."""

    url: str = ""
    arrived: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    seen: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    def app(self) -> web.Application:
        app = web.Application(client_max_size=2 * SIZE, middlewares=[self._keep])
        app.add_routes(
            [
                web.get("/contacts/{id}", self._echo),
                web.post("/contacts/", self._echo),
                web.post("/files/upload", self._upload),
                web.get("/files/{id}", self._download),
                web.get("/files/{id}/chunked", self._download_chunked),
                web.get("/moved", self._moved),
                web.get("/zipped", self._zipped),
                web.get("/cookies", self._cookies),
                web.get("/events", self._events),
                web.get("/socket", self._socket),
            ]
        )
        return app

    @web.middleware
    async def _keep(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        self.arrived.append((request.method, request.path_qs, dict(request.headers)))
        return await handler(request)

    async def _echo(self, request: web.Request) -> web.Response:
        return web.json_response({"method": request.method, "body": await request.text()})

    async def _upload(self, request: web.Request) -> web.Response:
        digest, size = hashlib.sha256(), 0
        async for piece in request.content.iter_any():
            digest.update(piece)
            size += len(piece)
        framing = request.headers.get("Transfer-Encoding") or request.headers.get("Content-Length")
        return web.json_response({"digest": digest.hexdigest(), "size": size, "framing": framing})

    async def _download(self, request: web.Request) -> web.Response:
        return web.Response(body=CONTENT, content_type="application/octet-stream")

    async def _download_chunked(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for at in range(0, SIZE, 100_000):
            await response.write(CONTENT[at : at + 100_000])
        return response

    async def _moved(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": ELSEWHERE})

    async def _zipped(self, request: web.Request) -> web.Response:
        return web.Response(
            body=ZIPPED, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"}
        )

    async def _cookies(self, request: web.Request) -> web.Response:
        response = web.Response()
        for cookie in COOKIES:
            response.headers.add("Set-Cookie", cookie)
        return response

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number in range(EVENTS):
            async with asyncio.timeout(60):
                await self.seen.acquire()
            await response.write(b"data: %d\n\n" % number)
        return response

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=["v2", "v1"])
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)
        return socket


ROUTES: Final = """
upstreams:
  main: {urls: ["MAIN"]}
services:
  contacts:
    upstream: main
    routes:
      GET /contacts/{id}: contacts.readonly
      POST /contacts/: contacts.write
      POST /files/upload: contacts.write
      GET /files/{id}: contacts.readonly
      GET /files/{id}/chunked: contacts.readonly
      GET /moved: contacts.readonly
      GET /zipped: contacts.readonly
      GET /cookies: contacts.readonly
      GET /events: contacts.readonly
      GET /socket: {scope: contacts.readonly, websocket: true}
"""


@asynccontextmanager
async def serving() -> AsyncIterator[Service]:
    """A service that runs for the length of the block."""
    service = Service()
    runner = web.AppRunner(service.app(), access_log=None, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        service.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield service
    finally:
        await runner.cleanup()
