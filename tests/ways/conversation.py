"""One talk on its way: sends its packets, each when nothing more comes of those before, and writes down what was seen.

Nothing here waits for a time: it is known of each byte whether it has arrived, for the gateway runs in this process.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from typing import Final

from gateway.proxy.connection import ProxyConnection
from gateway.proxy.record import Trail
from tests.ways.ends import End, Upstream
from tests.ways.flows import Flow, Flows
from tests.ways.record import Record, record_of
from tests.ways.talk import Seen, Talk
from tests.ways.way import Way

# Whatever does not come to rest within both: a machine may stand still for a while, and a loop may be quick.
_SECONDS: Final = 60.0
_TURNS: Final = 10_000
# An end of a connection is not counted as bytes are: it has come when the loop has looked for it so often.
_QUIET_TURNS: Final = 3


class Desk:
    """Numbers requests and takes their records, of one talk after the other."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._numbers: Iterator[int] = itertools.count(1)

    def begin(self) -> None:
        """Another talk begins."""
        self.records, self._numbers = [], itertools.count(1)

    def new_request_id(self) -> str:
        """The next one, which is the same in every run."""
        return f"made-{next(self._numbers)}"

    def record(self, trail: Trail) -> None:
        """Keep what there is to be compared."""
        self.records.append(record_of(trail))


class Conversation:
    """A talk with the gateway that listens on `port`."""

    def __init__(
        self, talk: Talk, way: Way, *, port: int, upstream: Upstream, desk: Desk, flows: Flows
    ) -> None:
        self._talk = talk
        self._way = way
        self._port = port
        self._upstream = upstream
        self._desk = desk
        self._flows = flows
        self._caller = End()

    def __repr__(self) -> str:
        return f"<Conversation {self._talk.name} {self._way}>"

    async def run(self) -> Seen:
        """The whole of it."""
        caller, upstream, talk = self._caller, self._upstream, self._talk
        apart = self._way is Way.APART
        upstream.begin(talk, apart=apart)
        self._desk.begin()
        await asyncio.get_running_loop().create_connection(lambda: caller, "127.0.0.1", self._port)
        try:
            for packet in talk.packets:
                for piece in packet.pieces() if apart else (packet.data,):
                    if not caller.ended:
                        caller.send(piece)
                    await self._settle()
            ended = caller.ended
            caller.finish()
            await self._settle()
        finally:
            caller.close()
        self._flows.callers.pop(caller.port, None)
        assert not upstream.faults, f"{talk.name} {self._way}: {upstream.faults}"
        return Seen(
            bytes(caller.received),
            ended,
            tuple(upstream.arrived),
            tuple(end.unread for end in upstream.ends if end.unread),
            tuple(self._desk.records),
        )

    async def _settle(self) -> None:
        """Wait until all that was sent has arrived, and nothing more comes of it."""
        quiet = turns = 0
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _SECONDS
        while quiet < _QUIET_TURNS:
            busy = self._go_on() or self._is_busy()
            quiet = 0 if busy else quiet + 1
            turns += 1
            await asyncio.sleep(0)
            assert turns < _TURNS or loop.time() < deadline, f"{self!r} does not come to rest: {busy}"

    def _go_on(self) -> str:
        for end in self._upstream.ends:
            flow = self._flows.upstreams.get(end.port)
            if flow is not None and end.go_on(is_read=flow.lost or flow.read == end.sent):
                return "the upstream speaks"
        return ""

    def _is_busy(self) -> str:
        """What is still under way; empty if nothing is."""
        return self._caller_is_busy() or next(
            (
                busy
                for end in self._upstream.ends
                if (busy := _on_its_way(end, self._flows.upstreams.get(end.port)))
            ),
            "",
        )

    def _caller_is_busy(self) -> str:
        caller = self._caller
        flow = self._flows.callers.get(caller.port)
        if flow is None:
            return "the caller is not connected"
        assert isinstance(flow.connection, ProxyConnection)
        if flow.connection._closing is not None and not (caller.ended or caller.lost):
            return "the gateway ends the caller's connection"
        exchange = flow.connection._exchange
        if exchange is not None and exchange._task is not None:
            return "an exchange waits for a task"
        return _on_its_way(caller, flow, ignoring=flow.connection._closing is not None)


def _on_its_way(end: End, flow: Flow | None, *, ignoring: bool = False) -> str:
    """What has not arrived between an end and the gateway. `ignoring`: the gateway need not read any more."""
    if flow is None:
        return "a connection is being made"
    if end.lost or flow.lost:
        return "" if flow.lost and (end.lost or end.ended) else "an end of a connection"
    if flow.written != len(end.received):
        return f"bytes from the gateway, {flow.written} for {len(end.received)}"
    if flow.read != end.sent and not ignoring:
        return f"bytes to the gateway, {end.sent} for {flow.read}"
    return "an end of a connection" if end.finished else ""
