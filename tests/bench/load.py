"""The load: wrk as fast as the contender lets it, and `pace` at a fixed rate. Both on their own core."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.contender import PATH
from tests.bench.programs import Failed, found, pinned

ROOT: Final = Path(__file__).parents[2]
# Called once, at the end: exact numbers instead of rounded ones, at no cost per request.
_REPORT: Final = """
done = function(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        '\\n{"requests": %d, "microseconds": %d, "statuses": %d, "broken": %d}\\n',
        summary.requests, summary.duration, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout))
end
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What wrk saw. `bad_statuses`: answers from 400 on; `broken`: connections or answers that failed or were late."""

    requests: int
    seconds: float
    bad_statuses: int
    broken: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Paced:
    """What callers saw at the fixed rate, in milliseconds from when each request was due. `not_2xx` of `requests`."""

    requests: int
    not_2xx: int
    p50: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A load on one core, with one credential, until it stops answering in `folder`'s script."""

    core: int
    credential: str
    folder: Path
    connections: int
    rate: float
    paced_connections: int

    def saturate(self, port: int, seconds: float) -> Run:
        """As many requests as get through in this time."""
        wrk = found("wrk")
        if wrk is None:
            raise Failed("wrk is missing; on Debian and Ubuntu: apt install wrk")
        script = self.folder / "report.lua"
        script.write_text(_REPORT)
        output = self._run(
            [
                *(str(wrk), "-t", "1", "-c", str(self.connections), "-d", f"{max(1, round(seconds))}s"),
                *(
                    "-s",
                    str(script),
                    "-H",
                    f"Authorization: {self.credential}",
                    f"http://127.0.0.1:{port}{PATH}",
                ),
            ],
            seconds,
        )
        said = json.loads(output.splitlines()[-1])
        return Run(
            requests=said["requests"],
            seconds=said["microseconds"] / 1e6,
            bad_statuses=said["statuses"],
            broken=said["broken"],
        )

    def pace(self, port: int, seconds: float) -> Paced:
        """The fixed rate, whatever the answers take."""
        output = self._run(
            [
                *(sys.executable, "-m", "tests.bench.pace", str(port), PATH, self.credential),
                *(str(self.rate), str(self.paced_connections), str(seconds)),
            ],
            seconds,
        )
        return Paced(**json.loads(output))

    def _run(self, command: list[str], seconds: float) -> str:
        done = subprocess.run(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds + 30,
            check=False,
            start_new_session=True,
            preexec_fn=pinned(self.core),
        )
        if done.returncode:
            raise Failed(f"{Path(command[0]).name} failed:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
        return done.stdout
