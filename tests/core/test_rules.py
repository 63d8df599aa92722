from __future__ import annotations

import re

import pytest

from gateway.core.model import Problem
from gateway.core.rules import RULES, Rule


def test_every_rule_is_explained() -> None:
    assert set(RULES) == set(Rule)
    assert all(re.fullmatch(r"[A-Z].*\.", words) for words in RULES.values())
    assert len(set(RULES.values())) == len(RULES)


def test_names_of_rules_are_words_for_scripts() -> None:
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", rule.value) for rule in Rule)


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ("r.yaml:7", ("r.yaml", 7)),
        ("a:b/r.yaml:70", ("a:b/r.yaml", 70)),
        ("r.yaml", ("r.yaml", 0)),
        ("a:b/r.yaml", ("a:b/r.yaml", 0)),
        ("GATEWAY__LOG__LEVEL", ("GATEWAY__LOG__LEVEL", 0)),
        ("r.yaml:²", ("r.yaml:²", 0)),
        (":7", (":7", 0)),
    ],
)
def test_the_place_of_a_problem(where: str, place: tuple[str, int]) -> None:
    assert Problem(where=where, message="x").place == place
