"""The key of a route, `METHOD /path/{param}`: its form, by itself. How templates relate to each other is core's to judge.

A literal segment must be in the one form that a request's path is brought into, or no request would ever match it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateway.core.methods import REFUSED_METHODS, ROUTE_METHODS
from gateway.settings.scalar import shown
from gateway.settings.suggestion import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLANKS: Final = re.compile("[ \t]+")
_PARAMETER: Final = re.compile(r"\{[A-Za-z0-9_.-]{1,64}\}")
_LITERAL: Final = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,=:@]|%[0-9A-F]{2})+")
_UNRESERVED_OR_REFUSED: Final = re.compile(r"[A-Za-z0-9\-._~/\\;?#\x00-\x1f\x7f]")
_PLAIN: Final = re.compile(
    r"(?:/(?:[A-Za-z0-9_~!$&'()*+,=:@-][A-Za-z0-9\-._~!$&'()*+,=:@]*|\{[A-Za-z0-9_.-]{1,64}\}))+/?"
)


def parse_key(key: str) -> tuple[str, str]:
    """The method and the template of a route's key. Raises ValueError with words for the operator."""
    words = _BLANKS.split(key.strip(" \t"))
    if len(words) != 2 or not words[1].startswith("/"):
        raise ValueError(
            f"{shown(key)} is not a route; write METHOD /path such as GET /contacts/{{contactId}}"
        )
    method, template = words
    if method in REFUSED_METHODS:
        raise ValueError(f"{method} is never forwarded; remove this route")
    if method not in ROUTE_METHODS:
        raise ValueError(f"{shown(method)} is no method that is served; {_method_meant(method)}")
    problem = next(_template_problems(template), None)
    if problem is not None:
        raise ValueError(f"{shown(template)} is not a path template: {problem}")
    return method, template


def _method_meant(word: str) -> str:
    meant = nearest(word.upper(), ROUTE_METHODS)
    return "write one such as GET or POST" if meant is None else f"did you mean `{meant}`?"


def _template_problems(template: str) -> Iterator[str]:
    if template == "/":
        return
    segments = template[1:].removesuffix("/").split("/")
    if _PLAIN.fullmatch(template) is None:
        if "?" in template or "#" in template:
            yield "it has a query or a fragment; write the path alone, the query is never matched"
        for segment in segments:
            problem = _segment_problem(segment)
            if problem is not None:
                yield problem
    names = [segment for segment in segments if segment.startswith("{")]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        yield f"parameter {repeated} stands in it twice; give each its own name"


def _segment_problem(segment: str) -> str | None:
    if not segment:
        return "it has an empty segment; write one / between segments"
    if segment in {".", ".."}:
        return "it has a dot segment; write the path without it"
    if "{" in segment or "}" in segment:
        if _PARAMETER.fullmatch(segment):
            return None
        return f"{shown(segment)} is no parameter; a parameter is one whole segment such as {{contactId}}"
    if _LITERAL.fullmatch(segment) is None:
        return f"{shown(segment)} holds a character that a path cannot hold; percent-encode it as %20, in upper case"
    for escape in re.findall("%[0-9A-F]{2}", segment):
        if _UNRESERVED_OR_REFUSED.fullmatch(chr(int(escape[1:], 16))):
            return f"{shown(segment)} holds {escape}, which no path that is let in has; write the character itself"
    if re.search("%25[0-9A-Fa-f]{2}", segment):
        return f"{shown(segment)} is percent-encoded twice; encode it once"
    return None
