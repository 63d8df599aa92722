"""Problems as SARIF 2.1.0, which code scanning services and editors read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from gateway.core.model import Problem
from gateway.core.rules import RULES, Rule
from gateway.settings.catalogue import VARIABLE_PREFIX

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT: Final = "%SRCROOT%"
_INDEX: Final = {rule: number for number, rule in enumerate(Rule)}


def sarif_log(problems: Iterable[Problem], *, folder: Path, version: str) -> dict[str, Any]:
    """One run with a result for each problem. Files inside `folder`, which is absolute, are named relative to it."""
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "gateway check",
                        "version": version,
                        "rules": [_rule(rule) for rule in Rule],
                    }
                },
                "originalUriBaseIds": {
                    _ROOT: {"description": {"text": "The folder in which gateway check ran."}}
                },
                # libyaml counts characters, not bytes and not UTF-16 units.
                "columnKind": "unicodeCodePoints",
                "invocations": [{"executionSuccessful": True}],
                "results": [_result(problem, folder) for problem in problems],
            }
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    words = {"text": RULES[rule]}
    return {
        "id": rule.value,
        "shortDescription": words,
        "fullDescription": words,
        "help": {"text": "The message of each result says what to do."},
    }


def _result(problem: Problem, folder: Path) -> dict[str, Any]:
    return {
        "ruleId": problem.rule.value,
        "ruleIndex": _INDEX[problem.rule],
        "level": "warning" if problem.warning else "error",
        "message": {"text": problem.message},
        "locations": [_location(problem, folder)],
    }


def _location(problem: Problem, folder: Path) -> dict[str, Any]:
    source, line = problem.place
    if source.startswith(VARIABLE_PREFIX):
        return {"logicalLocations": [{"name": source, "kind": "variable"}]}
    physical: dict[str, Any] = {"artifactLocation": _artifact(source, folder)}
    if line:
        column = {"startColumn": problem.column} if problem.column else {}
        physical["region"] = {"startLine": line, **column}
    return {"physicalLocation": physical}


def _artifact(source: str, folder: Path) -> dict[str, str]:
    path = Path(os.path.normpath(folder / source))
    if path.is_relative_to(folder):
        return {"uri": quote(path.relative_to(folder).as_posix()), "uriBaseId": _ROOT}
    return {"uri": path.as_uri()}
