"""What is told of a look-up is what the look-up does: the table's winner is the first candidate of its method."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.candidates import candidates
from gateway.core.model import Access, Route
from gateway.core.routes import RouteTable, shape

SEGMENTS = st.sampled_from(["a", "b", "{x}", "{y}", "c"])
KEYS = st.tuples(
    st.sampled_from(["GET", "POST", "HEAD"]),
    st.lists(SEGMENTS, max_size=4).map(lambda parts: "/" + "/".join(parts)),
    st.sampled_from(["", "/"]),
)
PATHS = st.lists(st.sampled_from(["a", "b", "c", "d", ""]), max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)


def route(method: str, template: str) -> Route:
    return Route(method=method, template=template, service="s", upstream="u", access=Access.AUTHENTICATED)


def route_list(keys: list[tuple[str, str, str]]) -> list[Route]:
    found: dict[tuple[str, str], Route] = {}
    for method, template, slash in keys:
        named = template if template.endswith("/") else template + slash
        found.setdefault((method, shape(named)), route(method, named))
    return list(found.values())


@given(st.lists(KEYS, max_size=20), PATHS, st.sampled_from(["GET", "POST", "HEAD"]))
def test_the_first_candidate_of_a_method_is_what_the_table_finds(
    keys: list[tuple[str, str, str]], path: str, method: str
) -> None:
    routes = route_list(keys)
    table = RouteTable((one.method, one.template, one) for one in routes)
    found = candidates(routes, path)
    by_method = [one.route for one in found if one.route.method == method]
    if not by_method and method == "HEAD":
        by_method = [one.route for one in found if one.route.method == "GET"]
    assert table.match(method, path) is next(iter(by_method), None)


@given(st.lists(KEYS, max_size=20), PATHS)
def test_each_loser_loses_to_the_winner_of_its_method_at_a_written_out_segment(
    keys: list[tuple[str, str, str]], path: str
) -> None:
    found = candidates(route_list(keys), path)
    for method in {one.route.method for one in found}:
        winner, *losers = [one for one in found if one.route.method == method]
        for loser in losers:
            place = loser.loses_at(winner)
            assert place is not None
            assert winner.written[place]
            assert not loser.written[place]
            assert winner.written[:place] == loser.written[:place]


def test_the_order_of_an_example() -> None:
    routes = [route("GET", t) for t in ("/{x}/b", "/a/{y}", "/a/b/", "/a/{y}/c", "/b/a")] + [
        route("PUT", "/a/b")
    ]
    assert [(one.route.method, one.route.template) for one in candidates(routes, "/a/b")] == [
        ("GET", "/a/b/"),
        ("PUT", "/a/b"),
        ("GET", "/a/{y}"),
        ("GET", "/{x}/b"),
    ]
