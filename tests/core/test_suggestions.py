"""What was called is never called unused, whoever called it and by which method."""

from __future__ import annotations

from dataclasses import replace

from gateway.core.model import Access, Route
from gateway.core.suggestions import counted_routes, uncalled, unused_scopes


def route(method: str, template: str, *scopes: str, access: Access = Access.ALL_OF) -> Route:
    return Route(method=method, template=template, service="s", upstream="u", access=access, scopes=scopes)


ROUTES = [
    route("GET", "/a", "a.read"),
    route("GET", "/b/{x}", "b.read", "c.read"),
    route("HEAD", "/b/{x}", "b.head"),
    route("POST", "/a", "a.write"),
    route("GET", "/open", access=Access.PUBLIC),
    route("GET", "/denied", access=Access.DENY),
]


def names(called: list[str]) -> list[str]:
    return [f"{one.method} {one.template}" for one in uncalled(ROUTES, called)]


def test_routes_without_a_call_are_told_but_public_and_denied_ones() -> None:
    assert names([]) == ["GET /a", "GET /b/{x}", "HEAD /b/{x}", "POST /a"]
    assert names(["POST /a", "GET /b/{x}", "GET /gone"]) == ["GET /a", "HEAD /b/{x}"]
    assert counted_routes(ROUTES) == 4


def test_a_head_is_a_call_of_the_get_that_serves_it() -> None:
    assert "GET /a" not in names(["HEAD /a"])
    assert "GET /b/{x}" in names(["HEAD /b/{x}"])


def test_scopes_that_no_operation_needed_are_unused_unless_they_are_new() -> None:
    held = ["a.read", "a.write", "b.read", "gone.read", "new.read"]
    assert unused_scopes(held, ["GET /a", "GET /b/{x}"], ROUTES, granted_lately=["new.read"]) == (
        "a.write",
        "gone.read",
    )
    assert unused_scopes(held, [], ROUTES, granted_lately=[]) == tuple(held)
    assert unused_scopes([], ["GET /a"], ROUTES, granted_lately=[]) == ()


def test_a_scope_that_only_a_shadow_needs_is_not_called_unused() -> None:
    base = route("GET", "/a", access=Access.AUTHENTICATED)
    tried = replace(base, shadow=replace(base, access=Access.ALL_OF, scopes=("a.read",)))
    assert unused_scopes(["a.read"], ["GET /a"], [tried], granted_lately=[]) == ()
