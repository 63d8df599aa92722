"""The long run: `python -m tests.fuzz --minutes 10` draws new cases until the time is up and prints what came out."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import uvloop
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz import responses
from tests.fuzz.cases import REQUESTS, RESPONSES, RequestCase, ResponseCase
from tests.fuzz.live import LiveProxy
from tests.wiring.databases import run, serving
from tests.wiring.standing import make_standing

_BATCH: Final = settings(
    max_examples=500,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Summary:
    """How many cases ran, and each distinct failure with its shortest case."""

    requests: int = 0
    responses: int = 0
    failures: dict[str, str] = field(default_factory=dict)


def _request_batch(loop: asyncio.Runner, proxy: LiveProxy, summary: Summary, number: int) -> None:
    last: list[list[bytes]] = []

    @seed(number)
    @_BATCH
    @given(REQUESTS)
    def batch(case: RequestCase) -> None:
        summary.requests += 1
        last[:] = [case.packets()]
        loop.run(proxy.check(case.packets()))

    _guarded(batch, summary, lambda: repr(last))


def _response_batch(summary: Summary, number: int) -> None:
    last: list[object] = []

    @seed(number)
    @_BATCH
    @given(RESPONSES)
    def batch(case: ResponseCase) -> None:
        summary.responses += 1
        last[:] = [case.method, case.pieces()]
        responses.check(case.method, case.pieces())

    _guarded(batch, summary, lambda: repr(last))


def _guarded(batch: Callable[[], None], summary: Summary, last: Callable[[], str]) -> None:
    try:
        batch()
    except Exception as error:  # noqa: BLE001 - every failure is collected
        (where, *_) = [*reversed(traceback.extract_tb(error.__traceback__))]
        name = f"{where.filename.rpartition('/')[2]}:{where.lineno} {str(error)[:120]}"
        if name not in summary.failures:
            summary.failures[name] = last()
            print(f"{name}\n    {last()}", flush=True)


def main() -> int:
    """Zero when no case failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    summary = Summary()
    ends_at = time.monotonic() + 60 * chosen.minutes
    with serving() as databases, tempfile.TemporaryDirectory() as folder:
        run(databases.template())
        dsn = run(databases.create())
        standing = run(make_standing(dsn))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
            proxy = loop.run(LiveProxy.start(Path(folder), standing))
            number = chosen.seed
            while time.monotonic() < ends_at:
                number += 1
                _request_batch(loop, proxy, summary, number)
                _response_batch(summary, number)
            loop.run(proxy.close())
    print(json.dumps(asdict(summary), indent=2))
    return 1 if summary.failures else 0


if __name__ == "__main__":
    sys.exit(main())
