"""What is wrong with a route map as a whole: the errors that stop its publication, and the warnings that do not."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from gateway.core.model import Problem, Route, RouteMap
from gateway.core.routes import RouteTable, is_parameter, shape, split
from gateway.core.scopes import judged


def check(route_map: RouteMap) -> list[Problem]:
    """All problems of the map, errors first, each with its line and the way out."""
    errors = [*_same_shape(route_map), *_missing_upstreams(route_map)]
    if errors:
        return errors
    return [*_reachable_siblings(route_map), *_unused_scopes(route_map), *_unused_upstreams(route_map)]


def _same_shape(route_map: RouteMap) -> Iterator[Problem]:
    seen: dict[tuple[str, str], Route] = {}
    for route in route_map.routes:
        key = (route.method, shape(route.template))
        first = seen.setdefault(key, route)
        if first is route:
            continue
        if first.template == route.template:
            what = f"{route.method} {route.template} is mapped twice, first at {first.where}"
        else:
            what = (
                f"{route.method} {route.template} matches the same paths as {first.template} at {first.where}"
            )
        yield Problem(where=route.where, message=f"{what}; keep one of them")


def _missing_upstreams(route_map: RouteMap) -> Iterator[Problem]:
    reported: set[tuple[str, str]] = set()
    for route in route_map.routes:
        if route.upstream in route_map.upstreams or (route.service, route.upstream) in reported:
            continue
        reported.add((route.service, route.upstream))
        close = get_close_matches(route.upstream, route_map.upstreams, n=1)
        way_out = f"did you mean {close[0]}?" if close else "add it under `upstreams`"
        yield Problem(
            where=route.where,
            message=f"service {route.service} names the upstream {route.upstream}, which is not there; {way_out}",
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
                    f"{template}; map {'it' if len(found) == 1 else 'them'}, or make sure that the upstream reads "
                    "it the same way"
                ),
                warning=True,
            )


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _differs_at_literal(template: str, other: str) -> bool:
    pairs = zip(split(template), split(other), strict=True)
    return any(is_parameter(theirs) and not is_parameter(ours) for ours, theirs in pairs)


def _unused_scopes(route_map: RouteMap) -> Iterator[Problem]:
    used = sorted({scope for route in judged(route_map.routes) for scope in route.scopes})
    for scope, where in route_map.scope_lines.items():
        if scope in used:
            continue
        close = get_close_matches(scope, used, n=1, cutoff=0.8)
        way_out = f"did you mean {close[0]}?" if close else "remove it, or map the route that needs it"
        yield Problem(where=where, message=f"no route needs the scope {scope}; {way_out}", warning=True)


def _unused_upstreams(route_map: RouteMap) -> Iterator[Problem]:
    used = {route.upstream for route in route_map.routes}
    for name, upstream in route_map.upstreams.items():
        if name not in used:
            message = f"no route uses the upstream {name}; remove it, or name it in a service"
            yield Problem(where=upstream.where, message=message, warning=True)
