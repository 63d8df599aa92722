"""The load: wrk as fast as the contender lets it, and `pace` at a fixed rate. Both on their own core."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.programs import Failed, found, pinned

ROOT: Final = Path(__file__).parents[2]
# The requests are read from a file, NUL between them; each of wrk's threads has its own list and its own connections.
# At the end exact numbers instead of rounded ones.
_SCRIPT: Final = """
local threads = 0
function setup(thread)
    thread:set("list", threads)
    threads = threads + 1
end
function init(arguments)
    local file = assert(io.open(arguments[1] .. list, "rb"))
    local text = file:read("*a")
    file:close()
    requests, at = {}, 0
    for request in text:gmatch("([^%z]+)%z") do
        requests[#requests + 1] = request
    end
end
{pause}
function request()
    at = at % #requests + 1
    return requests[at]
end
function done(summary, latency, requests)
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

    @property
    def wrong(self) -> int:
        """All that did not end as it should."""
        return self.bad_statuses + self.broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Paced:
    """What callers saw at the fixed rate, in milliseconds from when each request was due. `not_2xx` of `requests`."""

    requests: int
    not_2xx: int
    p50: float
    p99: float
    p999: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A load on one core. `requests` are lists, each for connections of its own; their files are in `folder`."""

    core: int
    requests: Sequence[Sequence[bytes]]
    folder: Path
    connections: int
    rate: float
    paced_connections: int

    def saturate(self, port: int, seconds: float) -> Run:
        """As many requests as get through in this time."""
        with self.pressing(port, seconds) as ended:
            return ended()

    @contextmanager
    def pressing(self, port: int, seconds: float, *, pause_seconds: float = 0) -> Iterator[Callable[[], Run]]:
        """The load in the background; call what it gives to wait for its end. Each connection pauses before a request."""
        wrk = found("wrk")
        if wrk is None:
            raise Failed("wrk is missing; on Debian and Ubuntu: apt install wrk")
        script = self.folder / "load.lua"
        pause = f"function delay() return {pause_seconds * 1000:.0f} end" if pause_seconds else ""
        script.write_text(_SCRIPT.replace("{pause}", pause))
        command = [
            *(str(wrk), "-t", str(len(self.requests)), "-c", str(self.connections)),
            # A machine that is busy elsewhere makes answers late, not wrong.
            *("--timeout", "20s"),
            *("-d", f"{max(1, round(seconds))}s", "-s", str(script)),
            *(f"http://127.0.0.1:{port}/", "--", str(self._written())),
        ]
        with self._started(command) as process:
            yield lambda: _read(self._ended(process, seconds))

    def pace(self, port: int, seconds: float) -> Paced:
        """The fixed rate, whatever the answers take."""
        output = self._run(
            [
                *(sys.executable, "-m", "tests.bench.pace", str(port), str(self._written())),
                *(str(self.rate), str(self.paced_connections), str(seconds)),
            ],
            seconds,
        )
        return Paced(**json.loads(output))

    def _written(self) -> Path:
        """Where the lists are, less the number that each name ends with."""
        place = self.folder / "requests."
        if not place.with_name("requests.0").exists():
            for number, requests in enumerate(self.requests):
                place.with_name(f"requests.{number}").write_bytes(b"".join(each + b"\0" for each in requests))
        return place

    def _run(self, command: list[str], seconds: float) -> str:
        with self._started(command) as process:
            return self._ended(process, seconds)

    @contextmanager
    def _started(self, command: list[str]) -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=pinned(self.core),  # noqa: PLW1509 - there are no threads here
        ) as process:
            try:
                yield process
            except BaseException:
                process.kill()
                raise

    def _ended(self, process: subprocess.Popen[str], seconds: float) -> str:
        output, complaints = process.communicate(timeout=seconds + 30)
        if process.returncode:
            name = Path(str(process.args[0])).name  # type: ignore[index]
            raise Failed(f"{name} failed:\n{output[-1000:]}{complaints[-1000:]}")
        return output


def _read(output: str) -> Run:
    said = json.loads(output.splitlines()[-1])
    return Run(
        requests=said["requests"],
        seconds=said["microseconds"] / 1e6,
        bad_statuses=said["statuses"],
        broken=said["broken"],
    )
