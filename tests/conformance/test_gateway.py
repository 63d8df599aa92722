"""Each case is a guarantee of its own: its name says what was sent, its failure what was seen instead."""

from __future__ import annotations

import pytest

from tests.conformance.case import Case, Kind
from tests.conformance.corpus import corpus
from tests.conformance.rounds import Outcome

CASES = corpus()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_case(case: Case, outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes[case.name]
    assert not outcome.problems, outcome.explain()


@pytest.mark.parametrize("kind", Kind)
def test_every_class_has_its_cases(kind: Kind) -> None:
    """A table that is forgotten would pass."""
    assert sum(case.kind is kind for case in CASES) >= 40
