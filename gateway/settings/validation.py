"""What the models found wrong, in the operator's words: the setting, the problem, and the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.core.rules import Rule
from gateway.settings.catalogue import CATALOGUE
from gateway.settings.scalar import shown
from gateway.settings.section import CONFLICT
from gateway.settings.suggestion import way_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from gateway.core.model import Problem
    from gateway.settings.sources import Sources
    from gateway.settings.yaml_document import KeyPath


def explain(error: ValidationError, sources: Sources) -> Iterator[Problem]:
    """Each error of a validation as problems with their places."""
    for detail in error.errors(include_url=False):
        path = tuple(detail["loc"])
        if detail["type"] == CONFLICT:
            yield from _conflicts(path, detail, sources)
        elif detail["type"] == "missing":
            message = f"{dotted(path[:-1])}: {path[-1]} is missing; add it"
            yield sources.problem(path, message, Rule.MISSING_KEY)
        elif detail["type"] == "extra_forbidden":
            message = f"unknown setting {dotted(path)}; {_known_instead(path)}"
            yield sources.problem(path, message, Rule.UNKNOWN_KEY)
        else:
            yield sources.problem(path, f"{dotted(path)}: {_words(detail)}", Rule.INVALID_VALUE)


def dotted(path: KeyPath) -> str:
    """A path as operators read it: `proxy.trusted_proxies[0]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _conflicts(path: KeyPath, detail: ErrorDetails, sources: Sources) -> Iterator[Problem]:
    found: list[tuple[tuple[str, ...], str]] = detail.get("ctx", {})["found"]
    for names, message in found:
        places = [(*path, *name.split(".")) for name in names]
        # The first name is in the wrong only if someone wrote it; a default cannot be.
        written = next((place for place in places if sources.wrote(place)), places[0])
        yield sources.problem(written, f"{dotted(places[0])} {message}", Rule.CONFLICT)


def _known_instead(path: KeyPath) -> str:
    *above, name = path
    siblings = [known[-1] for known in CATALOGUE if known[:-1] == tuple(above)]
    elsewhere = [setting.name for known, setting in CATALOGUE.items() if known[-1] == name]
    if elsewhere:
        return (
            f"did you mean `{elsewhere[0]}`?" if len(elsewhere) == 1 else f"it is in {', '.join(elsewhere)}"
        )
    return way_out(str(name), siblings)


def _words(detail: ErrorDetails) -> str:
    value, context = detail["input"], detail.get("ctx", {})
    match detail["type"]:
        case "value_error":
            return str(context["error"])
        case "enum" | "literal_error":
            return f"{shown(value)} is not a choice; write {_choices(context)}"
        case "bool_type":
            return f"{shown(value)} is neither true nor false; write one of them, without quotes"
        case "int_type" | "int_from_float" | "int_parsing":
            return f"{shown(value)} is not a whole number; write digits, without quotes"
        case "string_type":
            return f"{shown(value)} is not text; put it in quotes"
        case "tuple_type" | "frozen_set_type":
            return f"{shown(value)} is not a list; write a list such as [a, b]"
        case "too_short":
            return "the list is empty; name at least one, or remove the setting above it"
        case "model_type":
            # The value is not repeated: a database address that slipped in here may hold a password.
            return "is not a section; indent its settings below it"
        case "greater_than":
            return f"{shown(value)} is too little; write more than {context['gt']}"
        case "greater_than_equal":
            return f"{shown(value)} is too little; write at least {context['ge']}"
        case "less_than_equal":
            return f"{shown(value)} is too much; write at most {context['le']}"
        case _:
            return detail["msg"]


def _choices(context: dict[str, Any]) -> str:
    return str(context["expected"]).replace("'", "")
