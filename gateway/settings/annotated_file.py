"""The annotated settings file, `config/gateway.yaml`, as what it says of each setting: its words and its default."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.settings.yaml_document import KeyPath, Value, parse

# A setting that is absent by default stands there behind a mark.
_COMMENTED_SETTING: Final = re.compile(r"^( *)# ((?:  )*[a-z_]+:(?: |$))", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """What the file says of a setting or a section. `absent`: by default it is not there, and `value` is an example."""

    words: str
    value: Value
    absent: bool


def with_all_settings(text: str) -> str:
    """The text with the settings that are commented out written as settings."""
    return _COMMENTED_SETTING.sub(r"\1\2", text)


def read_annotations(text: str) -> Mapping[KeyPath, Annotation]:
    """What the file says, by the path of the setting. One without a comment of its own has that of its neighbour above."""
    written = parse(text.encode(), place=str)
    everything = parse(with_all_settings(text).encode(), place=str)
    lines = with_all_settings(text).split("\n")
    paths = {line: path for path, line in everything.lines.items() if path and isinstance(path[-1], str)}
    return {
        path: Annotation(
            words=words, value=_value_at(everything.value, path), absent=path not in written.lines
        )
        for path, words in _words(lines, paths)
    }


def _words(lines: list[str], paths: Mapping[int, KeyPath]) -> Iterator[tuple[KeyPath, str]]:
    comment: list[str] = []
    # By section: the words for what follows in it without words of its own.
    latest: dict[KeyPath, str] = {}
    for number, line in enumerate(lines, start=1):
        path = paths.get(number)
        if path is not None:
            words = " ".join(comment) or latest[path[:-1]]
            latest[path[:-1]] = latest[path] = words
            yield path, words
        is_comment = path is None and line.lstrip().startswith("#")
        comment = [*comment, line.lstrip(" #")] if is_comment else []


def _value_at(value: Value, path: KeyPath) -> Value:
    for key in path:
        assert isinstance(value, dict)
        value = value[str(key)]
    return value
