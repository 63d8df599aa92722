"""One connection to a running proxy, fed with anything: it answers or closes, and nothing of it stays behind.

It polls where others await: the gateway has no events that only a fuzzer would want.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import time
from pathlib import Path
from typing import Final

from gateway.proxy.connection import ProxyConnection
from gateway.wiring.routes import publishable
from tests.fuzz.strict_reader import complete_requests
from tests.proxy.recording import OK, Arrival, Line, RecordingUpstream
from tests.wiring.rig import Gateway, Rig
from tests.wiring.standing import MAP, Standing

_SECONDS: Final = 30.0
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) [^\r\n]*\r\n")
_LONG_AFTER: Final = 100_000.0
_SOCKET_ROUTE: Final = "      GET /socket: {scope: contacts.readonly, websocket: true}\n  agencies:"


class Complaints(logging.Handler):
    """Whatever is logged while requests are served: nothing that a caller sends is worth a log line of its own."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


async def _answer(arrival: Arrival, line: Line) -> None:
    await line.read_body(arrival)
    await line.send(OK.removesuffix(b"ok") if arrival.method == "HEAD" else OK)


class LiveProxy:
    """A gateway in this process, its upstream, and what one case needs to look at. Make with `start`."""

    def __init__(self, rig: Rig, gateway: Gateway, upstream: RecordingUpstream) -> None:
        self._rig = rig
        self._gateway = gateway
        self._upstream = upstream
        self._complaints = Complaints()
        self._token = rig.token.encode()
        logging.getLogger().addHandler(self._complaints)
        asyncio.get_running_loop().set_exception_handler(
            lambda _loop, context: self._complaints.lines.append(repr(context))
        )

    @classmethod
    async def start(cls, folder: Path, standing: Standing) -> LiveProxy:
        rig = Rig(folder, standing)
        upstream = await rig.upstream(_answer)
        path = folder / "fuzz.yaml"
        text = MAP.replace("MAIN", upstream.url).replace("AWAY", rig.away)
        path.write_text(text.replace("  agencies:", _SOCKET_ROUTE, 1))
        gateway = await rig.gateway(
            publishable(path)[0], proxy__guessing={"free": 0, "per": "1h", "delay": "1s"}
        )
        return cls(rig, gateway, upstream)

    async def close(self) -> None:
        logging.getLogger().removeHandler(self._complaints)
        asyncio.get_running_loop().set_exception_handler(None)
        await self._rig.close()

    async def check(self, packets: list[bytes]) -> None:
        """Send the packets on a new connection. Raises AssertionError when an invariant does not hold."""
        packets = [packet.replace(b"TOKEN", self._token) for packet in packets]
        self._upstream.take()
        answered = await self._converse(packets)
        _check_answers(answered)
        await self._nothing_is_left()
        assert not self._complaints.lines, self._complaints.lines
        assert not self._upstream.faults, self._upstream.faults
        self._check_arrivals(b"".join(packets))

    def _check_arrivals(self, sent: bytes) -> None:
        """Each whole request that arrived was sent, in this order; beside those, one may have been begun."""
        complete = complete_requests(sent)
        arrivals = self._upstream.take()
        assert len(arrivals) <= len(complete) + 1, f"more than was sent: {arrivals}"
        expected = iter(complete)
        for arrival in arrivals:
            if arrival.whole:
                alike = arrival.method.encode(), arrival.body
                assert any((one.method, one.body) == alike for one in expected), f"never sent: {arrival}"

    async def _converse(self, packets: list[bytes]) -> bytes:
        loop = asyncio.get_running_loop()
        before = set(self._connections())
        with socket.create_connection(("127.0.0.1", self._gateway.node.proxy_port)) as caller:
            caller.setblocking(False)
            caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            answered = bytearray()
            async with asyncio.timeout(_SECONDS):
                while not (new := set(self._connections()) - before):  # noqa: ASYNC110
                    await asyncio.sleep(0)
            (connection,) = new
            try:
                async with asyncio.timeout(_SECONDS):
                    for packet in packets:
                        await loop.sock_sendall(caller, packet)
                        await asyncio.sleep(0)
                        await asyncio.sleep(0)
                    await self._settled(connection)
                    reading = asyncio.ensure_future(_read(caller, answered))
                    # Time passes: whoever waits for more bytes has waited long enough.
                    while not reading.done():
                        connection.check(time.monotonic() + _LONG_AFTER)
                        await asyncio.sleep(0)
                    await reading
            except (ConnectionError, BrokenPipeError):
                pass  # it closed while there was more to come
            except TimeoutError:
                raise AssertionError(f"it hangs: {connection!r}, {bytes(answered)!r}") from None
            return bytes(answered)

    def _connections(self) -> list[ProxyConnection]:
        return [
            connection
            for connection in self._gateway.node._proxy.connections
            if isinstance(connection, ProxyConnection)
        ]

    async def _settled(self, connection: ProxyConnection) -> None:
        """Waits while something is being served that can go on without the caller."""
        quiet = 0
        while quiet < 5:
            quiet = 0 if self._at_work(connection) else quiet + 1
            await asyncio.sleep(0)

    def _at_work(self, connection: ProxyConnection) -> bool:
        exchange = connection._exchange
        if exchange is None:
            return False
        # With a body that has not ended, only the caller can go on, once there is an upstream.
        return exchange._body is None or exchange._body.complete or exchange._upstream is None

    async def _nothing_is_left(self) -> None:
        """No connection, no task, no place taken in a pool."""

        def left() -> list[object]:
            tasks = [
                task
                for task in asyncio.all_tasks() - self._upstream._tasks
                if "Exchange" in repr(task) or "Standing" in repr(task)
            ]
            busy = [
                address
                for pool in self._gateway.node._proxy.pools
                for address in pool.addresses
                if address.busy or address.waiting
            ]
            return [*self._connections(), *tasks, *busy]

        try:
            async with asyncio.timeout(_SECONDS):
                while left():  # noqa: ASYNC110
                    await asyncio.sleep(0)
        except TimeoutError:
            raise AssertionError(f"left over: {left()}") from None


async def _read(caller: socket.socket, answered: bytearray) -> None:
    loop = asyncio.get_running_loop()
    while piece := await loop.sock_recv(caller, 65536):
        answered += piece


def _check_answers(answered: bytes) -> None:
    """What the caller got are HTTP responses, none of which says that the gateway failed."""
    assert not answered or _STATUS_LINE.match(answered), answered
    assert b"500" not in _STATUS_LINE.findall(answered), answered
