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
    AfterAnswer,
    Answer,
    Answered,
    Arrival,
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
    Trickle,
)
from tests.conformance.lane import PROBE, Lane
from tests.conformance.messages import request
from tests.conformance.strict import read_answers

BOUND_SECONDS: Final = 3.0
# An end that does not come is a finding, not a hang: a shorter wait will do.
_END_SECONDS: Final = 1.0
# A product that reads a whole body before it connects never lets its head arrive alone: then the case goes on.
_STEP_SECONDS: Final = 0.5
_QUIET_SECONDS: Final = 0.015


class Door:
    """Where a product listens, for each stand, and the token it knows there.

    `patience` is how many times longer than usual it is waited for: of a product that answers everything only those
    answers that would be wrong take longer.
    """

    def __init__(self, ports: dict[Stand, int], tokens: dict[Stand, str], *, patience: float = 1.0) -> None:
        self.patience = patience
        self.ports = ports
        self._tokens = {stand: token.encode("ascii") for stand, token in tokens.items()}
        assert {len(token) for token in self._tokens.values()} == {len(TOKEN)}, "not as long as the stand-in"

    def __repr__(self) -> str:
        return f"Door({self.ports})"

    def put_back(self, data: bytes, lane: Lane, stand: Stand) -> bytes:
        """What was seen, with the stand-ins where they belong."""
        return data.replace(self._tokens[stand], TOKEN).replace(lane.prefix + b"/", LANE + b"/")

    def filled(self, data: bytes, lane: Lane, stand: Stand) -> bytes:
        """The bytes of a case, with what its stand-ins stand for."""
        return data.replace(TOKEN, self._tokens[stand]).replace(LANE, lane.prefix)


class _Line:
    """The caller's connection: collects what comes."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, news: asyncio.Event
    ) -> None:
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
        patience = self._door.patience
        lane.begin(case.script, self._news)
        port = self._door.ports[case.stand]
        line = _Line(*await asyncio.open_connection("127.0.0.1", port), self._news)
        sock = line.writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop = asyncio.get_running_loop()
        try:
            for step in case.steps:
                await self._take(step, line, loop.time() + _STEP_SECONDS * patience)
            deadline = loop.time() + BOUND_SECONDS * patience
            if not isinstance(case.steps[-1], Leave):
                seen.late = not await self._until(lambda: self._is_over(line), deadline)
            lane.answered.set()
            if case.expect.closes:
                await self._until(lambda: line.end is not End.OPEN, loop.time() + _END_SECONDS * patience)
            if any(isinstance(action, AfterAnswer) for action in case.script):
                await self._settle()  # what the upstream does then belongs to this case
            lane.serve()
            await self._probe(port)
            await self._settle()
            self._look(line)
        finally:
            await line.close()
            seen.arrivals = tuple(self._told(arrival) for arrival in await lane.end())
        return seen

    def _filled(self, data: bytes) -> bytes:
        return self._door.filled(data, self._lane, self._case.stand)

    def _put_back(self, data: bytes) -> bytes:
        return self._door.put_back(data, self._lane, self._case.stand)

    def _told(self, arrival: Arrival) -> Arrival:
        arrival.raw, arrival.target = self._put_back(arrival.raw), self._put_back(arrival.target)
        arrival.body, arrival.tunnelled = self._put_back(arrival.body), self._put_back(arrival.tunnelled)
        arrival.fields = tuple((name, self._put_back(value)) for name, value in arrival.fields)
        return arrival

    async def _take(self, step: object, line: _Line, deadline: float) -> None:
        match step:
            case Send(data):
                line.writer.write(self._filled(data))
                # What refuses a message may close before it has read all of it.
                await asyncio.gather(line.writer.drain(), return_exceptions=True)
            case Trickle(data):
                for byte in self._filled(data):
                    if _ended(line):
                        break
                    line.writer.write(bytes((byte,)))
                    await asyncio.sleep(0)
            case Arrived(count):
                await self._until(
                    lambda: len(self._lane.arrivals) >= count or bool(self._finals(line)) or _ended(line),
                    deadline,
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

    def _finals(self, line: _Line) -> tuple[Answer, ...]:
        return self._read(line)[0]

    def _read(self, line: _Line) -> tuple[tuple[Answer, ...], bytes, tuple[str, ...]]:
        return read_answers(
            self._put_back(line.received),
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
        seen.received, seen.end = self._put_back(line.received), line.end
        seen.answers, seen.surplus, seen.faults = self._read(line)

    async def _probe(self, port: int) -> None:
        """The next caller's request, which must get its own answer, whatever happened before. It is a fence as well."""
        target = LANE + b"/items/" + PROBE + b"%d" % self._number
        answer = b""
        try:
            async with asyncio.timeout(BOUND_SECONDS * self._door.patience):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    writer.write(self._filled(request(b"Connection: close", target=target)))
                    answer = await reader.read()
                finally:
                    writer.transport.abort()
        except (ConnectionError, TimeoutError) as error:
            self._seen.starved = f"{type(error).__name__} after {answer!r}"
            return
        answers, surplus, faults = read_answers(answer, ("GET",), closed=True)
        own = self._filled(b"GET " + target)
        if len(answers) == 1 and not surplus and answers[0].status == 200 and answers[0].body == own:
            return
        if (
            not surplus
            and not faults
            and all(told.status >= 400 and own not in told.body for told in answers)
        ):
            self._seen.starved = repr(answer)
        else:
            self._seen.poison = f"{answer!r} {faults}"


def _ended(line: _Line) -> bool:
    return line.end is not End.OPEN
