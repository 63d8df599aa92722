"""JSON that people can compare: a list has a line for each of its rows, so a new run changes as few lines as it can."""

from __future__ import annotations

import json
from collections.abc import Mapping


def text(document: Mapping[str, object]) -> str:
    """The document, ended with a line feed."""
    entries = []
    for name, value in document.items():
        if isinstance(value, list):
            rows = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in value)
            entries.append(f" {json.dumps(name)}: [\n{rows}\n ]")
        else:
            entries.append(f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}")
    return "{\n" + ",\n".join(entries) + "\n}\n"
