"""The figures for people, as tables, and for programs, as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Final

from tests.bench.figures import Figure, Sample, Standing, figure, refused, standings
from tests.bench.table import shown, table

# From here on others have disturbed the caches and the turns of the contenders more than rounds can even out.
_NOISY_SHARE: Final = 0.1
# /proc counts in hundredths of a second: from here on that is finer than 1 %.
_LITTLE_CPU_SECONDS: Final = 1.0


def as_json(
    samples: Sequence[Sample], *, references: Sequence[str], setting: Mapping[str, object]
) -> dict[str, object]:
    """Everything: where and how (`setting`), the figures, and the rounds they come from."""
    return {
        **setting,
        "standings": [asdict(standing) for standing in standings(samples, references=references)],
        "refused": refused(samples),
        "direct": {
            "p50": asdict(figure(_direct(samples, "direct_p50"))),
            "p99": asdict(figure(_direct(samples, "direct_p99"))),
            "p999": asdict(figure(_direct(samples, "direct_p999"))),
        },
        "rounds": [asdict(sample) for sample in samples],
    }


def as_text(samples: Sequence[Sample], *, references: Sequence[str], rate: float) -> str:
    """Three tables and what must be known with them."""
    found = standings(samples, references=references)
    return "\n".join(
        [
            "CPU per request at full load, median (least–most) of the rounds; where the core is not full, the load was the limit",
            *table(
                ("", "µs/request", "requests/s", "core", *(f"× {name}" for name in references)),
                [_cpu_row(standing, references) for standing in found],
            ),
            "",
            f"CPU per request at {rate:g} requests/s, where everybody is woken for each",
            *table(
                ("", "µs/request", *(f"× {name}" for name in references)),
                [_paced_cpu_row(standing, references) for standing in found],
            ),
            "",
            f"Latency at {rate:g} requests/s, in ms; added: less the upstream's own in the same round",
            *table(
                ("", "p50", "p99", "p99.9", "added p50"),
                [_direct_row(samples), *(_latency_row(standing) for standing in found)],
            ),
            "",
            *_remarks(samples, found),
        ]
    )


def _cpu_row(standing: Standing, references: Sequence[str]) -> tuple[str, ...]:
    return (
        standing.contender,
        shown(standing.cpu_microseconds, 1),
        shown(standing.requests_per_second, 0),
        f"{standing.core_share.median:.0%}",
        *_ratios(standing.ratios, references),
    )


def _paced_cpu_row(standing: Standing, references: Sequence[str]) -> tuple[str, ...]:
    cpu = shown(standing.paced_cpu_microseconds, 1)
    return standing.contender, cpu, *_ratios(standing.paced_ratios, references)


def _ratios(ratios: Mapping[str, Figure], references: Sequence[str]) -> list[str]:
    found = [ratios.get(name) for name in references]
    return ["-" if compared is None else shown(compared, 2) for compared in found]


def _latency_row(standing: Standing) -> tuple[str, ...]:
    figures = (standing.p50, standing.p99, standing.p999, standing.added_p50)
    return (standing.contender, *(shown(each, 3) for each in figures))


def _direct_row(samples: Sequence[Sample]) -> tuple[str, ...]:
    figures = (figure(_direct(samples, name)) for name in ("direct_p50", "direct_p99", "direct_p999"))
    return ("upstream alone", *(shown(each, 3) for each in figures), "-")


def _direct(samples: Sequence[Sample], name: str) -> list[float]:
    """The upstream's own latency of each round, which is written into all samples of the round."""
    return list({sample.round: float(getattr(sample, name)) for sample in samples}.values())


def _remarks(samples: Sequence[Sample], found: Sequence[Standing]) -> list[str]:
    lines = [
        f"{name} is left out: {count} of its answers were not 2xx or broke off"
        for name, count in refused(samples).items()
    ]
    stored = [
        standing.postgres_cpu_microseconds.median
        for standing in found
        if standing.contender.startswith("gateway")
    ]
    if stored:
        lines.append(
            f"PostgreSQL, on the other core, took up to {max(stored):.2f} µs per request of a gateway."
        )
    foreign = median(sample.foreign_share for sample in samples)
    if foreign > _NOISY_SHARE:
        lines.append(
            f"Noisy: other programs used {foreign:.0%} of the contenders' core. Compare the ratios, not the times."
        )
    if min(sample.cpu_seconds for sample in samples) < _LITTLE_CPU_SECONDS:
        lines.append(
            "Coarse: a contender used less than a second of CPU in a round. Give it more with --seconds."
        )
    return lines
