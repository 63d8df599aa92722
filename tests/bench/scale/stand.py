"""What all parts stand on: the cores, an upstream, a database with tokens, gateways and loads as they need them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.contender import Contender, Job
from tests.bench.installed_gateway import Gateway, Installation
from tests.bench.load import Load
from tests.bench.programs import Failed, pinned
from tests.bench.rounds import at_full_load
from tests.bench.upstream import Upstream

_ROOT: Final = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """`core` is the gateway's, `load_core` all others'. `rounds` are how many, numbered from `first_round`."""

    folder: Path
    core: int
    load_core: int
    rounds: Sequence[int]
    seconds: float
    upstream: Upstream
    installation: Installation
    job: Job
    stack: ExitStack

    def place(self, name: str) -> Path:
        """A folder of its own, for files."""
        made = self.folder / name
        made.mkdir(exist_ok=True)
        return made

    def started(self, contender: Contender) -> Contender:
        """It runs until the part ends."""
        self.stack.callback(contender.stop)
        contender.start()
        return contender

    def gateway(self, name: str, settings: Mapping[str, str] | None = None) -> Gateway:
        """A running gateway with its default settings, but for these."""
        made = Gateway(name, self.job, self.installation, log=True, settings=settings)
        self.started(made)
        return made

    def load(self, name: str, requests: Sequence[Sequence[bytes]], connections: int) -> Load:
        """A load of these requests."""
        return Load(
            core=self.load_core,
            requests=requests,
            folder=self.place(f"load-{name}"),
            connections=connections,
            rate=1,
            paced_connections=1,
        )

    def probe(self, module: str, *words: str) -> dict[str, float]:
        """What a program of the bench prints, run on the gateway's core. Raises Failed."""
        done = subprocess.run(
            [sys.executable, "-m", module, *words],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
            preexec_fn=pinned(self.core),
        )
        if done.returncode:
            raise Failed(f"{module} failed:\n{done.stderr[-2000:]}")
        found: dict[str, float] = json.loads(done.stdout)
        return found

    def say(self, line: str) -> None:
        """Progress, for people."""
        print(line, file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """CPU time and requests of a contender at full load."""

    cpu_seconds: float
    requests: int
    seconds: float

    @property
    def microseconds(self) -> float:
        """CPU per request."""
        return self.cpu_seconds / self.requests * 1e6

    @property
    def per_second(self) -> float:
        """Requests."""
        return self.requests / self.seconds


def pressed(load: Load, contender: Contender, seconds: float) -> Pressed:
    """Run the load. Raises Failed when an answer was not 2xx or broke off."""
    run, used = at_full_load(load, contender, seconds)
    if run.wrong:
        raise Failed(
            f"{contender.name} gave {run.bad_statuses} answers that were not 2xx, and {run.broken} broke off"
        )
    return Pressed(cpu_seconds=used, requests=run.requests, seconds=run.seconds)


@contextmanager
def standing(
    folder: Path,
    *,
    core: int,
    load_core: int,
    rounds: Sequence[int],
    seconds: float,
    tokens: int,
    callers: int,
) -> Iterator[Stand]:
    """Everything started, and ended afterwards."""
    with ExitStack() as stack:
        upstream = Upstream(folder, core=load_core)
        stack.callback(upstream.stop)
        installation = Installation(folder, upstream_port=upstream.port, tokens=tokens)
        stack.callback(installation.stop)
        job = Job(
            folder=folder, core=core, upstream_port=upstream.port, callers=installation.callers(callers)
        )
        yield Stand(
            folder=folder,
            core=core,
            load_core=load_core,
            rounds=rounds,
            seconds=seconds,
            upstream=upstream,
            installation=installation,
            job=job,
            stack=stack,
        )
