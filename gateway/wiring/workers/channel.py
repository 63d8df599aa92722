"""How a supervisor and a worker talk: questions and answers in both directions over a pair of sockets.

A message is a line of JSON: `{"ask": WHAT, "value": …, "id": N}`, where no answer is wanted without the id, and
`{"id": N, "answer": …}`. Both ends are of one version: the one starts the other. The end of file means that the other is gone.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import orjson
import structlog

Answering = Callable[[str, Any], Awaitable[Any]]
# The figures of a worker with thousands of series are one line.
_LONGEST_LINE: Final = 64 * 1024 * 1024


class Gone(Exception):
    """The other end is not there any more."""


class Channel:
    """One end. `answer` is given what the other end asks, and its value; what it raises is logged, and answered by null."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answer: Answering
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._answer = answer
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._answers: set[asyncio.Task[None]] = set()
        self._gone = False

    def __repr__(self) -> str:
        return f"<Channel {'gone' if self._gone else 'open'}, {len(self._asked)} questions>"

    @classmethod
    async def over(cls, end: socket.socket, *, answer: Answering) -> Channel:
        """The channel over one of the pair's sockets."""
        return cls(*await asyncio.open_connection(sock=end, limit=_LONGEST_LINE), answer=answer)

    def tell(self, what: str, value: object = None) -> None:
        """Say something that needs no answer. To nobody it is not said."""
        self._send({"ask": what, "value": value})

    async def ask(self, what: str, value: object = None, *, seconds: float) -> Any:
        """The other end's answer. Raises Gone, and TimeoutError after `seconds`."""
        if self._gone:
            raise Gone
        number = next(self._numbers)
        future = self._asked[number] = asyncio.get_running_loop().create_future()
        self._send({"ask": what, "value": value, "id": number})
        try:
            async with asyncio.timeout(seconds):
                return await future
        finally:
            self._asked.pop(number, None)

    async def serve(self) -> None:
        """Answer until the other end is gone."""
        try:
            while line := await self._reader.readline():
                message = orjson.loads(line)
                if "answer" in message:
                    self._settle(message)
                else:
                    task = asyncio.create_task(self._reply(message))
                    self._answers.add(task)
                    task.add_done_callback(self._answers.discard)
        except ConnectionError:
            pass
        finally:
            self.close()

    def close(self) -> None:
        """End it: who waits for an answer gets Gone."""
        self._gone = True
        for future in self._asked.values():
            if not future.done():
                future.set_exception(Gone())
        self._writer.close()

    def _settle(self, message: dict[str, Any]) -> None:
        future = self._asked.get(message["id"])
        if future is not None and not future.done():
            future.set_result(message["answer"])

    async def _reply(self, message: dict[str, Any]) -> None:
        found = None
        try:
            found = await self._answer(message["ask"], message["value"])
        except Exception:  # noqa: BLE001 - a defect in one answer must not end the talk
            structlog.get_logger("gateway").exception(
                "a question between processes failed", ask=message["ask"]
            )
        if "id" in message:
            self._send({"id": message["id"], "answer": found})

    def _send(self, message: dict[str, object]) -> None:
        if not self._gone:
            with suppress(ConnectionError):
                self._writer.write(orjson.dumps(message) + b"\n")
