"""The table finds the operation that the rules name: literal before parameter, leftmost decides, per method."""

from __future__ import annotations

import string
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.routes import RouteTable, is_parameter, shape, split

Entry = tuple[str, str]


def table(*entries: Entry) -> RouteTable[Entry]:
    return RouteTable((method, template, (method, template)) for method, template in entries)


def fits(template: str, path: str) -> bool:
    """Whether a template matches a path, segment by segment; the trailing slash of either is not looked at."""
    ours, theirs = template.removesuffix("/").split("/")[1:], path.removesuffix("/").split("/")[1:]
    return len(ours) == len(theirs) and all(
        (bool(value) if name.startswith("{") else name == value)
        for name, value in zip(ours, theirs, strict=True)
    )


def oracle(entries: list[Entry], method: str, path: str) -> Entry | None:
    """Filter all, then prefer literals from the left. Shares nothing with the table."""
    for wanted in (method, "GET") if method == "HEAD" else (method,):
        found = [entry for entry in entries if entry[0] == wanted and fits(entry[1], path)]
        if found:
            return min(found, key=lambda entry: [part.startswith("{") for part in entry[1].split("/")])
    return None


segments = st.sampled_from(["a", "b", "c", "search", "{x}", "{y}", "{id}"])
templates = st.builds(
    lambda parts, slash: "/" + "/".join(parts) + ("/" if slash and parts else ""),
    st.lists(segments, max_size=5),
    st.booleans(),
)
maps = st.lists(st.tuples(st.sampled_from(["GET", "POST", "HEAD", "DELETE"]), templates), max_size=40).map(
    lambda entries: list(
        {(method, shape(template)): (method, template) for method, template in entries}.values()
    )
)
requests = st.tuples(
    st.sampled_from(["GET", "POST", "HEAD", "DELETE", "PATCH", "get"]),
    st.lists(st.sampled_from(["a", "b", "c", "search", "zz", "A"]), max_size=6),
    st.booleans(),
).map(lambda r: (r[0], "/" + "/".join(r[1]) + ("/" if r[2] and r[1] else "")))


@given(maps, st.lists(requests, min_size=1, max_size=20))
def test_the_table_agrees_with_filtering_all_templates(entries: list[Entry], asked: list[Entry]) -> None:
    built = table(*entries)
    for method, path in asked:
        assert built.match(method, path) == oracle(entries, method, path)


@given(maps)
def test_every_template_filled_with_strange_values_finds_itself(entries: list[Entry]) -> None:
    built = table(*entries)
    assert built.size == len(entries)
    for method, template in entries:
        filled = "/".join("~v" if is_parameter(part) else part for part in template.split("/"))
        assert built.match(method, filled) == (method, template)


@given(maps, requests)
def test_a_trailing_slash_changes_nothing(entries: list[Entry], request: Entry) -> None:
    built = table(*entries)
    method, path = request
    if path != "/":
        assert built.match(method, path.removesuffix("/")) == built.match(
            method, path.removesuffix("/") + "/"
        )


@pytest.mark.parametrize("template", ["/contacts", "/contacts/"])
@pytest.mark.parametrize("path", ["/contacts", "/contacts/"])
def test_a_template_matches_with_and_without_its_slash(template: str, path: str) -> None:
    assert table(("GET", template)).match("GET", path) == ("GET", template)


@pytest.mark.parametrize(
    "path",
    ["/contacts//", "//contacts", "//", "/contact", "/contacts/1/2", "/Contacts", "/CONTACTS/", "/contacts."],
)
def test_what_is_not_mapped_is_not_matched(path: str) -> None:
    assert table(("GET", "/contacts"), ("GET", "/contacts/{id}")).match("GET", path) is None


def test_a_parameter_is_never_empty() -> None:
    built = table(("GET", "/{a}"), ("GET", "/a/{b}/c"), ("GET", "/a/{b}"))
    assert built.match("GET", "/") is None
    assert built.match("GET", "/a//c") is None
    assert built.match("GET", "/a//") is None
    assert built.match("GET", "/a/") == ("GET", "/{a}")


def test_the_root_is_a_path_of_its_own() -> None:
    assert table(("GET", "/")).match("GET", "/") == ("GET", "/")
    assert table(("GET", "/a")).match("GET", "/") is None


@pytest.mark.parametrize(
    "value", ["search", "x", "~", "a%20b", "%C3%A9", "a@b", "a:b", "!$&'()*+,=", "{id}", "..."]
)
def test_a_parameter_takes_any_value(value: str) -> None:
    assert table(("GET", "/c/{id}")).match("GET", f"/c/{value}") == ("GET", "/c/{id}")


def test_the_leftmost_literal_decides() -> None:
    built = table(("GET", "/a/{x}/{y}"), ("GET", "/{x}/b/c"))
    assert built.match("GET", "/a/b/c") == ("GET", "/a/{x}/{y}")


def test_a_literal_that_comes_to_nothing_gives_way() -> None:
    built = table(("GET", "/a/b/c"), ("GET", "/a/{x}/d"), ("GET", "/{x}/b/e"))
    assert built.match("GET", "/a/b/d") == ("GET", "/a/{x}/d")
    assert built.match("GET", "/a/b/e") == ("GET", "/{x}/b/e")
    assert built.match("GET", "/a/b/f") is None


def test_methods_are_apart_and_case_sensitive() -> None:
    built = table(("GET", "/a"), ("POST", "/a/{x}"))
    assert built.match("POST", "/a") is None
    assert built.match("get", "/a") is None
    assert built.match("GET", "/a/b") is None
    assert built.methods == {"GET", "POST"}


def test_head_uses_the_get_route_unless_it_has_its_own() -> None:
    built = table(("GET", "/a/{x}"), ("GET", "/b"), ("HEAD", "/a/c"))
    assert built.match("HEAD", "/a/c") == ("HEAD", "/a/c")
    assert built.match("HEAD", "/a/d") == ("GET", "/a/{x}")
    assert built.match("HEAD", "/b") == ("GET", "/b")
    assert built.match("HEAD", "/c") is None
    assert table(("HEAD", "/a")).match("GET", "/a") is None


@pytest.mark.parametrize(
    ("one", "other"), [("/a/{x}", "/a/{y}"), ("/a", "/a/"), ("/a", "/a"), ("/{x}/b/", "/{y}/b"), ("/", "/")]
)
def test_two_templates_of_one_shape_are_no_table(one: str, other: str) -> None:
    with pytest.raises(ValueError, match="twice"):
        table(("GET", one), ("GET", other))
    assert table(("GET", one), ("POST", other)).size == 2


@pytest.mark.parametrize(
    ("template", "spelling"),
    [
        ("/items:batch", "/items%3Abatch"),
        ("/items:batch/", "/items%3Abatch/"),
        ("/@me", "/%40me"),
        ("/a+b", "/a%2Bb"),
        ("/a,b", "/a%2Cb"),
        ("/a=b", "/a%3Db"),
        ("/(a)*!$&'", "/%28a)*!%24&%27"),
        ("/items%3Abatch", "/items:batch"),
    ],
)
def test_an_escaped_delimiter_does_not_slip_past_a_literal(template: str, spelling: str) -> None:
    """A server that decodes before it routes would run the literal's operation with the parameter's scope."""
    built = table(("POST", template), ("POST", "/{id}"), ("GET", "/{id}"), ("POST", "/x/{id}"))
    assert built.match("POST", template) == ("POST", template)
    assert built.match("POST", spelling) is None
    assert built.match("GET", spelling) is None
    assert built.match("HEAD", spelling) is None
    assert built.match("POST", "/a%3Ac") == ("POST", "/{id}")
    assert built.match("POST", "/x/a@b%3A") == ("POST", "/x/{id}")


def test_a_map_may_name_both_spellings_of_a_literal() -> None:
    built = table(("GET", "/a:b"), ("GET", "/a%3Ab"), ("GET", "/{x}"))
    assert built.match("GET", "/a:b") == ("GET", "/a:b")
    assert built.match("GET", "/a%3Ab") == ("GET", "/a%3Ab")


def test_ten_thousand_routes_build_and_match() -> None:
    words = ["".join(letters) for letters in product(string.ascii_lowercase, repeat=3)]
    entries = [("GET", f"/v1/{word}/{{id}}/{words[-at]}") for at, word in enumerate(words[:10_000], 1)]
    built = table(*entries)
    assert built.size == 10_000
    for entry in entries[::97]:
        assert built.match("GET", entry[1].replace("{id}", "42")) == entry
    assert repr(built) == "RouteTable(10000 routes, methods GET)"


def test_templates_that_differ_everywhere_do_not_make_a_look_up_explode() -> None:
    """Literal and parameter at every level: at most every template is tried, never every combination twice."""
    entries = [("GET", "/" + "/".join(parts) + "/end") for parts in product(("a", "{x}"), repeat=10)]
    built = table(*entries)
    assert built.match("GET", "/" + "a/" * 10 + "end") == entries[0]
    assert built.match("GET", "/" + "a/" * 10 + "none") is None


@pytest.mark.parametrize(
    ("path", "parts"), [("/", []), ("/a", ["a"]), ("/a/", ["a"]), ("/a//", ["a", ""]), ("//", [""])]
)
def test_split_drops_the_trailing_slash_alone(path: str, parts: list[str]) -> None:
    assert split(path) == parts


def test_a_shape_forgets_names_and_the_slash() -> None:
    assert shape("/a/{contactId}/b/") == "/a/{}/b" == shape("/a/{x}/b")
    assert shape("/") == "/"
