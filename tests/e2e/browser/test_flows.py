"""Nothing that the documents tell people to do is left without a walk; `build/flows.md` is the list."""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.browser import test_documents, walking
from tests.e2e.browser.documents import TOLD

FLOWS = Path(__file__).parents[3] / "build" / "flows.md"


def walks() -> dict[str, list[Callable[..., Any]]]:
    """The tests that walk each number."""
    found: dict[str, list[Callable[..., Any]]] = defaultdict(list)
    for name, test in vars(test_documents).items():
        if name.startswith("test_"):
            assert getattr(test, "covers", ()), f"{name} says of no sentence that it walks it"
            for number in test.covers:
                found[number].append(test)
    return found


def source(test: Callable[..., Any]) -> str:
    """What a walk does, with the ways that it shares with others."""
    parts = [inspect.getsource(test)]
    for module in (test_documents, walking):
        for name, shared in vars(module).items():
            is_own = inspect.isfunction(shared) and not name.startswith("test_")
            if is_own and re.search(rf"\b{name}\(", parts[0]):
                parts.append(inspect.getsource(shared))
    return "\n".join(parts)


def test_every_sentence_is_walked_and_no_walk_is_of_a_sentence_that_is_not_there() -> None:
    assert set(walks()) == set(TOLD)


@pytest.mark.parametrize("document", ["how-to", "guide"])
def test_the_sentences_are_numbered_without_a_gap(document: str) -> None:
    numbers = [int(key.split()[1]) for key in TOLD if key.split()[0] == document]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("number", list(TOLD))
def test_what_a_sentence_names_is_found_by_that_name(number: str) -> None:
    missing = [
        name
        for name in TOLD[number].names
        if not any(
            re.search(rf'name="[^"]*{re.escape(name)}|get_by_label\("{re.escape(name)}', source(walk))
            for walk in walks()[number]
        )
    ]
    assert missing == []


def test_the_list_of_flows_is_written() -> None:
    rows = [
        f"| {number} | {told.section} | {told.words} | {', '.join(told.names)} |"
        f" {', '.join(f'`{test.__name__}`' for test in walks()[number])} |"
        for number, told in TOLD.items()
    ]
    FLOWS.parent.mkdir(parents=True, exist_ok=True)
    FLOWS.write_text(
        "\n".join(
            [
                "# Flows of the product documents",
                "",
                "| sentence | where | what it tells people to do | names | walked by |",
                "| --- | --- | --- | --- | --- |",
                *rows,
                "",
            ]
        )
    )
    assert FLOWS.read_text().count("`test_") >= len(TOLD)
