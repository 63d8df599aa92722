"""A bound on a wait for the store that does not take a pause of this process for silence of the store's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

# The last part of a wait begins when the loop runs: what came while the process stood still is read within it.
_LAST_PART: Final = 0.25


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """As `asyncio.timeout`. Raises TimeoutError.

    A loop that runs again after a pause looks at its clock first, and only then at what has come: a machine that was
    suspended, or had no time for this process, would find the store away though it has answered.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as bound:
        last = loop.call_later(
            seconds * (1 - _LAST_PART), lambda: bound.reschedule(loop.time() + seconds * _LAST_PART)
        )
        try:
            yield
        finally:
            last.cancel()
