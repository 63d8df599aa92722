"""The baseline as a contender."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.bench.contender import Contender, Job
from tests.bench.programs import Program, free_port

ROOT = Path(__file__).parents[2]


class PlainAiohttp(Contender):
    """`tests/bench/baseline.py` in one process."""

    def __init__(self, name: str, job: Job) -> None:
        super().__init__(name)
        self._job = job

    def start(self) -> None:
        job = self._job
        self.port = free_port()
        address = f"http://127.0.0.1:{job.upstream_port}"
        self._program = Program(
            [
                *(sys.executable, "-m", "tests.bench.baseline"),
                *(str(self.port), address, job.credential, job.account_id),
            ],
            core=job.core,
            output=job.folder / "baseline.output",
            cwd=ROOT,
        )
        self._program.wait_for_port(self.port)
