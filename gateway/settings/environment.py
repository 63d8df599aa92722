"""Settings from environment variables `GATEWAY__SECTION__KEY`: nested values, and which variable gave each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.core.model import Problem
from gateway.core.rules import Rule
from gateway.settings.catalogue import CATALOGUE, VARIABLE_PREFIX, Form, Setting
from gateway.settings.errors import ConfigurationError
from gateway.settings.scalar import plain_scalar
from gateway.settings.suggestion import nearest
from gateway.settings.yaml_document import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateway.settings.yaml_document import KeyPath, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What the environment sets. `variables` maps the path of each section and setting to its variable."""

    values: dict[str, Value]
    variables: Mapping[KeyPath, str]
    problems: tuple[Problem, ...]


def read_environment(environ: Mapping[str, str]) -> Overrides:
    """The overrides in `environ`. Variables without the prefix are not looked at."""
    known = {setting.variable: setting for setting in CATALOGUE.values()}
    values: dict[str, Value] = {}
    variables: dict[KeyPath, str] = {}
    problems: list[Problem] = []
    named = [name for name in environ if name.startswith(VARIABLE_PREFIX)]
    # A section before what is in it: the more exact variable wins, whatever the environment's order.
    for name in sorted(named, key=lambda name: (len(known[name].path) if name in known else 0, name)):
        setting = known.get(name)
        if setting is None:
            meant = nearest(name.upper(), known)
            way_out = "correct or unset it" if meant is None else f"did you mean `{meant}`?"
            message = f"this variable names no setting; {way_out}"
            problems.append(Problem(where=name, message=message, rule=Rule.UNKNOWN_VARIABLE))
            continue
        try:
            value = _value(setting, environ[name].strip())
        except ConfigurationError as error:
            problems.extend(error.problems)
            continue
        variables.update(dict.fromkeys(_paths(setting.path, value), name))
        nested = value
        for key in reversed(setting.path):
            nested = {key: nested}
        values = overlay(values, nested) if isinstance(nested, dict) else values
    return Overrides(values=values, variables=variables, problems=tuple(problems))


def overlay(base: dict[str, Value], over: Mapping[str, Value]) -> dict[str, Value]:
    """`base` with the entries of `over`, mapping by mapping. Neither is changed."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if not isinstance(value, dict) or below is None:
            merged[key] = value
        elif isinstance(below, dict):
            merged[key] = overlay(below, value)
        # Else `below` is no section, which its own error says.
    return merged


def _paths(path: tuple[str, ...], value: Value) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _paths((*path, key), below)


def _value(setting: Setting, text: str) -> Value:
    if not text:
        message = "is empty; unset the variable, or give it a value"
        raise ConfigurationError([Problem(where=setting.variable, message=message)])
    if setting.optional and text == "null":
        return None
    if setting.form is Form.TEXT:
        return text
    if setting.form is Form.WORD:
        return plain_scalar(text)
    document = parse(text.encode(), place=lambda _line: setting.variable)
    if document.problems:
        raise ConfigurationError(document.problems)
    return document.value
