"""From rounds to figures: medians, spreads, and ratios of what was measured in the same round. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

Rounds = dict[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """The median of several rounds, and how far they lie apart."""

    median: float
    least: float
    most: float
    rounds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One contender in one round. Seconds of CPU are its own; `postgres_cpu_seconds` beside it; latencies in ms.

    `paced_*` are of the fixed rate, the others of full load.

    `foreign_share`: how much of the core others used meanwhile. `wrong` counts answers that were not 2xx or broke.
    """

    contender: str
    round: int
    requests: int
    seconds: float
    cpu_seconds: float
    paced_requests: int
    paced_cpu_seconds: float
    postgres_cpu_seconds: float
    foreign_share: float
    wrong: int
    p50: float
    p99: float
    p999: float
    direct_p50: float
    direct_p99: float
    direct_p999: float

    @property
    def cpu_microseconds(self) -> float:
        """CPU time per completed request."""
        return self.cpu_seconds / self.requests * 1e6

    @property
    def paced_cpu_microseconds(self) -> float:
        """CPU time per request at the fixed rate, where nobody has work in store and everybody is woken for each."""
        return self.paced_cpu_seconds / self.paced_requests * 1e6

    @property
    def core_share(self) -> float:
        """How much of its core the contender used. Well below 1 the load was the limit, not the contender."""
        return self.cpu_seconds / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All figures of one contender. Ratios are of CPU per request, by the name of whom it is compared with.

    `paced_*` are of the fixed rate, the others of full load.
    """

    contender: str
    cpu_microseconds: Figure
    requests_per_second: Figure
    core_share: Figure
    p50: Figure
    p99: Figure
    p999: Figure
    added_p50: Figure
    added_p99: Figure
    postgres_cpu_microseconds: Figure
    ratios: dict[str, Figure]
    paced_cpu_microseconds: Figure
    paced_ratios: dict[str, Figure]


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of all do not exceed (nearest rank). Raises ValueError on none."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(1, ceil(len(ordered) * percent / 100)) - 1]


def figure(values: Iterable[float]) -> Figure:
    """Raises ValueError on no values."""
    held = list(values)
    if not held:
        raise ValueError("no rounds")
    return Figure(median=median(held), least=min(held), most=max(held), rounds=len(held))


def ratio(ours: Rounds, theirs: Rounds) -> Figure | None:
    """Ours to theirs, round by round: what slowed the machine in a round slowed both. None without a common round."""
    common = ours.keys() & theirs.keys()
    return figure(ours[number] / theirs[number] for number in sorted(common)) if common else None


def refused(samples: Iterable[Sample]) -> dict[str, int]:
    """The contenders whose answers were not all 2xx, and how many were not: nothing of them is a figure."""
    counts: dict[str, int] = {}
    for sample in samples:
        if sample.wrong:
            counts[sample.contender] = counts.get(sample.contender, 0) + sample.wrong
    return counts


def standings(samples: Sequence[Sample], *, references: Sequence[str]) -> list[Standing]:
    """The figures of all that may be reported, in the order of the samples."""
    out = refused(samples)
    names = list(dict.fromkeys(sample.contender for sample in samples if sample.contender not in out))
    of = {name: [sample for sample in samples if sample.contender == name] for name in names}
    return [_standing(name, of, references) for name in names]


def _standing(name: str, of: dict[str, list[Sample]], references: Sequence[str]) -> Standing:
    own = of[name]

    def over(value: Callable[[Sample], float]) -> Figure:
        return figure(value(sample) for sample in own)

    def beside(value: Callable[[Sample], float]) -> dict[str, Figure]:
        compared = {
            reference: ratio(_by_round(own, value), _by_round(of.get(reference, []), value))
            for reference in references
        }
        return {reference: found for reference, found in compared.items() if found is not None}

    return Standing(
        contender=name,
        cpu_microseconds=over(lambda sample: sample.cpu_microseconds),
        requests_per_second=over(lambda sample: sample.requests / sample.seconds),
        core_share=over(lambda sample: sample.core_share),
        p50=over(lambda sample: sample.p50),
        p99=over(lambda sample: sample.p99),
        p999=over(lambda sample: sample.p999),
        added_p50=over(lambda sample: sample.p50 - sample.direct_p50),
        added_p99=over(lambda sample: sample.p99 - sample.direct_p99),
        postgres_cpu_microseconds=over(lambda sample: sample.postgres_cpu_seconds / sample.requests * 1e6),
        ratios=beside(lambda sample: sample.cpu_microseconds),
        paced_cpu_microseconds=over(lambda sample: sample.paced_cpu_microseconds),
        paced_ratios=beside(lambda sample: sample.paced_cpu_microseconds),
    )


def _by_round(samples: Iterable[Sample], value: Callable[[Sample], float]) -> Rounds:
    return {sample.round: value(sample) for sample in samples}
