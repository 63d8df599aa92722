"""Operations as operators look them up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.admin.pages.route_listing import find, need_words, size_words
from gateway.core.model import Access, AccountKind, RouteMap
from gateway.wiring.routes import publishable, shipped_map
from tests.wiring.standing import small_map


@pytest.fixture
def route_map(tmp_path: Path) -> RouteMap:
    return small_map(tmp_path, main="http://127.0.0.1:8")


def test_every_access_has_its_words() -> None:
    assert all(any(need_words(access)) for access in Access)


def test_every_operation_of_the_shipped_map_is_listed_once() -> None:
    shipped = publishable(shipped_map())[0]
    listed = [
        (operation.method, operation.template)
        for service in find(shipped, "")
        for operation in service.operations
    ]
    assert sorted(listed) == sorted((route.method, route.template) for route in shipped.routes)


def test_a_need_that_is_only_tried_and_a_denied_operation_are_told(route_map: RouteMap) -> None:
    first, second, *others = route_map.routes
    shadow = replace(first, scopes=("contacts.write",), account=AccountKind.AGENCY)
    changed = replace(
        route_map,
        routes=(replace(first, shadow=shadow), replace(second, access=Access.DENY, scopes=()), *others),
    )
    (service,) = find(changed, "shadow contacts.write")
    (operation,) = service.operations
    assert "Tried, refuses nobody: contacts.write, account agency" in operation.notes
    (service,) = find(changed, "refused to everyone")
    assert service.operations[0].template == second.template


def test_another_map_is_another_list(route_map: RouteMap) -> None:
    assert find(route_map, "")
    assert find(replace(route_map, routes=()), "") == ()


@pytest.mark.parametrize(
    ("size", "told"),
    [(0, "0 bytes"), (1000, "1000 bytes"), (1024, "1 KiB"), (500 * 1024**2, "500 MiB"), (2**30, "1 GiB")],
)
def test_sizes_in_words(size: int, told: str) -> None:
    assert size_words(size) == told
