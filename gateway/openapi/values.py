"""The plain values of a document, in JSON or YAML: mappings with unique keys, lists, texts, numbers."""

from __future__ import annotations

from typing import Final

from gateway.openapi.json_values import json_values
from gateway.openapi.yaml_values import yaml_values
from gateway.settings.errors import ConfigurationError
from gateway.settings.yaml_document import decoded

_YAML_NAMES: Final = (".yaml", ".yml")


def read_values(data: bytes, name: str) -> object:
    """The value of the document in `data`, which goes by `name` in problems. Raises ConfigurationError."""

    def place(line: int) -> str:
        return f"{name}:{line}"

    text = decoded(data, place)
    if text.lstrip()[:1] not in {"{", "["}:
        return yaml_values(text, place)
    try:
        return json_values(text, place)
    except ConfigurationError:
        if not name.lower().endswith(_YAML_NAMES):
            raise
        return yaml_values(text, place)
