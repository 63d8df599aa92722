"""The README's figures are those of the results that are kept, and these are of enough rounds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.bench.field import GATEWAY, LOGGING, names
from tests.bench.mix import Mix
from tests.bench.readme import BEGIN, END, README, RESULTS, held, section, written
from tests.bench.scale.command import PARTS

RESULT_FILES = sorted(RESULTS.glob("*.json"))


def test_the_readme_is_as_make_figures_writes_it() -> None:
    assert README.read_text() == written(README.read_text(), held())


def test_the_marks_must_be_there() -> None:
    with pytest.raises(ValueError, match="once each"):
        written(f"{BEGIN}\n", held())
    assert written(f"a\n{BEGIN}\nold\n{END}\nb\n", held()) == f"a\n{section(held())}\nb\n"


def test_everyone_is_in_the_table_with_at_least_five_rounds() -> None:
    standings = {each["contender"]: each for each in held()[Mix.MIXED]["standings"]}
    assert list(standings) == names()
    assert {
        name: each["cpu_microseconds"]["rounds"]
        for name, each in standings.items()
        if each["cpu_microseconds"]["rounds"] < 5
    } == {}
    ours = standings[GATEWAY + LOGGING]
    row = next(line for line in section(held()).splitlines() if line.startswith(f"| **{GATEWAY + LOGGING}**"))
    assert f"{ours['ratios']['nginx + Lua, log']['median']:.2f} (" in row


def test_what_grows_is_told_with_at_least_five_rounds() -> None:
    figures: list[dict[str, Any]] = held()["scale"]["figures"]
    assert {figure["part"] for figure in figures} <= set(PARTS)
    assert [figure for figure in figures if figure["value"]["rounds"] < 5] == []


@pytest.mark.parametrize("file", RESULT_FILES, ids=lambda file: file.name)
def test_results_name_no_place_of_the_machine_they_come_from(file: Any) -> None:
    text = file.read_text()
    assert "/home/" not in text
    assert '"/' not in text
    assert json.loads(text)["command"].startswith("make bench")
