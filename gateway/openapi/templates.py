"""A path of a description as a template of the map, in the one form that requests are brought into, or why there is none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from gateway.core.methods import REFUSED_METHODS
from gateway.core.paths import RefusedPath, canonical_path
from gateway.settings.scalar import shown
from gateway.settings.template import parse_key

# A key of a YAML mapping that is longer is none any more; requests as long are refused before they are matched.
_LONGEST: Final = 900
_COLON: Final = re.compile(r":([A-Za-z_][A-Za-z0-9_]*)\??")
_WHOLE: Final = re.compile(r"\{([^{}]*)\}")
_NOT_IN_A_NAME: Final = re.compile("[^A-Za-z0-9_.-]+")
_KEPT: Final = "-._~!$&'()*+,=:@%;\\"


@dataclass(frozen=True, slots=True)
class Template:
    """A template of the map, and what was done to the path on the way."""

    text: str
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unmappable:
    """Why an operation has no entry; `wider` is the shape that requests for it have, if there is one."""

    reason: str
    wider: str | None = None


def to_template(method: str, path: str, prefix: str) -> Template | Unmappable:
    """The template of `path` behind `prefix`, for an entry of `method`."""
    if method in REFUSED_METHODS:
        return Unmappable(f"{method} is never forwarded")
    if not path.startswith("/"):
        return Unmappable("its path does not begin with /")
    plain, remarks = _without_query(path)
    if len(prefix) + len(plain) > _LONGEST:
        return Unmappable(f"its path is longer than {_LONGEST} characters")
    segments: list[str] = []
    for segment in f"{prefix}{plain}".split("/")[1:]:
        made = _segment(segment)
        if isinstance(made, Unmappable):
            wide = "/".join("{}" if "{" in each or ":" in each[:1] else each for each in plain.split("/"))
            return Unmappable(made.reason, f"{prefix}{wide}")
        if made != segment:
            remarks.append(f"{shown(segment)} is written {made}")
        segments.append(made)
    template = "/" + "/".join(_named_apart(segments, remarks))
    try:
        parse_key(f"{method} {template}")
    except ValueError as error:
        return Unmappable(str(error))
    return Template(template, tuple(remarks))


def _without_query(path: str) -> tuple[str, list[str]]:
    plain = re.split("[?#]", path, maxsplit=1)[0]
    # A query within braces, as in /find{?name}, is a template of a query and none of a path.
    plain = re.sub(r"\{\Z", "", plain)
    if plain == path:
        return path, []
    return plain, [f"{shown(path[len(plain) :])} is left out: a query is never matched"]


def _segment(segment: str) -> str | Unmappable:
    colon = _COLON.fullmatch(segment)
    if colon is not None:
        return f"{{{colon[1]}}}"
    whole = _WHOLE.fullmatch(segment)
    if whole is not None:
        name = _NOT_IN_A_NAME.sub("_", whole[1].strip(" +*/.;&")).strip("_")[:64]
        return f"{{{name}}}" if name else Unmappable(f"{shown(segment)} is a parameter without a name")
    if "{" in segment or "}" in segment:
        return Unmappable(
            f"{shown(segment)} has a parameter in a part of a segment, and the map has whole ones"
        )
    if not segment:
        return segment
    try:
        canonical = canonical_path("/" + quote(segment, safe=_KEPT))
    except UnicodeEncodeError:
        return Unmappable(f"{shown(segment)} holds half a character")
    if isinstance(canonical, RefusedPath):
        return Unmappable(f"requests for it are refused: {canonical.detail}")
    return canonical[1:]


def _named_apart(segments: list[str], remarks: list[str]) -> list[str]:
    found: list[str] = []
    for segment in segments:
        name, number = segment, 2
        while name.startswith("{") and name in found:
            name = f"{segment[:-1]}_{number}}}"
            number += 1
        if name != segment:
            remarks.append(f"the second {segment} is written {name}")
        found.append(name)
    return found
