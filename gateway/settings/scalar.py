"""What an unquoted word of YAML means here: true, false, null, a number, else text.

This is narrower than YAML 1.1, where `no` is false, `0755` is 493 and `2021-07-28` is a date.
"""

from __future__ import annotations

import re
from typing import Final

Scalar = str | int | float | bool | None

_WORDS: Final[dict[str, bool | None]] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
# Bounded: a longer run of digits is no number that any setting takes, and int() is quadratic in its length.
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FLOAT: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})?(?:\.[0-9]{1,18})?(?:[eE][-+]?[0-9]{1,2})?")


def plain_scalar(word: str) -> Scalar:
    """The value of an unquoted `word`."""
    if word in _WORDS:
        return _WORDS[word]
    if word[0] not in "-+.0123456789":
        return word
    if _INTEGER.fullmatch(word):
        return int(word)
    # The pattern alone would take a lone sign or exponent.
    if _FLOAT.fullmatch(word) and any(digit in word.lower().partition("e")[0] for digit in "0123456789"):
        return float(word)
    return word


def shown(value: object) -> str:
    """A value as an error may repeat it: one short line. Never for a value that may hold a secret."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    text = str(value) if isinstance(value, (int, float)) else f'"{value}"'
    text = printable(text)
    return text if len(text) <= 60 else f"{text[:56]}…{text[-1]}"


def printable(text: str) -> str:
    """A text of others with a mark for each character that does something to a terminal or a file."""
    return "".join(character if character.isprintable() else "?" for character in text)


def one_line(text: str) -> str:
    """A text of others as one printable line: each run of blanks, line ends among them, is one blank."""
    return printable(" ".join(text.split()))
