"""Where the CPU time of a request goes: the kernel, the interpreter, the event loop, other libraries. By perf's samples."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tests.bench.installed_gateway import Gateway
from tests.bench.mix import Mix, requests
from tests.bench.programs import Failed, found
from tests.bench.scale.readings import Reading
from tests.bench.scale.stand import Stand, pressed

PART: Final = "profile"
_CONNECTIONS: Final = 32
# Off the beat of whatever happens a thousand times a second.
_SAMPLES_PER_SECOND: Final = 1997
_LINE: Final = re.compile(r"^\s*([0-9.]+)%\s+(\S+)\s*$", re.MULTILINE)
# What a mapped file is part of; the first that fits.
_KINDS: Final = {
    "kernel": re.compile(r"^\[kernel"),
    "interpreter": re.compile(r"^(libpython|python3)"),
    "event loop": re.compile(r"^loop\."),
    "other libraries": re.compile(""),
}


def measure(stand: Stand) -> Iterator[Reading]:
    """One gateway at full load, sampled. Raises Failed where perf is missing or may not look."""
    perf = found("perf")
    if perf is None:
        raise Failed("perf is missing; on Debian: apt install linux-perf")
    load = stand.load("profile", requests(Mix.MIXED, stand.job.callers, host="api.example.com"), _CONNECTIONS)
    gateway = Gateway("profile", stand.job, stand.installation, log=False)
    stand.started(gateway)
    pressed(load, gateway, 2)
    for number in stand.rounds:
        samples = stand.place("profile") / f"{number}.data"
        recorder = subprocess.Popen(
            [
                *(perf, "record", "--quiet", "--event=cpu-clock", f"--freq={_SAMPLES_PER_SECOND}"),
                *(f"--pid={gateway.pids[0]}", f"--output={samples}"),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            run = pressed(load, gateway, stand.seconds)
        finally:
            recorder.terminate()
            _, said = recorder.communicate()
        if not samples.exists():
            raise Failed(f"perf took no samples: {said.strip()}")
        for kind, share in shares(_report(perf, samples)).items():
            yield Reading(
                part=PART,
                case=kind,
                figure="µs CPU per request",
                round=number,
                value=run.microseconds * share,
                digits=1,
                compared=False,
            )


def _report(perf: Path, samples: Path) -> str:
    done = subprocess.run(
        [perf, "report", "--stdio", "--sort=dso", "--fields=overhead,dso", f"--input={samples}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Failed(f"perf cannot read its samples: {done.stderr.strip()}")
    return done.stdout


def shares(report: str) -> Mapping[str, float]:
    """Of all samples, by kind. `report` is perf's, a line for each mapped file."""
    found_shares = dict.fromkeys(_KINDS, 0.0)
    for match in _LINE.finditer(report):
        kind = next(kind for kind, pattern in _KINDS.items() if pattern.search(match[2]))
        found_shares[kind] += float(match[1]) / 100
    return found_shares
