"""The figures of several processes as those of one: what was counted adds up, what is measured is told for each.

A family is `[name, type, help, [[sample, {label: value}, number], …]]`, so that it can travel as JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

Family: TypeAlias = list[Any]
Figures: TypeAlias = list[Family]

# Of these every process has counted a part. All others are told apart by the label `worker`.
_ADDED: Final = frozenset({"counter", "histogram"})


def figures_of(registry: CollectorRegistry) -> Figures:
    """All figures of this process, as they are now."""
    return [
        [
            family.name,
            family.type,
            family.documentation,
            [[sample.name, sample.labels, sample.value] for sample in family.samples],
        ]
        for family in registry.collect()
    ]


def counted(*parts: Figures) -> Figures:
    """What was counted in all parts together, without what was measured: what stays of a process that is gone."""
    return _added(family for part in parts for family in part)


def together(workers: Mapping[int, Figures], *, former: Figures) -> Figures:
    """The figures of all workers, and of those that were there before them (see `counted`)."""
    every = [*former, *(family for figures in workers.values() for family in figures)]
    found = _added(every)
    measured: dict[str, Family] = {}
    for slot, figures in workers.items():
        for name, kind, words, samples in figures:
            if kind in _ADDED:
                continue
            family = measured.setdefault(name, [name, kind, words, []])
            family[3] += [
                [sample, {**labels, "worker": str(slot)}, number] for sample, labels, number in samples
            ]
    return [*found, *measured.values()]


def _added(families: Iterable[Family]) -> Figures:
    names: dict[str, tuple[str, str]] = {}
    sums: dict[str, dict[tuple[Any, ...], list[Any]]] = {}
    for name, kind, words, samples in families:
        if kind not in _ADDED:
            continue
        names.setdefault(name, (kind, words))
        known = sums.setdefault(name, {})
        for sample, labels, number in samples:
            key = (sample, *labels.items())
            if key in known:
                known[key][2] += number
            else:
                known[key] = [sample, labels, number]
    return [[name, kind, words, list(sums[name].values())] for name, (kind, words) in names.items()]


class _Told(Collector):
    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        for name, kind, words, samples in self._figures:
            family = Metric(name, words, kind)
            for sample, labels, number in samples:
                family.add_sample(sample, labels, number)
            yield family


def exposition(figures: Figures) -> bytes:
    """The figures as Prometheus reads them."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Told(figures))
    return generate_latest(registry)
