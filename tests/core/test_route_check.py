"""A map that would not do what it says is refused, and one that might surprise is remarked on, each at its line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.model import Access, Problem, Route, RouteMap, Upstream
from gateway.core.route_check import check, errors
from gateway.core.rules import Rule


def route(key: str, *, line: int = 1, upstream: str = "crm", scopes: tuple[str, ...] = ("a.read",)) -> Route:
    method, template = key.split()
    return Route(
        method=method,
        template=template,
        service="s",
        upstream=upstream,
        access=Access.ALL_OF,
        scopes=scopes,
        where=f"r.yaml:{line}",
    )


def route_map(
    *routes: Route, upstreams: tuple[str, ...] = ("crm",), scopes: tuple[str, ...] = ()
) -> RouteMap:
    return RouteMap(
        upstreams={
            name: Upstream(name=name, urls=("http://127.0.0.1:1",), where=f"r.yaml:{90 + at}")
            for at, name in enumerate(upstreams)
        },
        routes=routes,
        scopes=dict.fromkeys(scopes, ""),
        scope_lines={scope: f"r.yaml:{70 + at}" for at, scope in enumerate(scopes)},
        version="0" * 64,
    )


def test_a_sound_map_has_no_problem() -> None:
    found = check(
        route_map(route("GET /a/{x}"), route("POST /a/{x}"), route("GET /a/b/c"), scopes=("a.read",))
    )
    assert found == []


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ("GET /a/{x}", "GET /a/{y}", "same paths as /a/{x} at r.yaml:1"),
        ("GET /a", "GET /a/", "same paths as /a at r.yaml:1"),
        ("GET /a/{x}", "GET /a/{x}", "mapped twice, first at r.yaml:1"),
    ],
)
def test_two_routes_that_cannot_be_told_apart_are_an_error(one: str, other: str, words: str) -> None:
    (problem,) = check(route_map(route(one), route(other, line=2)))
    assert (problem.where, problem.warning) == ("r.yaml:2", False)
    assert words in problem.message


def test_one_shape_under_two_methods_is_sound() -> None:
    assert check(route_map(route("GET /a/{x}"), route("PUT /a/{y}", line=2))) == []


def test_an_upstream_that_is_not_there_is_an_error_with_a_way_out() -> None:
    (problem,) = check(route_map(route("GET /a", upstream="crn"), route("GET /b", upstream="crn", line=2)))
    assert not problem.warning
    assert "did you mean crm?" in problem.message
    (problem,) = check(route_map(route("GET /a", upstream="payments")))
    assert "add it under `upstreams`" in problem.message


def test_errors_come_without_warnings_and_all_at_once() -> None:
    found = check(
        route_map(
            *(route("GET /a"), route("GET /a", line=2), route("GET /b", upstream="x", line=3)),
            upstreams=("crm", "idle"),
            scopes=("nobody.needs",),
        )
    )
    assert [problem.where for problem in found] == ["r.yaml:2", "r.yaml:3"]
    assert not any(problem.warning for problem in found)


def test_a_literal_that_another_method_takes_for_a_value_is_remarked_on() -> None:
    (problem,) = check(route_map(route("GET /c/search"), route("DELETE /c/{id}", line=2)))
    assert problem.warning
    assert problem.where == "r.yaml:1"
    assert "DELETE /c/search is not mapped and taken for /c/{id}" in problem.message


def test_several_methods_that_take_it_for_one_value_are_one_remark() -> None:
    routes = [
        route(f"{method} /c/{{id}}", line=at) for at, method in enumerate(["PUT", "PATCH", "DELETE"], 2)
    ]
    (problem,) = check(route_map(route("GET /c/search"), *routes))
    assert "DELETE, PATCH and PUT /c/search are not mapped" in problem.message


def test_it_is_remarked_on_once_and_only_where_it_can_happen() -> None:
    found = check(
        route_map(
            route("GET /c/search"),
            route("POST /c/search", line=2),
            route("DELETE /c/{id}", line=3),
            route("PUT /c/search", line=4),
            route("PUT /c/{id}", line=5),
            route("HEAD /c/{id}", line=6),
            route("PATCH /c/{id}/x", line=7),
        )
    )
    assert [problem.where for problem in found] == ["r.yaml:1"]


def test_unused_scopes_and_upstreams_are_remarked_on() -> None:
    found = check(
        route_map(route("GET /a"), upstreams=("crm", "idle"), scopes=("a.read", "a.reed", "payments.write"))
    )
    assert [(problem.where, problem.warning) for problem in found] == [
        ("r.yaml:71", True),
        ("r.yaml:72", True),
        ("r.yaml:91", True),
    ]
    assert "did you mean a.read?" in found[0].message
    assert "remove it" in found[1].message


def test_a_denied_literal_is_mapped_for_its_method() -> None:
    denied = replace(route("DELETE /c/search", line=3), access=Access.DENY, scopes=())
    assert check(route_map(route("GET /c/search"), route("DELETE /c/{id}", line=2), denied)) == []


def test_a_scope_that_a_shadow_needs_is_in_use() -> None:
    tried = route("GET /a")
    tried = replace(tried, shadow=replace(tried, scopes=("b.read",)))
    assert check(route_map(tried, scopes=("b.read",))) == []


@pytest.mark.parametrize(
    ("scope", "meant"),
    [
        ("contcts.readonly", "contacts.readonly"),
        ("contacts.raedonly", "contacts.readonly"),
        ("Contacts.readonly", None),
        ("locations.readonly", None),
        ("v2.notes.read", None),
        ("publik", "public"),
        ("authenticatd", "authenticated"),
        ("denyy", "deny"),
    ],
)
def test_a_scope_that_looks_like_a_slip_is_remarked_on(scope: str, meant: str | None) -> None:
    """Else the route stands there, checked, and refuses everyone: no token can be given that scope."""
    described = ("contacts.readonly", "v1.notes.read")
    found = check(
        route_map(
            *(route("GET /a", scopes=described), route("GET /b", line=2, scopes=(scope,))), scopes=described
        )
    )
    if meant is None:
        assert found == []
        return
    (problem,) = found
    assert (problem.where, problem.warning, problem.rule) == ("r.yaml:2", True, Rule.SCOPE_MISSPELT)
    assert f"the scope {scope} is described nowhere; did you mean {meant}?" in problem.message


def test_a_scope_that_is_described_or_used_again_is_no_slip() -> None:
    routes = [route(f"GET /{at}", line=at, scopes=("contacts.readonli",)) for at in (1, 2)]
    used = route("GET /a", scopes=("contacts.readonly",))
    assert check(route_map(used, *routes, scopes=("contacts.readonly",))) == []
    assert check(route_map(used, routes[0], scopes=("contacts.readonly", "contacts.readonli"))) == []


def test_a_word_of_the_map_with_a_slip_is_remarked_on_however_often_it_stands_there() -> None:
    routes = [route(f"GET /{at}", line=at, scopes=("authenticatde",)) for at in (1, 2)]
    (problem,) = check(route_map(*routes))
    assert problem.where == "r.yaml:1"


def test_many_scopes_that_nobody_described_are_checked_in_no_time() -> None:
    """Compared each with each they would take minutes. The bound is that of the run, not of this test."""
    wanted = tuple(f"service.{at:05}.readonly" for at in range(0, 20000, 2))
    described = tuple(f"service.{at:05}.readonly" for at in range(1, 20000, 2))
    found = check(route_map(route("GET /a", scopes=wanted), scopes=described))
    assert {problem.rule for problem in found} == {Rule.SCOPE_UNUSED}


def test_an_upstream_that_could_not_be_read_is_not_called_missing() -> None:
    assert check(route_map(route("GET /a", upstream=""))) != []
    assert errors(route_map(route("GET /a", upstream=""))) == []


def test_a_problem_reads_as_a_line() -> None:
    assert str(Problem(where="r.yaml:3", message="x; do y")) == "r.yaml:3: x; do y"
    assert str(Problem(where="r.yaml:3", message="x", warning=True)) == "r.yaml:3: warning: x"
