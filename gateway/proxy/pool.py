"""The kept connections to one upstream's addresses: which one serves next, and which is left out for a while."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from gateway.proxy.upstream import UpstreamConnection

_FIRST_PENALTY_SECONDS: Final = 1.0
_LAST_PENALTY_SECONDS: Final = 30.0


class Unreachable(Exception):
    """No address of the upstream could be connected to. The text is for the log."""


class Busy(Exception):
    """Every connection that may be opened is in use, and none came free in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRules:
    """Bounds of a pool: seconds, and connections per address."""

    connect_seconds: float
    keep_alive_seconds: float
    max_connections: int


class Address:
    """One base address of an upstream, its idle connections and how it fares. It outlives the pools it is in."""

    def __init__(self, url: str, tls: ssl.SSLContext | None) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self.url = url
        self.host = parts.hostname
        self.port = parts.port or (443 if parts.scheme == "https" else 80)
        self.tls = tls if parts.scheme == "https" else None
        self.host_field = parts.netloc.encode("ascii")
        self.idle: deque[UpstreamConnection] = deque()
        self.closed = False
        self.busy = 0
        self.waiting: deque[asyncio.Future[None]] = deque()
        self.left_out_until = 0.0
        self._penalty = _FIRST_PENALTY_SECONDS

    def __repr__(self) -> str:
        return f"<Address {self.url} busy={self.busy} idle={len(self.idle)}>"

    def refused(self, now: float) -> None:
        """A connect failed: leave the address out, longer each time."""
        self.left_out_until = now + self._penalty
        self._penalty = min(self._penalty * 2, _LAST_PENALTY_SECONDS)

    def connected(self) -> None:
        """A connect succeeded: the address is whole again."""
        self.left_out_until = 0.0
        self._penalty = _FIRST_PENALTY_SECONDS

    def take_idle(self) -> UpstreamConnection | None:
        """The idle connection used last that is still quiet; the others on the way are closed."""
        while self.idle:
            connection = self.idle.pop()
            if connection.is_quiet():
                return connection
            connection.abort()
        return None

    def close(self) -> None:
        """Close what is idle; what is in use is closed when its response ends."""
        self.closed = True
        while self.idle:
            self.idle.pop().abort()

    def wake_one(self) -> None:
        """A connection came free: let the first who waits look again."""
        while self.waiting:
            future = self.waiting.popleft()
            if not future.done():
                future.set_result(None)
                return


class Pool:
    """The addresses of one upstream. Requests go to the address with the fewest outstanding ones."""

    def __init__(
        self,
        name: str,
        addresses: list[Address],
        *,
        rules: PoolRules,
        preserve_host: bool,
        monotonic: Callable[[], float],
    ) -> None:
        self.name = name
        self.addresses = addresses
        self.preserve_host = preserve_host
        self._rules = rules
        self._monotonic = monotonic
        self._turn = 0

    def __repr__(self) -> str:
        return f"<Pool {self.name} {self.addresses}>"

    def take(self) -> tuple[Address, UpstreamConnection] | None:
        """A kept connection of the address whose turn it is, without waiting; None when one must be opened."""
        address = self.addresses[0] if len(self.addresses) == 1 else self._order()[0]
        connection = address.take_idle()
        if connection is None:
            return None
        address.busy += 1
        return address, connection

    async def open(self, *, fresh: bool = False) -> tuple[Address, UpstreamConnection]:
        """A connection to the best address that answers, `fresh`: not a kept one. Raises Unreachable or Busy."""
        problems = []
        for address in self._order():
            if address.busy >= self._rules.max_connections:
                await self._wait_for_room(address)
            address.busy += 1
            kept = None if fresh else address.take_idle()
            if kept is not None:
                return address, kept
            try:
                return address, await self._connect(address)
            except (OSError, ssl.SSLError, TimeoutError) as error:
                self.free(address)
                address.refused(self._monotonic())
                problems.append(f"{address.url}: {error!r}")
            except BaseException:
                self.free(address)
                raise
        raise Unreachable("; ".join(problems))

    async def _connect(self, address: Address) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._rules.connect_seconds):
            _, connection = await loop.create_connection(
                UpstreamConnection,
                address.host,
                address.port,
                ssl=address.tls,
                server_hostname=address.host if address.tls is not None else None,
            )
        address.connected()
        return connection

    async def _wait_for_room(self, address: Address) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        address.waiting.append(future)
        try:
            async with asyncio.timeout(self._rules.connect_seconds):
                while address.busy >= self._rules.max_connections:
                    await future
                    if address.busy >= self._rules.max_connections:
                        future = asyncio.get_running_loop().create_future()
                        address.waiting.appendleft(future)
        except BaseException as error:
            if future.done() and not future.cancelled():
                address.wake_one()  # the place that was meant for this one is for the next
            if not isinstance(error, TimeoutError):
                raise
            raise Busy(f"{address.url} has {address.busy} requests outstanding") from None

    def give_back(self, address: Address, connection: UpstreamConnection) -> None:
        """A response has ended: keep the connection if it may carry another request, else close it."""
        if connection.release() and not address.closed:
            connection.idle_since = self._monotonic()
            address.idle.append(connection)
        else:
            connection.abort()
        self.free(address)

    def free(self, address: Address) -> None:
        """The request that held a place at this address is over."""
        address.busy -= 1
        if address.waiting:
            address.wake_one()

    def sweep(self, now: float) -> None:
        """Close connections that have been idle for longer than they may."""
        for address in self.addresses:
            while address.idle and now - address.idle[0].idle_since > self._rules.keep_alive_seconds:
                address.idle.popleft().abort()

    def close(self) -> None:
        """Close every address."""
        for address in self.addresses:
            address.close()

    def _order(self) -> list[Address]:
        """All addresses, the best first: whole before left out, then by outstanding requests, then in turn."""
        now = self._monotonic()
        self._turn += 1
        count = len(self.addresses)
        turned = [self.addresses[(self._turn + step) % count] for step in range(count)]
        return sorted(turned, key=lambda address: (address.left_out_until > now, address.busy))
