"""Runs one case against one product: sends its bytes, waits for events with a bound, and writes down what both sides saw."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Final

from tests.conformance.case import (
    LANE,
    TOKEN,
    Answered,
    Arrived,
    Case,
    Continued,
    End,
    HalfClose,
    Leave,
    Observation,
    Send,
    Settled,
    Stand,
)
from tests.conformance.lane import PROBE, Lane
from tests.conformance.messages import request
from tests.conformance.strict import read_answers

BOUND_SECONDS: Final = 3.0
# An end that does not come is a finding, not a hang: a shorter wait will do.
_END_SECONDS: Final = 1.0
_QUIET_SECONDS: Final = 0.015


class Door:
    """Where a product listens, for each stand, and the token it knows there."""

    def __init__(self, ports: dict[Stand, int], tokens: dict[Stand, str]) -> None:
        self.ports = ports
        self._tokens = {stand: token.encode("ascii") for stand, token in tokens.items()}
        assert {len(token) for token in self._tokens.values()} == {len(TOKEN)}, "not as long as the stand-in"

    def __repr__(self) -> str:
        return f"Door({self.ports})"

    def filled(self, data: bytes, lane: Lane, stand: Stand) -> bytes:
        """The bytes of a case, with what its stand-ins stand for."""
        return data.replace(TOKEN, self._tokens[stand]).replace(LANE, lane.prefix)


class _Line:
    """The caller's connection: collects what comes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, news: asyncio.Event) -> None:
        self.writer = writer
        self.received = b""
        self.end = End.OPEN
        self._reader = reader
        self._news = news
        self._task = asyncio.get_running_loop().create_task(self._collect())

    async def _collect(self) -> None:
        try:
            while data := await self._reader.read(65536):
                self.received += data
                self._news.set()
            self.end = End.CLOSED
        except ConnectionError:
            self.end = End.RESET
        self._news.set()

    def leave(self) -> None:
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self.writer.transport.abort()


class Conversation:
    """One case on its way."""

    def __init__(self, case: Case, door: Door, lane: Lane, number: int) -> None:
        self._case = case
        self._door = door
        self._lane = lane
        self._number = number
        self._news = asyncio.Event()
        self._seen = Observation()

    def __repr__(self) -> str:
        return f"<Conversation {self._case.name}>"

    async def run(self) -> Observation:
        """The whole of it."""
        lane, case, seen = self._lane, self._case, self._seen
        lane.begin(case.script, self._news)
        port = self._door.ports[case.stand]
        line = _Line(*await asyncio.open_connection("127.0.0.1", port), self._news)
        sock = line.writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        deadline = asyncio.get_running_loop().time() + BOUND_SECONDS
        try:
            for step in case.steps:
                await self._take(step, line, deadline)
            if not isinstance(case.steps[-1], Leave):
                seen.late = not await self._until(lambda: self._is_over(line), deadline)
            lane.answered.set()
            if case.expect.closes:
                end = asyncio.get_running_loop().time() + _END_SECONDS
                await self._until(lambda: line.end is not End.OPEN, end)
            lane.serve()
            seen.poison = await self._probe(port)
            await self._settle()
            self._look(line)
        finally:
            await line.close()
            seen.arrivals = await lane.end()
        return seen

    def _filled(self, data: bytes) -> bytes:
        return self._door.filled(data, self._lane, self._case.stand)

    async def _take(self, step: object, line: _Line, deadline: float) -> None:
        match step:
            case Send(data):
                line.writer.write(self._filled(data))
                # What refuses a message may close before it has read all of it.
                await asyncio.gather(line.writer.drain(), return_exceptions=True)
            case Arrived(count):
                await self._until(
                    lambda: len(self._lane.arrivals) >= count or bool(self._finals(line)) or _ended(line), deadline
                )
            case Answered(count):
                await self._until(lambda: len(self._finals(line)) >= count or _ended(line), deadline)
                self._lane.answered.set()
            case Continued():
                await self._until(lambda: line.received.endswith(b"\r\n\r\n") or _ended(line), deadline)
            case Settled():
                await self._settle()
            case HalfClose():
                if line.writer.can_write_eof() and not _ended(line):
                    line.writer.write_eof()
            case Leave():
                line.leave()

    def _finals(self, line: _Line) -> tuple[object, ...]:
        return self._read(line)[0]

    def _read(self, line: _Line):  # type: ignore[no-untyped-def] # what read_answers gives
        return read_answers(
            line.received,
            self._case.methods,
            closed=line.end is not End.OPEN,
            reset=line.end is End.RESET,
        )

    def _is_over(self, line: _Line) -> bool:
        if line.end is not End.OPEN:
            return True
        over = len(self._finals(line)) >= len(self._case.methods)
        if over:
            self._lane.answered.set()
        return over

    async def _until(self, condition: Callable[[], bool], deadline: float) -> bool:
        """Whether it came to hold in time; it is asked whenever something happened."""
        loop = asyncio.get_running_loop()
        while not condition():
            self._news.clear()
            try:
                async with asyncio.timeout_at(max(deadline, loop.time())):
                    await self._news.wait()
            except TimeoutError:
                return condition()
        return True

    async def _settle(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._news.clear()
            try:
                async with asyncio.timeout_at(loop.time() + _QUIET_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                return

    def _look(self, line: _Line) -> None:
        seen = self._seen
        seen.received, seen.end = line.received, line.end
        seen.answers, seen.surplus, seen.faults = self._read(line)

    async def _probe(self, port: int) -> str:
        """The next caller's request, which must get its own answer, whatever happened before. It is a fence as well."""
        name = PROBE + b"%d" % self._number
        target = LANE + b"/items/" + name
        data = self._filled(request(b"Connection: close", target=target))
        expected = self._filled(b"GET " + target)
        answer = b""
        try:
            async with asyncio.timeout(BOUND_SECONDS):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    writer.write(data)
                    answer = await reader.read()
                finally:
                    writer.transport.abort()
        except (ConnectionError, TimeoutError) as error:
            return f"{type(error).__name__} after {answer!r}"
        answers, surplus, faults = read_answers(answer, ("GET",), closed=True)
        if len(answers) == 1 and answers[0].status == 200 and answers[0].body == expected and not surplus:
            return ""
        return f"{answer!r} {faults}"


def _ended(line: _Line) -> bool:
    return line.end is not End.OPEN
