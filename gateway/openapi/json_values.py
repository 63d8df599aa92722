"""A JSON text as plain values, in which no key is written twice: the standard reader would keep the last one in silence."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from gateway.core.model import Problem
from gateway.settings.errors import ConfigurationError
from gateway.settings.scalar import shown

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],]', re.DOTALL)
# Enough to see what is wrong with a generator, and not a screen of it.
_MOST_REPORTED: Final = 20


class _WrittenTwice(Exception):
    pass


def json_values(text: str, place: Callable[[int], str]) -> object:
    """The value of `text`; `place` says where a line is. Raises ConfigurationError."""
    try:
        return json.loads(text, object_pairs_hook=_mapping)
    except _WrittenTwice:
        problems = [
            Problem(where=place(line), message=message)
            for (line, message), _ in zip(_repetitions(text), range(_MOST_REPORTED), strict=False)
        ]
        raise ConfigurationError(problems) from None
    except json.JSONDecodeError as error:
        message = f"this is not JSON: {error.msg[:1].lower()}{error.msg[1:]} (column {error.colno})"
        raise ConfigurationError([Problem(where=place(error.lineno), message=message)]) from None
    except RecursionError:
        message = "values are nested too deep to be read; write it flatter"
        raise ConfigurationError([Problem(where=place(1), message=message)]) from None
    except ValueError:
        # int() refuses what would take it quadratic time.
        message = "a number has thousands of digits; write a number that a program can use"
        raise ConfigurationError([Problem(where=place(1), message=message)]) from None


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise _WrittenTwice
    return entries


def _repetitions(text: str) -> Iterator[tuple[int, str]]:
    """(line, what is wrong) of each key that is written again; only for a text that is known to be JSON up to there."""
    open_keys: list[dict[str, int] | None] = []
    key_is_next = False
    line, counted_to = 1, 0
    for token in _TOKEN.finditer(text):
        line += text.count("\n", counted_to, token.start())
        counted_to = token.start()
        first = token[0][0]
        if first in "{[":
            open_keys.append({} if first == "{" else None)
            key_is_next = first == "{"
        elif first in "}]":
            if open_keys:
                open_keys.pop()
            key_is_next = False
        elif first == ",":
            key_is_next = bool(open_keys) and open_keys[-1] is not None
        elif key_is_next and open_keys and (keys := open_keys[-1]) is not None:
            key_is_next = False
            key = json.loads(token[0])
            if key in keys:
                yield line, f"key {shown(key)} is written twice, first on line {keys[key]}; keep one"
            keys.setdefault(key, line)
