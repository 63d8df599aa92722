"""Verdicts as a Markdown table with the unsafe cases below, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tests.conformance.case import Kind, Verdict
from tests.conformance.rounds import Outcome

Results = Mapping[str, Sequence[Outcome]]


def as_table(results: Results, not_run: Mapping[str, str]) -> str:
    """Products by class: how many cases were safe, broken and unsafe."""
    names = list(results)
    lines = [
        "| class | cases | " + " | ".join(names) + " |",
        "| --- | --: | " + " | ".join("---" for _ in names) + " |",
    ]
    lines += [
        _row(kind.value, {name: [o for o in results[name] if o.case.kind is kind] for name in names})
        for kind in Kind
    ]
    lines.append(_row("**all**", results))
    lines += ["", "Each cell: safe / broken / unsafe."]
    lines += [f"Not run: {name} ({reason})." for name, reason in not_run.items()]
    return "\n".join(lines)


def _row(title: str, outcomes: Results) -> str:
    cells = []
    for told in outcomes.values():
        count = Counter(outcome.verdict for outcome in told)
        cells.append(" / ".join(str(count[verdict]) for verdict in Verdict))
    total = max((len(told) for told in outcomes.values()), default=0)
    return f"| {title} | {total} | " + " | ".join(cells) + " |"


def as_list(results: Results, verdict: Verdict) -> str:
    """The cases of this verdict, per product, with their first problem."""
    lines: list[str] = []
    for name, outcomes in results.items():
        found = [outcome for outcome in outcomes if outcome.verdict is verdict]
        lines.append(f"\n## {name}: {len(found)} {verdict.value}\n")
        lines += [f"- `{outcome.case.name}`: {outcome.problems[0][:200]}" for outcome in found]
    return "\n".join(lines)


def as_json(results: Results, not_run: Mapping[str, str]) -> dict[str, Any]:
    """Everything that is not safe, by product and case."""
    return {
        "products": {
            name: {
                "cases": len(outcomes),
                "verdicts": Counter(outcome.verdict.value for outcome in outcomes),
                "not_safe": {
                    outcome.case.name: {"verdict": outcome.verdict.value, "problems": outcome.problems}
                    for outcome in outcomes
                    if outcome.verdict is not Verdict.SAFE
                },
            }
            for name, outcomes in results.items()
        },
        "not_run": dict(not_run),
    }
