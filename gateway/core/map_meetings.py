"""Which routes a request meets under each of two maps: every pair that any request can meet, found with the proxy's table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.core.map_cells import Cell, cells
from gateway.core.model import Route, RouteMap
from gateway.core.routes import RouteTable, shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """Requests of one method on the paths of `template`, and the routes they meet; None: none.

    `spelling` is a value of a parameter that one of the maps refuses, as another spelling of a literal: then requests with
    such a value alone are meant. It is empty everywhere else.
    """

    method: str
    template: str
    spelling: str
    old: Route | None
    new: Route | None

    @property
    def is_of_its_method(self) -> bool:
        """Whether either route is of this method; else HEAD meets what GET meets, and is told with it."""
        return any(route is not None and route.method == self.method for route in (self.old, self.new))

    @property
    def paths(self) -> str:
        """The paths in words."""
        return f"{self.template} with a value spelled {self.spelling}" if self.spelling else self.template


def table_of(route_map: RouteMap) -> RouteTable[Route]:
    """The table by which the proxy finds the operation of a request. Raises ValueError on a map that is ambiguous."""
    return RouteTable((route.method, route.template, route) for route in route_map.routes)


def meetings(old: RouteMap, new: RouteMap) -> Iterator[Meeting]:
    """Every pair of routes for each mapped method, with the widest templates whose paths meet it."""
    before, after = table_of(old), table_of(new)
    told: dict[tuple[str, int, int], list[Cell]] = {}
    for cell in cells(old.routes, new.routes):
        was, now = before.match(cell.method, cell.path), after.match(cell.method, cell.path)
        of_pair = told.setdefault((cell.method, id(was), id(now)), [])
        if any(wider.has(cell) for wider in of_pair):
            continue
        of_pair.append(cell)
        yield Meeting(
            method=cell.method,
            template=_as_written(cell.template, now, was),
            spelling=cell.spelling,
            old=was,
            new=now,
        )


def _as_written(template: str, *routes: Route | None) -> str:
    """The template as one of these routes has it, with its trailing slash, where one takes just these paths."""
    for route in routes:
        if route is not None and shape(route.template) == shape(template):
            return route.template
    return template
