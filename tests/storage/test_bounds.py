"""A wait for the store ends in time, and a pause of the process is not held against the store."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from gateway.storage.bounds import within


async def test_who_does_not_answer_is_not_waited_for() -> None:
    with pytest.raises(TimeoutError):
        async with within(0.05):
            await asyncio.Event().wait()


async def test_what_is_done_in_time_goes_on_without_a_bound() -> None:
    async with within(0.05):
        pass
    await asyncio.sleep(0.1)


async def test_an_answer_that_came_while_the_process_stood_still_is_taken() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        reader, writer = await asyncio.open_connection(sock=ours)
        async with within(0.2):
            theirs.send(b"x")
            time.sleep(0.3)  # noqa: ASYNC251 - the loop stands still
            assert await reader.readexactly(1) == b"x"
        writer.close()
        await writer.wait_closed()


async def test_a_task_that_is_cancelled_is_not_told_of_the_time() -> None:
    async def wait() -> None:
        async with within(60):
            await asyncio.Event().wait()

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
