"""What an operator probably meant by a word that is not known."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` is a slip of, if there is one."""
    return next(iter(get_close_matches(word, sorted(known), n=1)), None)


def way_out(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown `word`: the nearest known word, else all of them."""
    words = sorted(known)
    meant = nearest(word, words)
    return f"known here: {', '.join(words)}" if meant is None else f"did you mean `{meant}`?"
