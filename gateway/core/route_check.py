"""What is wrong with a route map as a whole: the errors that stop its publication, and the warnings that do not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Final

from gateway.core.model import Access, Problem, Route, RouteMap
from gateway.core.routes import RouteTable, is_parameter, shape, split
from gateway.core.rules import Rule
from gateway.core.scopes import judged

# The likeness (difflib's ratio) from which on one word is taken for a slip of another.
_CLOSE: Final = 0.8
_SLIPS_AT_MOST: Final = 50
# What a route may say in place of a scope.
_WORDS: Final = (Access.PUBLIC, Access.AUTHENTICATED, Access.DENY)


def check(route_map: RouteMap) -> list[Problem]:
    """All problems of the map, each with its line and the way out: its errors, or where there are none its warnings."""
    return errors(route_map) or [
        *_reachable_siblings(route_map),
        *_misspelt_scopes(route_map),
        *_unused_scopes(route_map),
        *_unused_upstreams(route_map),
    ]


def errors(route_map: RouteMap) -> list[Problem]:
    """What stops the publication of a map. An upstream without a name is one that could not be read: not a problem here."""
    return [*_same_shape(route_map), *_missing_upstreams(route_map)]


def _same_shape(route_map: RouteMap) -> Iterator[Problem]:
    seen: dict[tuple[str, str], Route] = {}
    for route in route_map.routes:
        key = (route.method, shape(route.template))
        first = seen.setdefault(key, route)
        if first is route:
            continue
        if first.template == route.template:
            rule = Rule.ROUTE_REPEATED
            what = f"{route.method} {route.template} is mapped twice, first at {first.where}"
        else:
            rule = Rule.ROUTE_AMBIGUOUS
            what = (
                f"{route.method} {route.template} matches the same paths as {first.template} at {first.where}"
            )
        yield Problem(where=route.where, message=f"{what}; keep one of them", rule=rule)


def _missing_upstreams(route_map: RouteMap) -> Iterator[Problem]:
    # One that could not be read has its own problem.
    reported = {(route.service, "") for route in route_map.routes}
    for route in route_map.routes if route_map.upstreams else ():
        if route.upstream in route_map.upstreams or (route.service, route.upstream) in reported:
            continue
        reported.add((route.service, route.upstream))
        close = get_close_matches(route.upstream, route_map.upstreams, n=1)
        way_out = f"did you mean {close[0]}?" if close else "add it under `upstreams`"
        yield Problem(
            where=route.where,
            message=f"service {route.service} names the upstream {route.upstream}, which is not there; {way_out}",
            rule=Rule.UPSTREAM_UNKNOWN,
        )


def _reachable_siblings(route_map: RouteMap) -> Iterator[Problem]:
    """A literal that another method reads as a parameter: `DELETE /contacts/search` deletes the contact `search`."""
    table = RouteTable((route.method, route.template, route) for route in route_map.routes)
    methods = sorted(table.methods - {"HEAD"})
    reported: set[str] = set()
    for route in route_map.routes:
        # `~` cannot be mistaken for a literal by accident; equal samples are one literal under several methods.
        sample = "/" + "/".join(
            "~" if is_parameter(segment) else segment for segment in split(route.template)
        )
        if sample in reported:
            continue
        reported.add(sample)
        taken: dict[str, list[str]] = {}
        for method in methods:
            other = table.match(method, sample)
            if other is not None and _differs_at_literal(route.template, other.template):
                taken.setdefault(other.template, []).append(method)
        for template, found in taken.items():
            yield Problem(
                where=route.where,
                message=(
                    f"{_listed(found)} {route.template} {'is' if len(found) == 1 else 'are'} not mapped and taken for "
                    f"{template}; map or deny {'it' if len(found) == 1 else 'them'}, or make sure that the upstream "
                    "reads it the same way"
                ),
                warning=True,
                rule=Rule.LITERAL_REACHABLE,
            )


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _differs_at_literal(template: str, other: str) -> bool:
    pairs = zip(split(template), split(other), strict=True)
    return any(is_parameter(theirs) and not is_parameter(ours) for ours, theirs in pairs)


def _misspelt_scopes(route_map: RouteMap) -> Iterator[Problem]:
    """A scope that nobody described and one route needs, close to a described one; or close to a word of the map."""
    needed: dict[str, list[Route]] = {}
    for route in judged(route_map.routes):
        for scope in route.scopes:
            if scope not in route_map.scopes:
                needed.setdefault(scope, []).append(route)
    # Where many scopes are not described none of them stands out, and comparing them all takes minutes.
    described = route_map.scopes if len(needed) <= _SLIPS_AT_MOST else ()
    for scope, routes in needed.items():
        known = [*_WORDS, *(described if len(routes) == 1 else ())]
        meant = _slip_of(scope, known)
        if meant is not None:
            message = f"the scope {scope} is described nowhere; did you mean {meant}? If not, describe it under `scopes`"
            yield Problem(where=routes[0].where, message=message, warning=True, rule=Rule.SCOPE_MISSPELT)


def _unused_scopes(route_map: RouteMap) -> Iterator[Problem]:
    used = {scope for route in judged(route_map.routes) for scope in route.scopes}
    unused = [scope for scope in route_map.scope_lines if scope not in used]
    candidates = sorted(used) if len(unused) <= _SLIPS_AT_MOST else ()
    for scope in unused:
        where = route_map.scope_lines[scope]
        meant = _slip_of(scope, candidates)
        way_out = "remove it, or map the route that needs it" if meant is None else f"did you mean {meant}?"
        message = f"no route needs the scope {scope}; {way_out}"
        yield Problem(where=where, message=message, warning=True, rule=Rule.SCOPE_UNUSED)


def _slip_of(scope: str, known: Iterable[str]) -> str | None:
    """What was meant by a scope, if it is a slip: of names that differ at the first letter or in a number it is none."""
    alike = [other for other in known if other[:1] == scope[:1] and _digits(other) == _digits(scope)]
    return next(iter(get_close_matches(scope, alike, n=1, cutoff=_CLOSE)), None)


def _digits(word: str) -> str:
    return "".join(character for character in word if character.isdigit())


def _unused_upstreams(route_map: RouteMap) -> Iterator[Problem]:
    used = {route.upstream for route in route_map.routes}
    for name, upstream in route_map.upstreams.items():
        if name not in used:
            message = f"no route uses the upstream {name}; remove it, or name it in a service"
            yield Problem(where=upstream.where, message=message, warning=True, rule=Rule.UPSTREAM_UNUSED)
