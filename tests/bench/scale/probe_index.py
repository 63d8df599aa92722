"""Run with a database, the peppers' file and a number: an index comes to know so many tokens; prints what it took."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import secrets
import sys
import time
from pathlib import Path

import uvloop

from gateway.core.tokens import Digester
from gateway.index.cache import TokenIndex
from gateway.settings.pepper import load_peppers
from gateway.storage.lookup import Lookup
from gateway.wiring.memory import settle
from gateway.wiring.store import opened
from tests.bench.population import caller

_WINDOW = 2_000
_HITS = 100_000
_PASSES = 3
_POOL = 10


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def _fill(index: TokenIndex, size: int) -> float:
    """Seconds until all are known, each asked for on its own, `_WINDOW` at a time, less the making of the tokens."""
    waited = 0.0
    for first in range(0, size, _WINDOW):
        tokens = [caller(number).token.encode() for number in range(first, min(first + _WINDOW, size))]
        begun = time.perf_counter()
        records = await asyncio.gather(*(index.load(token) for token in tokens))
        waited += time.perf_counter() - begun
        assert None not in records
    return waited


def _hit(index: TokenIndex, size: int) -> float:
    """Seconds of a look-up among all of them."""
    chance = random.Random(size)
    tokens = [caller(chance.randrange(size)).token.encode() for _ in range(_HITS)]
    best = float("inf")
    for _ in range(_PASSES):
        begun = time.perf_counter()
        for token in tokens:
            index.find(index.digest(token))
        best = min(best, time.perf_counter() - begun)
    assert index.counts.misses == 0
    return best / _HITS


async def main() -> None:
    """Prints bytes per token, microseconds per hit, seconds until all are known."""
    dsn, peppers_file, number = sys.argv[1:]
    size = int(number)
    peppers = load_peppers(Path(peppers_file), entropy=secrets.token_bytes)
    async with opened(dsn, pool_size=_POOL) as database:
        index = TokenIndex(
            Lookup(database, timeout_seconds=30),
            Digester(peppers.current, peppers.retired),
            max_entries=2 * size,
            max_unknown=1,
            fresh_seconds=3600,
            unknown_seconds=1,
            outage_grace_seconds=3600,
            monotonic=time.monotonic,
            settle=settle,
        )
        index.confirm(time.monotonic())
        # What the connections take is not the tokens'.
        await asyncio.gather(*(database.fetch("SELECT pg_sleep(0.1)") for _ in range(_POOL)))
        await index.load(caller(0).token.encode())
        gc.collect()
        before = _resident()
        filled = await _fill(index, size)
        gc.collect()
        grown = _resident() - before
        begun = time.perf_counter()
        gc.collect()
        collected = time.perf_counter() - begun
        assert len(index) == size
        print(
            json.dumps(
                {
                    "bytes per token": grown / size,
                    "µs per hit": _hit(index, size) * 1e6,
                    "ms of a garbage collection": collected * 1e3,
                    "s until all are known": filled,
                }
            )
        )


if __name__ == "__main__":
    uvloop.run(main())
