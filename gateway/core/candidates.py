"""Which routes of a map a path fits, and which of them wins: the look-up of `core.routes`, told rather than done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.core.model import Route
from gateway.core.routes import is_parameter, split


@dataclass(frozen=True, slots=True)
class Candidate:
    """A route whose template fits a path. `written` says of each segment whether the template has it written out."""

    route: Route
    written: tuple[bool, ...]

    def loses_at(self, better: Candidate) -> int | None:
        """The place (from 0) of the leftmost segment that `better` has written out, and this one takes as a parameter."""
        pairs = zip(better.written, self.written, strict=True)
        return next((place for place, (theirs, ours) in enumerate(pairs) if theirs and not ours), None)


def candidates(routes: Iterable[Route], path: str) -> tuple[Candidate, ...]:
    """Every route, of whatever method, whose template fits the canonical path; those that win over others come first."""
    segments = split(path)
    found = [
        Candidate(route, tuple(not is_parameter(segment) for segment in template))
        for route in routes
        if _fits(template := split(route.template), segments)
    ]
    return tuple(sorted(found, key=lambda one: ([not written for written in one.written], one.route.method)))


def _fits(template: list[str], segments: list[str]) -> bool:
    return len(template) == len(segments) and all(
        bool(segment) if is_parameter(named) else named == segment
        for named, segment in zip(template, segments, strict=True)
    )
