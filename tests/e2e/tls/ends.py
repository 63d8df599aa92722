"""An upstream and a caller as the other tests have them, over TLS."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass

from tests.proxy.caller import SECONDS, Caller
from tests.proxy.recording import RecordingUpstream
from tests.wiring.rig import Rig


@dataclass(slots=True, eq=False)
class SecureUpstream(RecordingUpstream):
    """Serves what its certificate says it is."""

    tls: ssl.SSLContext | None = None
    name: str = "127.0.0.1"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=2**20, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        return f"https://{self.name}:{self.port}"


async def secured(rig: Rig, upstream: SecureUpstream) -> SecureUpstream:
    """Started, for as long as the rig lasts."""
    await upstream.start()
    rig._stack.push_async_callback(upstream.stop)
    return upstream


async def secure_caller(rig: Rig, port: int, trusting: ssl.SSLContext) -> Caller:
    """A connection to the proxy's TLS listener, for as long as the rig lasts."""
    async with asyncio.timeout(SECONDS):
        caller = Caller(
            *await asyncio.open_connection(
                "127.0.0.1", port, ssl=trusting, server_hostname="localhost", limit=2**20
            )
        )
    rig._stack.push_async_callback(caller.close)
    return caller
