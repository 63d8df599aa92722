"""What a difference between two route maps says in words, wherever people read it: on a terminal and on a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from gateway.admin.management.map_diff_views import ScopeChangeView, TrafficView

# Said of a number of changed operations.
UNCOUNTED: Final = "without a token, before or after: requests without one are not counted"


def scope_words(one: ScopeChangeView) -> Iterator[str]:
    """What changes for a scope."""
    if one.was_needed != one.is_needed:
        yield "now needed by an operation" if one.is_needed else "no longer needed by any operation"
    if one.old_words != one.new_words:
        yield f"words: {_quoted(one.old_words)} → {_quoted(one.new_words)}"


def _quoted(words: str | None) -> str:
    return "none" if words is None else f"“{words}”"


def not_decided_anew(traffic: TrafficView) -> Mapping[str, int]:
    """The requests of which nothing can be told: why, and how many."""
    apart = {
        "where the path or the Version header decides, which are not recorded": traffic.undecided,
        "that met no operation then": traffic.without_operation,
        "refused for what no map decides, such as a dead token or a rate": traffic.not_redecided,
        "of integrations that are suspended, deleted or without a live token": traffic.cannot_call,
    }
    return {words: number for words, number in apart.items() if number}
