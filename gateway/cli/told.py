"""What a change came to, told: the API's JSON for scripts; for people words, and on standard output what they go on with."""

from __future__ import annotations

from typing import Any

from gateway.admin.management.outcomes import Changed
from gateway.cli.desk import Done
from gateway.cli.output import as_data, counted, note, print_json, print_secret


def tell(
    done: Done[Any],
    as_json: bool,
    words: str,
    *,
    secret: str | None = None,
    identifier: str | None = None,
) -> None:
    """Print a change: its JSON, or the words beside the secret or the identifier of what was made, which stand alone."""
    outcome: Changed = done.outcome
    if as_json:
        print_json({**as_data(outcome), **(done.receipt or {})})
        return
    if secret is not None:
        print_secret(secret, about=f"{words}:")
    else:
        note(words)
        if identifier is not None:
            print(identifier, flush=True)
    if done.receipt is not None:
        note(receipt_in_words(done.receipt))


def receipt_in_words(receipt: dict[str, Any]) -> str:
    """Who has applied a change."""
    number, waiting = receipt["applied_by"], receipt["waiting_for"]
    if number is None:
        return "which nodes have applied it is not known; `gateway nodes list` tells"
    applied = f"applied by {counted(number, 'node')}"
    if waiting:
        return f"{applied}; NOT YET by {', '.join(waiting)}"
    return applied if number else "no node is running; each applies it when it starts"
