"""The rounds: every contender in turn, again and again, so that what changes on the machine meets all alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench.contender import Contender
from tests.bench.figures import Sample
from tests.bench.load import Load, Paced, Run
from tests.bench.programs import Failed, core_busy_seconds, cpu_seconds, running_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What is run: how often, how long at full load, and how long at the fixed rate."""

    rounds: int
    seconds: float
    paced_seconds: float
    warm_up_seconds: float


class Referee:
    """Runs contenders on `core` and measures them. `database_pids` are PostgreSQL's, `say` takes a line for people."""

    def __init__(
        self,
        load: Load,
        *,
        core: int,
        upstream_port: int,
        database_pids: Callable[[], list[int]],
        say: Callable[[str], None],
    ) -> None:
        self._load = load
        self._core = core
        self._upstream_port = upstream_port
        self._database_pids = database_pids
        self._say = say

    def __repr__(self) -> str:
        return f"<Referee core={self._core}>"

    def run(self, contenders: Sequence[Contender], course: Course) -> list[Sample]:
        """Warm everything up, then all rounds. Raises Failed."""
        for contender in contenders:
            self._load.saturate(contender.port, course.warm_up_seconds)
        samples = []
        for number in range(1, course.rounds + 1):
            direct = self._load.pace(self._upstream_port, course.paced_seconds)
            if direct.not_2xx:
                raise Failed(f"the upstream itself gave {direct.not_2xx} answers that were not 2xx")
            for contender in contenders:
                sample = self._measure(contender, number, course, direct)
                samples.append(sample)
                self._say(
                    f"round {number}/{course.rounds}  {contender.name:22} "
                    f"{sample.cpu_microseconds:7.1f} µs/request  p50 {sample.p50:.3f} ms"
                )
        return samples

    def _measure(self, contender: Contender, number: int, course: Course, direct: Paced) -> Sample:
        database, busy = self._database_pids(), core_busy_seconds(self._core)
        stored = cpu_seconds(database)
        run, own = at_full_load(self._load, contender, course.seconds)
        stored = cpu_seconds(self._database_pids()) - stored
        busy = core_busy_seconds(self._core) - busy
        pids = contender.pids
        at_ease = running_seconds(pids)
        paced = self._load.pace(contender.port, course.paced_seconds)
        at_ease = running_seconds(pids) - at_ease
        return Sample(
            contender=contender.name,
            round=number,
            requests=run.requests,
            seconds=run.seconds,
            cpu_seconds=own,
            paced_requests=paced.requests,
            paced_cpu_seconds=at_ease,
            postgres_cpu_seconds=stored,
            foreign_share=max(0.0, busy - own) / run.seconds,
            wrong=run.wrong + paced.not_2xx,
            p50=paced.p50,
            p99=paced.p99,
            p999=paced.p999,
            direct_p50=direct.p50,
            direct_p99=direct.p99,
            direct_p999=direct.p999,
        )


def at_full_load(load: Load, contender: Contender, seconds: float) -> tuple[Run, float]:
    """What the load saw, and the seconds of CPU that the contender used. Raises Failed when nothing was answered."""
    before = cpu_seconds(contender.pids)
    run = load.saturate(contender.port, seconds)
    # The tree is looked up again: what it started meanwhile is its own as well.
    used = cpu_seconds(contender.pids) - before
    if not run.requests:
        raise Failed(f"{contender.name} answered nothing in {run.seconds:.1f} s")
    return run, used
