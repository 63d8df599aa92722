"""The text of a map: nothing of a description can become anything but what was meant."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.model import Access
from gateway.openapi.drafting import Wishes
from gateway.openapi.needs import Anonymous, Reading
from gateway.openapi.rendering import comment, phrase, scope_entry, word
from gateway.settings.yaml_document import parse
from tests.openapi.made import imported, line, operation, routes

# What tries to be more than a word.
NASTY = st.text(max_size=30) | st.sampled_from(
    [
        "x\n      GET /evil: public",
        "x # y",
        "a: b",
        "- x",
        "{x}",
        "[x]",
        "&x",
        "*x",
        "!x",
        "%x",
        "@x",
        "`x`",
        "true",
        "~",
        "0755",
        "1e3",
        "x:",
        ":x",
        "'x",
        "x; gone from the description",
        "\u2028GET /evil: public",
        "\x85x",
        "\ufeffx",
        "a" * 500,
    ]
)


def read(text: str) -> Any:
    document = parse(text.encode(), place=str)
    assert not document.problems
    return document.value


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20))
def test_a_word_is_itself_in_a_line_and_in_braces(text: str) -> None:
    assert read(f"a: {word(text)}") == {"a": text}
    assert read(f"a: {{b: [{word(text)}, {word(text)}]}}") == {"a": {"b": [text, text]}}
    assert read(f"{word(text)}: a") == {text: "a"}


@given(NASTY)
def test_words_for_a_scope_are_one_text(text: str) -> None:
    (found,) = read(scope_entry("x.y", text or "-")).values()
    assert isinstance(found, str)
    assert found.isprintable()
    assert len(found) <= 200
    assert read(f"{{{scope_entry('x.y', text or '-')}}}") == {"x.y": found}


@given(st.lists(NASTY, max_size=3))
def test_a_comment_is_a_comment_to_the_end_of_its_line(texts: list[str]) -> None:
    assert read(f"a: b{comment(map(phrase, texts))}\nc: d\n") == {"a": "b", "c": "d"}


@given(NASTY)
def test_a_phrase_is_one_phrase_and_stays_as_it_is(text: str) -> None:
    made = phrase(text)
    assert phrase(made) == made
    assert "; " not in made


@given(scope=NASTY, tag=NASTY, path=NASTY, title=NASTY, scheme=NASTY)
def test_no_text_of_a_description_becomes_an_entry(
    scope: str, tag: str, path: str, title: str, scheme: str
) -> None:
    paths = {
        "/first": {"get": operation("first")},
        f"/{path}": {"get": operation(scope, tags=[tag], scheme=scheme or "b")},
    }
    made = imported(paths, info={"title": title, "version": title})
    found = routes(made)
    assert found.pop("GET /first", None) is not None or len(made.route_map.routes) == 1
    assert len(found) <= 1
    for route in found.values():
        assert route.access in {Access.ALL_OF, Access.DENY}
        assert "evil" not in route.template or "evil" in path
        if route.access is Access.ALL_OF:
            assert route.scopes == (scope,)


@pytest.mark.parametrize(
    ("security", "how", "text"),
    [
        ([{"bearer": ["x"]}], Anonymous.DENY, "GET /a: x"),
        ([{"bearer": ["x", "y"]}], Anonymous.DENY, "GET /a: [x, y]"),
        ([{"bearer": ["x"]}, {"bearer": ["y"]}], Anonymous.DENY, "GET /a: {any_of: [x, y]}"),
        ([{"bearer": ["true"]}], Anonymous.DENY, 'GET /a: "true"'),
        ([{"bearer": ["12"]}], Anonymous.DENY, 'GET /a: "12"'),
        ([{"bearer": ["*"]}], Anonymous.DENY, 'GET /a: "*"'),
        ([{"bearer": ["https://x/auth/a.b"]}], Anonymous.DENY, "GET /a: https://x/auth/a.b"),
        ([], Anonymous.PUBLIC, "GET /a: public"),
        ([], Anonymous.AUTHENTICATED, "GET /a: authenticated"),
        ([], Anonymous.DENY, "GET /a: deny  # no scope: open to anyone in the description"),
    ],
)
def test_entries_are_as_short_as_they_can_be(security: Any, how: Anonymous, text: str) -> None:
    paths = {"/a": {"get": {"security": security, "responses": {}}}}
    assert line(imported(paths, Wishes(reading=Reading(anonymous=how))), "GET /a") == text


def test_an_import_is_the_same_every_time() -> None:
    paths = {f"/{name}": {"get": operation(name), "put": operation("x")} for name in "cab"}
    backwards = dict(reversed(paths.items()))
    assert imported(paths).data == imported(paths).data == imported(backwards).data
