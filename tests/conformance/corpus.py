"""All cases, by class."""

from __future__ import annotations

from collections import Counter
from typing import Final

from tests.conformance.case import Case
from tests.conformance.cases import (
    bodies,
    chunked,
    connections,
    credentials,
    endings,
    heads,
    identity,
    lengths,
    paths,
    targets,
    upgrades,
    upstreams,
)

_TABLES: Final = (
    lengths,
    chunked,
    heads,
    targets,
    paths,
    credentials,
    identity,
    bodies,
    connections,
    upstreams,
    endings,
    upgrades,
)


def corpus() -> tuple[Case, ...]:
    """Every case once; names are stable and unique."""
    cases = tuple(case for table in _TABLES for case in table.cases())
    twice = [name for name, count in Counter(case.name for case in cases).items() if count > 1]
    assert not twice, f"two cases of one name: {twice}"
    return cases
