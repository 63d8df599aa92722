"""A scope that was needed is never called unused."""

from __future__ import annotations

from dataclasses import replace

from gateway.core.model import Access, Route
from gateway.core.needed_scopes import needed_scopes


def route(method: str, template: str, access: Access, *scopes: str, shadow: tuple[str, ...] = ()) -> Route:
    made = Route(method=method, template=template, service="s", upstream="u", access=access, scopes=scopes)
    return replace(made, shadow=replace(made, access=Access.ALL_OF, scopes=shadow)) if shadow else made


ROUTES = [
    route("GET", "/all", Access.ALL_OF, "a.read", "b.read"),
    route("GET", "/any", Access.ANY_OF, "a.read", "a.write", "c.read"),
    route("GET", "/ping", Access.AUTHENTICATED),
    route("HEAD", "/own", Access.ALL_OF, "a.head"),
    route("GET", "/own", Access.ALL_OF, "a.read"),
    route("GET", "/tried", Access.ALL_OF, "a.read", shadow=("a.read", "b.read")),
    route("GET", "/only-tried", Access.AUTHENTICATED, shadow=("b.read",)),
    route("GET", "/denied", Access.DENY),
]
HELD = frozenset({"a.read", "a.write", "b.read", "unused", "a.head"})


def test_all_of_a_route_are_needed() -> None:
    needed = needed_scopes([("GET", "/all")], HELD, ROUTES)
    assert needed == {("GET", "/all"): frozenset({"a.read", "b.read"})}


def test_of_several_that_would_do_all_that_are_held_count() -> None:
    needed = needed_scopes([("GET", "/any")], HELD, ROUTES)
    assert needed == {("GET", "/any"): frozenset({"a.read", "a.write"})}


def test_head_needs_what_get_needs_unless_it_has_its_own() -> None:
    needed = needed_scopes([("HEAD", "/all"), ("HEAD", "/own")], HELD, ROUTES)
    assert needed == {
        ("HEAD", "/all"): frozenset({"a.read", "b.read"}),
        ("HEAD", "/own"): frozenset({"a.head"}),
    }


def test_what_a_shadow_needs_is_needed_once_it_is_enforced() -> None:
    needed = needed_scopes([("GET", "/tried"), ("GET", "/only-tried")], HELD, ROUTES)
    assert needed == {
        ("GET", "/tried"): frozenset({"a.read", "b.read"}),
        ("GET", "/only-tried"): frozenset({"b.read"}),
    }


def test_what_needs_no_scope_or_is_no_longer_in_the_map_needs_none() -> None:
    used = [("GET", "/ping"), ("GET", "/denied"), ("GET", "/gone"), ("POST", "/all")]
    assert needed_scopes(used, HELD, ROUTES) == {}
