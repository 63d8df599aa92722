"""The route map that is shipped: every one of its operations is found by its own requests, and asks for what it says."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from gateway.core.model import Access, Route, RouteMap
from gateway.core.paths import canonical_path
from gateway.core.route_check import check
from gateway.core.routes import RouteTable, is_parameter
from gateway.settings.route_map import load_route_map

FILE = Path(__file__).parents[2] / "config" / "v2.routes.yaml"
VALUES = ["ocQHyuzHvysMo5N5VsXc", "0", "ann@example.com", "2024-01-31T10:00:00Z", "~", quote("ü ñ"), "100%25"]


@pytest.fixture(scope="module")
def shipped() -> RouteMap:
    return load_route_map(FILE)


@pytest.fixture(scope="module")
def table(shipped: RouteMap) -> RouteTable[Route]:
    return RouteTable((route.method, route.template, route) for route in shipped.routes)


def test_it_has_every_operation_of_the_api(shipped: RouteMap, table: RouteTable[Route]) -> None:
    assert len(shipped.routes) == 576 == table.size
    assert len({route.service for route in shipped.routes}) == 41


def test_it_can_be_published(shipped: RouteMap) -> None:
    assert [str(problem) for problem in check(shipped) if not problem.warning] == []


@pytest.mark.parametrize("value", VALUES)
def test_every_template_filled_in_picks_itself(
    shipped: RouteMap, table: RouteTable[Route], value: str
) -> None:
    for route in shipped.routes:
        filled = "/".join(value if is_parameter(part) else part for part in route.template.split("/"))
        for spelling in {filled, filled.removesuffix("/"), filled.removesuffix("/") + "/"}:
            path = canonical_path(spelling)
            assert path == spelling
            assert isinstance(path, str)
            assert table.match(route.method, path) is route, f"{route.method} {spelling}"


def test_a_literal_written_in_escapes_picks_the_same_operation(
    shipped: RouteMap, table: RouteTable[Route]
) -> None:
    """`/contacts/sear%63h` must not become the contact `search`."""
    for route in shipped.routes:
        disguised = "/".join(
            "v" if is_parameter(part) else "".join(f"%{ord(character):02x}" for character in part)
            for part in route.template.split("/")
        )
        path = canonical_path(disguised)
        assert isinstance(path, str)
        assert table.match(route.method, path) is route


def test_nothing_is_open_by_accident(shipped: RouteMap) -> None:
    """An operation whose description names no scope is not thereby open."""
    public = [f"{route.method} {route.template}" for route in shipped.routes if route.access is Access.PUBLIC]
    assert public == ["POST /oauth/token"]
    for route in shipped.routes:
        assert bool(route.scopes) == (route.access in {Access.ALL_OF, Access.ANY_OF})
        assert len(route.scopes) <= 1


def test_every_scope_that_is_needed_is_described(shipped: RouteMap) -> None:
    needed = {scope for route in shipped.routes for scope in route.scopes}
    assert needed == shipped.scopes.keys()
    assert all(shipped.scopes.values())
