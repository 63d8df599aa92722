"""Two maps are compared by what they mean: whoever would newly pass is told, and what means the same is not."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.map_diff import Effect, Facet, MapDiff, OperationChange, compare
from gateway.core.model import AccountKind, Route, RouteMap, TokenRecord
from gateway.core.policy import Allow, decide
from gateway.core.routes import RouteTable, shape
from tests.core.maps_made import (
    METHODS,
    PATHS,
    VERSIONS,
    made_map,
    map_pairs,
    publishable_routes,
    records,
    route,
    takes,
)

AGENCY, SUB = AccountKind.AGENCY, AccountKind.SUB_ACCOUNT


def told(diff: MapDiff) -> list[tuple[str, str]]:
    return [(f"{change.method} {change.template}", change.effect.value) for change in diff.operations]


def only(diff: MapDiff) -> OperationChange:
    (change,) = diff.operations
    return change


def changed(old: Route | None, new: Route | None) -> MapDiff:
    return compare(
        made_map(*([old] if old is not None else [])), made_map(*([new] if new is not None else []))
    )


def with_needs(needs: str, **more: Any) -> Route | None:
    return None if needs == "unmapped" else route("GET /a/{x}", needs, **more)


# From what, to what; and the same the other way round is the opposite.
@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("unmapped", "a.read"),
        ("unmapped", "authenticated"),
        ("unmapped", "public"),
        ("a.read", "authenticated"),
        ("a.read", "public"),
        ("authenticated", "public"),
        ("a.read b.read", "a.read"),
        ("a.read b.read c.read", "a.read c.read"),
        ("a.read", "a.read | b.read"),
        ("a.read | b.read", "a.read | b.read | c.read"),
        ("a.read b.read", "a.read | b.read"),
        ("a.read b.read", "b.read | c.read"),
        ("a.read | b.read", "authenticated"),
        ("deny", "a.read"),
        ("deny", "public"),
    ],
)
def test_weaker_needs_open_and_stronger_ones_close(was: str, now: str) -> None:
    forth = only(changed(with_needs(was), with_needs(now)))
    assert (forth.effect, forth.opens, forth.closes) == (Effect.OPENED, True, False)
    back = only(changed(with_needs(now), with_needs(was)))
    assert (back.effect, back.opens, back.closes) == (Effect.CLOSED, False, True)
    assert Facet.ACCESS in forth.facets or was == "unmapped"
    assert forth.facets == back.facets


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("a.read", "a.write"),
        ("a.read b.read", "c.read"),
        ("a.read | b.read", "a.read | c.read"),
        ("a.read b.read", "a.read c.read"),
    ],
)
def test_other_scopes_move_an_operation_which_lets_others_in(was: str, now: str) -> None:
    for one, other in ((was, now), (now, was)):
        change = only(changed(with_needs(one), with_needs(other)))
        assert (change.effect, change.opens, change.closes) == (Effect.MOVED, True, True)


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("a.read b.read", "b.read a.read"),
        ("a.read | b.read", "b.read | a.read"),
        ("a.read", "a.read |a.read"),
    ],
)
def test_the_same_needs_in_other_words_are_no_change(was: str, now: str) -> None:
    assert changed(with_needs(was), with_needs(now)).is_empty


@pytest.mark.parametrize(
    ("was", "now", "facet"),
    [
        ({"account": SUB}, {}, Facet.ACCOUNT),
        ({"account": AGENCY}, {}, Facet.ACCOUNT),
        ({"versions": ("v1",)}, {}, Facet.VERSIONS),
        ({"versions": ("v1",)}, {"versions": ("v2", "v1")}, Facet.VERSIONS),
    ],
)
def test_more_kinds_of_accounts_and_more_versions_open(
    was: dict[str, Any], now: dict[str, Any], facet: Facet
) -> None:
    narrow, wide = with_needs("a.read", **was), with_needs("a.read", **now)
    assert (only(changed(narrow, wide)).effect, only(changed(narrow, wide)).facets) == (
        Effect.OPENED,
        (facet,),
    )
    assert only(changed(wide, narrow)).effect is Effect.CLOSED


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ({"account": SUB}, {"account": AGENCY}),
        ({"versions": ("v1",)}, {"versions": ("v2",)}),
        ({"account": SUB}, {"versions": ("v1",)}),
    ],
)
def test_other_accounts_or_versions_move(was: dict[str, Any], now: dict[str, Any]) -> None:
    assert only(changed(with_needs("a.read", **was), with_needs("a.read", **now))).effect is Effect.MOVED


def test_fewer_scopes_for_fewer_accounts_let_others_in() -> None:
    change = only(changed(with_needs("a.read"), with_needs("authenticated", account=SUB)))
    assert change.effect is Effect.MOVED
    assert change.facets == (Facet.ACCESS, Facet.ACCOUNT)


def test_what_is_only_judged_is_open_and_enforcing_it_closes() -> None:
    enforced = with_needs("a.read", account=SUB)
    assert enforced is not None
    tried = with_needs("authenticated", shadow=enforced)
    assert (only(changed(enforced, tried)).effect, only(changed(tried, enforced)).effect) == (
        Effect.OPENED,
        Effect.CLOSED,
    )
    more = replace(enforced, shadow=with_needs("a.read b.read", account=SUB))
    change = only(changed(enforced, more))
    assert (change.effect, change.facets) == (Effect.CHANGED, (Facet.SHADOW,))
    assert [scope.name for scope in changed(enforced, more).scopes] == ["b.read"]


def test_denied_and_not_mapped_are_one_to_every_caller() -> None:
    assert changed(None, with_needs("deny")).is_empty
    parameter = route("GET /c/{id}", "c.read")
    denied = made_map(parameter, route("GET /c/search", "deny"))
    assert told(compare(made_map(parameter), denied)) == [("GET /c/search", "closed")]
    assert told(compare(denied, made_map(parameter))) == [("GET /c/search", "opened")]


def test_an_account_and_versions_are_not_told_where_nobody_is_asked() -> None:
    asking = with_needs("a.read", account=SUB, versions=("v1",))
    for needs in ("deny", "public"):
        assert only(changed(asking, with_needs(needs))).facets == (Facet.ACCESS,)


def test_what_is_public_asks_for_nothing_else() -> None:
    assert changed(with_needs("public", versions=("v1",)), with_needs("public")).is_empty


@pytest.mark.parametrize(
    ("more", "facet"),
    [
        ({"service": "t"}, Facet.SERVICE),
        ({"upstream": "media"}, Facet.UPSTREAM),
        ({"body_limit": 5}, Facet.BODY_LIMIT),
        ({"timeout_seconds": 5.0}, Facet.TIMEOUT),
        ({"websocket": True}, Facet.WEBSOCKET),
    ],
)
def test_what_is_served_otherwise_for_the_same_callers_is_a_change_that_opens_nothing(
    more: dict[str, Any], facet: Facet
) -> None:
    diff = changed(with_needs("a.read"), with_needs("a.read", **more))
    assert (only(diff).effect, only(diff).facets, diff.opens) == (Effect.CHANGED, (facet,), False)


def test_everything_that_a_route_says_is_compared_or_is_known_to_mean_nothing() -> None:
    compared = {
        "method",
        "template",
        "access",
        "scopes",
        "account",
        "versions",
        "service",
        "upstream",
        "body_limit",
        "timeout_seconds",
        "websocket",
        "shadow",
    }
    assert {field.name for field in fields(Route)} == compared | {"where"}


@pytest.mark.parametrize("template", ["/a/{y}", "/a/{x}/"])
def test_names_of_parameters_and_a_trailing_slash_mean_nothing(template: str) -> None:
    assert changed(route("GET /a/{x}"), route(f"GET {template}")).is_empty


def test_a_renamed_parameter_still_finds_what_changed() -> None:
    assert told(changed(route("GET /a/{x}"), route("GET /a/{y}", "public"))) == [("GET /a/{y}", "opened")]


# Which route a path meets.


def test_a_new_literal_takes_its_path_from_the_parameter() -> None:
    old = made_map(route("GET /c/{id}", "c.read"))
    new = made_map(*old.routes, route("GET /c/search", "c.search"))
    change = only(compare(old, new))
    assert (change.template, change.effect) == ("/c/search", Effect.MOVED)
    assert (change.old, change.new) == (old.routes[0], new.routes[1])
    assert Facet.ROUTE in change.facets
    stricter = made_map(*old.routes, route("GET /c/search", "c.read c.search"))
    assert told(compare(old, stricter)) == [("GET /c/search", "closed")]
    same = made_map(*old.routes, route("GET /c/search", "c.read"))
    assert told(compare(old, same)) == [("GET /c/search", "changed")]


def test_a_literal_that_goes_leaves_its_path_to_the_parameter_which_may_open_it() -> None:
    parameter = route("DELETE /c/{id}", "c.read")
    old = made_map(parameter, route("DELETE /c/all", "c.read c.admin"))
    assert told(compare(old, made_map(parameter))) == [("DELETE /c/all", "opened")]


def test_where_two_templates_cross_is_compared_by_itself() -> None:
    old = made_map(route("GET /a/{x}", "a.read"), route("GET /{y}/b", "b.read"))
    new = made_map(route("GET /{y}/b", "b.read"))
    # /a/b was asked for a.read, and is now asked for b.read.
    assert sorted(told(compare(old, new))) == [("GET /a/b", "moved"), ("GET /a/{x}", "closed")]
    assert sorted(told(compare(new, old))) == [("GET /a/b", "moved"), ("GET /a/{x}", "opened")]


def test_head_is_told_only_where_it_has_a_route_of_its_own() -> None:
    reading = route("GET /a/{x}", "a.read")
    own = made_map(reading, route("HEAD /a/{x}", "authenticated"))
    assert told(compare(made_map(reading), own)) == [("HEAD /a/{x}", "opened")]
    assert told(compare(own, made_map(reading))) == [("HEAD /a/{x}", "closed")]
    assert told(compare(made_map(), made_map(reading))) == [("GET /a/{x}", "opened")]


def test_another_spelling_of_a_literal_that_goes_is_a_value_again() -> None:
    parameter = route("GET /c/{id}", "c.read")
    old = made_map(parameter, route("POST /v/x:y", "v.write"))
    # `%3A` is read as a colon by some servers: while `x:y` is a literal, `x%3Ay` is refused everywhere.
    forth = compare(old, made_map(parameter))
    assert told(forth) == [("GET /c/{id}", "opened"), ("POST /v/x:y", "closed")]
    assert [change.spelling for change in forth.operations] == ["x%3Ay", ""]
    assert forth.operations[0].meeting.paths == "/c/{id} with a value spelled x%3Ay"
    assert told(compare(made_map(parameter), old)) == [("POST /v/x:y", "opened"), ("GET /c/{id}", "closed")]


def test_changes_are_sorted_by_service_and_the_worst_comes_first() -> None:
    old = made_map(
        route("GET /a", "a.read"),
        route("GET /b", "a.read"),
        route("GET /c", "a.read"),
        route("GET /d", "a.read", service="r"),
    )
    new = made_map(
        route("GET /a", "a.read a.write"),
        route("GET /b", "b.read"),
        route("GET /c", "public"),
        route("GET /d", "a.read", service="r", body_limit=1),
    )
    assert told(compare(old, new)) == [
        ("GET /d", "changed"),
        ("GET /c", "opened"),
        ("GET /b", "moved"),
        ("GET /a", "closed"),
    ]


# Beside the operations.


def test_an_upstream_with_other_addresses_is_told_once_with_what_it_serves() -> None:
    served = [route("GET /a"), route("GET /b", service="t"), route("POST /b", service="t")]
    diff = compare(made_map(*served), made_map(*served, crm="http://crm:1 http://crm:2"))
    (upstream,) = diff.upstreams
    assert (upstream.name, dict(upstream.operations)) == ("crm", {"s": 1, "t": 2})
    assert (upstream.old_urls, upstream.new_urls) == (("http://crm:1",), ("http://crm:1", "http://crm:2"))
    assert not diff.operations
    assert not diff.opens
    assert not diff.is_empty


def test_the_order_of_addresses_and_an_upstream_that_serves_nothing_mean_nothing() -> None:
    one = made_map(route("GET /a"), crm="http://x:1 http://x:2")
    other = made_map(route("GET /a"), crm="http://x:2 http://x:1", media="http://elsewhere:1")
    assert compare(one, other).is_empty


def test_a_host_that_is_kept_is_told() -> None:
    old = made_map(route("GET /a"))
    new = replace(old, upstreams={**old.upstreams, "crm": replace(old.upstreams["crm"], preserve_host=True)})
    (upstream,) = compare(old, new).upstreams
    assert (upstream.old_preserve_host, upstream.new_preserve_host) == (False, True)


def test_scopes_that_come_and_go_and_their_words_are_told() -> None:
    old = made_map(route("GET /a", "gone"), route("GET /b", "kept"), scopes={"gone": "x", "kept": "one"})
    new = made_map(route("GET /a", "come"), route("GET /b", "kept"), scopes={"kept": "two"})
    scopes = {change.name: change for change in compare(old, new).scopes}
    assert (scopes["gone"].was_needed, scopes["gone"].is_needed) == (True, False)
    assert (scopes["come"].was_needed, scopes["come"].is_needed) == (False, True)
    assert (scopes["kept"].old_words, scopes["kept"].new_words) == ("one", "two")
    assert len(scopes) == 3


# Properties.


@settings(deadline=None)
@given(publishable_routes, st.randoms(use_true_random=False))
def test_a_map_does_not_differ_from_itself_in_another_order(found: list[Route], random: Any) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)
    assert compare(made_map(*found), made_map(*shuffled)).is_empty


def pairs(diff: MapDiff) -> dict[tuple[str, str, str], tuple[bool, bool]]:
    return {
        (change.method, shape(change.template), change.spelling): (change.opens, change.closes)
        for change in diff.operations
    }


@settings(deadline=None)
@given(map_pairs())
def test_what_is_opened_one_way_is_closed_the_other_way(maps: tuple[RouteMap, RouteMap]) -> None:
    old, new = maps
    forth, back = pairs(compare(old, new)), pairs(compare(new, old))
    assert forth == {place: (opens, closes) for place, (closes, opens) in back.items()}


def passes(record: TokenRecord | None, found: Route | None, versions: tuple[str, ...]) -> bool:
    return isinstance(decide(record, found, versions, 0.0), Allow)


@settings(max_examples=100, deadline=None)
@given(map_pairs(), st.lists(st.tuples(records(), st.sampled_from(VERSIONS)), min_size=1, max_size=6))
def test_nobody_newly_passes_unseen_and_nobody_is_newly_refused_unseen(
    maps: tuple[RouteMap, RouteMap], asking: list[tuple[TokenRecord | None, tuple[str, ...]]]
) -> None:
    """For every request and any caller: an answer that would change is covered by an operation that is told so."""
    before, after = (
        RouteTable((one.method, one.template, one) for one in route_map.routes) for route_map in maps
    )
    changes = compare(*maps).operations
    for method, path in product(METHODS, PATHS):
        was, now = before.match(method, path), after.match(method, path)
        for record, versions in asking:
            passed, will_pass = passes(record, was, versions), passes(record, now, versions)
            if passed == will_pass:
                continue
            of_pair = [change for change in changes if (change.old, change.new) == (was, now)]
            covering = [change for change in of_pair if takes(change.template, path)]
            assert covering
            assert all(change.opens if will_pass else change.closes for change in covering)
