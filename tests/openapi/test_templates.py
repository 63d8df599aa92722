"""Paths of descriptions as templates: what comes out is what a request's path is brought into, or there is a reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.paths import canonical_path
from gateway.core.routes import is_parameter
from gateway.openapi.templates import Template, Unmappable, to_template
from gateway.settings.template import parse_key


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/", "/"),
        ("/contacts", "/contacts"),
        ("/contacts/", "/contacts/"),
        ("/contacts/{contactId}", "/contacts/{contactId}"),
        ("/contacts/:contactId", "/contacts/{contactId}"),
        ("/contacts/:contactId?", "/contacts/{contactId}"),
        ("/a/{user id}", "/a/{user_id}"),
        ("/a/{+path}", "/a/{path}"),
        ("/a/{path*}", "/a/{path}"),
        ("/a/{id}/b/{id}", "/a/{id}/b/{id_2}"),
        ("/a/{id}/{id_2}/{id}", "/a/{id}/{id_2}/{id_3}"),
        ("/a?type=x", "/a"),
        ("/a#fragment", "/a"),
        ("/a{?page,limit}", "/a"),
        ("/models:batch", "/models:batch"),
        ("/a b/ü", "/a%20b/%C3%BC"),
        ("/a%2db/%c3", "/a-b/%C3"),
    ],
)
def test_paths_that_have_a_template(path: str, template: str) -> None:
    found = to_template("GET", path, "")
    assert isinstance(found, Template), found
    assert found.text == template
    assert bool(found.remarks) == (path != template), "what was changed is told"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("contacts", "its path does not begin with /"),
        ("", "its path does not begin with /"),
        ("/a/{id}.json", '"{id}.json" has a parameter in a part of a segment'),
        ("/a/{id}:cancel", "has a parameter in a part of a segment"),
        ("/a/{x}-{y}", "has a parameter in a part of a segment"),
        ("/a/{b", "has a parameter in a part of a segment"),
        ("/a/{}", "is a parameter without a name"),
        ("/a/{***}", "is a parameter without a name"),
        ("/a//b", "it has an empty segment"),
        ("/a/../b", "requests for it are refused: the path holds a dot segment"),
        ("/a;v=1", "the path holds a semicolon"),
        ("/a\\b", "the path holds"),
        ("/a/%2Fb", "the path holds %2F"),
        ("/a/%zz", "the path holds an invalid percent escape"),
        ("/a/\ud800", "holds half a character"),
        ("/" + "x" * 1000, "its path is longer than 900 characters"),
    ],
)
def test_paths_that_have_none(path: str, reason: str) -> None:
    found = to_template("GET", path, "")
    assert isinstance(found, Unmappable), found
    assert reason in found.reason


def test_trace_has_no_entry() -> None:
    assert to_template("TRACE", "/a", "") == Unmappable("TRACE is never forwarded")


@pytest.mark.parametrize(
    ("prefix", "path", "template"),
    [("/v2", "/a", "/v2/a"), ("/v2", "/", "/v2/"), ("/{tenant}/v2", "/a", "/{tenant}/v2/a")],
)
def test_the_prefix_stands_before_every_path(prefix: str, path: str, template: str) -> None:
    found = to_template("GET", path, prefix)
    assert isinstance(found, Template)
    assert found.text == template


def test_the_wider_shape_of_what_cannot_be_mapped_is_known() -> None:
    """Requests for it may be taken for an entry that is there, and whoever imports must be told."""
    found = to_template("GET", "/a/{id}.json/:x", "/v1")
    assert isinstance(found, Unmappable)
    assert found.wider == "/v1/a/{}/{}"


@given(st.text(max_size=30), st.sampled_from(["", "/v2"]))
def test_every_template_is_one_that_the_map_takes_and_a_request_has(path: str, prefix: str) -> None:
    found = to_template("GET", f"/{path}", prefix)
    if isinstance(found, Unmappable):
        assert found.reason
        return
    assert parse_key(f"GET {found.text}") == ("GET", found.text)
    filled = "/".join("x" if is_parameter(segment) else segment for segment in found.text.split("/"))
    assert canonical_path(filled) == filled
