"""The documents say what is: every command, code, link and named test exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from gateway.cli.app import app
from gateway.core.reasons import REASONS, Code

ROOT = Path(__file__).parents[1]
DOCUMENTS = ("README.md", "SECURITY.md", "CHANGELOG.md", "deploy/README.md")


def text(name: str) -> str:
    return (ROOT / name).read_text()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_to_files(name: str) -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", text(name))
    missing = [
        target
        for target in targets
        if "://" not in target and not (ROOT / name).parent.joinpath(target).exists()
    ]
    assert missing == []


def test_each_promise_names_tests_that_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", text("SECURITY.md")))
    written = set()
    for path in (ROOT / "tests").rglob("*.py"):
        written |= set(re.findall(r"def (test_\w+)", path.read_text()))
    assert named
    assert named - written == set()


def test_the_readme_has_every_code_with_its_status() -> None:
    rows = re.findall(r"^\| ([0-9, ]+) \| (.+) \|$", text("README.md"), re.MULTILINE)
    told = {
        code: {int(status) for status in statuses.split(", ")}
        for statuses, codes in rows
        for code in re.findall(r"`(\w+)`", codes)
    }
    for code in Code:
        assert REASONS[code].status in told.get(code.value, set()), code


def test_the_readme_has_every_command() -> None:
    readme = text("README.md")
    group = get_command(app)
    commands = getattr(group, "commands")  # noqa: B009 - typer's group has it, its type does not
    missing = [name for name in commands if not re.search(rf"`(?:gateway )?{re.escape(name)}\b", readme)]
    assert missing == []
