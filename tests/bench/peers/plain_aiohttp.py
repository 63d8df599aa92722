"""The baseline as a contender."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Final

from tests.bench.contender import Contender
from tests.bench.programs import Program, free_port

_ROOT: Final = Path(__file__).parents[3]


class PlainAiohttp(Contender):
    """`tests/bench/baseline.py` in one process."""

    def start(self) -> None:
        job = self._job
        self.port = free_port()
        callers = self.folder / "callers.json"
        callers.write_text(json.dumps([asdict(caller) for caller in job.callers]))
        address = f"http://127.0.0.1:{job.upstream_port}"
        self._program = Program(
            [sys.executable, "-m", "tests.bench.baseline", str(self.port), address, callers],
            core=job.core,
            output=self.folder / "output",
            cwd=_ROOT,
        )
        self._program.wait_for_port(self.port)
