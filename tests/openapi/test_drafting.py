"""Descriptions together as one map: what the map in the end says, read as the gateway reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.core.model import Access, AccountKind
from gateway.openapi.drafting import ServiceFrom, Wishes
from gateway.openapi.importing import Limits, describe, make_map
from gateway.openapi.needs import Reading
from gateway.openapi.scope_list import KINDS, read_scope_list
from gateway.settings.errors import ConfigurationError
from tests.openapi.made import (
    BY_SCHEME,
    DESCRIPTIONS,
    TARGET,
    described,
    imported,
    line,
    operation,
    routes,
    spec,
)

EXPECTED = DESCRIPTIONS / "expected.routes.yaml"


def test_the_descriptions_of_the_tests_are_this_map() -> None:
    """Each case that a description can hold, in one text to look at."""
    names = ("contacts.yaml", "billing.json", "split/openapi.yaml")
    found = [describe(str(DESCRIPTIONS / name), Limits(), versions=True) for name in names]
    made = make_map(found, Wishes(reading=BY_SCHEME), target=TARGET)
    assert made.data.decode() == EXPECTED.read_text()
    assert [f"{each.operation}: {each.reason}" for each in made.drafted.left_out] == [
        'GET /v2/files/{id}.json: "{id}.json" has a parameter in a part of a segment, and the map has whole ones; requests '
        "for it are taken for GET /v2/files/{id}",
        "TRACE /billing/trace: TRACE is never forwarded",
    ]
    assert len(made.denied) == 7
    operations = sum(len(each.operations) for each in found)
    assert operations == len(made.drafted.entries) + len(made.drafted.left_out) + made.drafted.folded


def test_nothing_is_open_that_nobody_opened() -> None:
    names = ("contacts.yaml", "billing.json", "split/openapi.yaml")
    found = [describe(str(DESCRIPTIONS / name), Limits(), versions=True) for name in names]
    made = make_map(found, Wishes(), target=TARGET)
    for route in made.route_map.routes:
        assert route.scopes or route.access is Access.DENY


SAME = {"/a/{id}": {"get": operation("x")}}


@pytest.mark.parametrize(
    ("other", "access", "folded"),
    [
        ({"/a/{name}": {"get": operation("x")}}, Access.ALL_OF, 1),
        ({"/a/{name}/": {"get": operation("x")}}, Access.ALL_OF, 1),
        ({"/a/:name": {"get": operation("x")}}, Access.ALL_OF, 1),
        ({"/a/{id}?b=c": {"get": operation("x")}}, Access.ALL_OF, 1),
        ({"/a/{name}": {"get": operation("y")}}, Access.DENY, 1),
        ({"/a/{name}": {"get": {"responses": {}}}}, Access.DENY, 1),
        ({"/a/{name}": {"get": operation("x", servers=[{"url": "http://127.0.0.1:9002"}])}}, Access.DENY, 1),
        ({"/a/{name}": {"put": operation("y")}}, Access.ALL_OF, 0),
    ],
)
def test_operations_of_one_shape_are_one_entry_or_denied(
    other: dict[str, Any], access: Access, folded: int
) -> None:
    made = imported({**SAME, **other})
    assert routes(made)["GET /a/{id}"].access is access
    assert made.drafted.folded == folded
    if access is Access.DENY:
        assert "has the same shape and" in line(made, "GET /a/{id}")


def test_a_list_may_decide_what_two_operations_of_one_shape_need() -> None:
    scopes = read_scope_list(Path("own.csv"), b"method,path,scope\nGET,/a/{x},x y\n")
    made = imported({**SAME, "/a/{name}": {"get": operation("y")}}, Wishes(scope_list=scopes))
    assert line(made, "GET /a/{id}") == "GET /a/{id}: [x, y]  # scope from own.csv"


def test_one_operation_in_two_files_is_one_entry() -> None:
    first, second = (described(spec(SAME), name) for name in ("a.json", "b.json"))
    made = make_map([first, second], Wishes(), target=TARGET)
    assert len(made.route_map.routes) == 1
    assert made.drafted.remarks == ("GET /a/{id} is GET /a/{id} once more; one entry stands for both",)


def test_a_list_fills_what_has_no_scope_and_nothing_else() -> None:
    scopes = read_scope_list(
        Path("scopes.csv"),
        b"method,path,scope,account\nGET,/a,a.readonly,agency\nPUT,/a,a.write,\nGET,/b,other,agency\nGET,/none,x,\nGET,/c,deny,\n"
        b"GET,/d,d.readonly,any\n",
    )
    paths = {
        "/a": {"get": {"responses": {}}, "put": operation(scheme="Location"), "post": {"responses": {}}},
        "/b": {"get": operation("b.readonly")},
        "/c": {"get": {"responses": {}}},
        "/d": {"get": operation("d.readonly")},
    }
    made = imported(paths, Wishes(scope_list=scopes, reading=BY_SCHEME))
    found = routes(made)
    assert found["GET /a"].scopes == ("a.readonly",)
    assert found["GET /a"].account is AccountKind.AGENCY
    assert found["PUT /a"].scopes == ("a.write",)
    assert found["PUT /a"].account is AccountKind.SUB_ACCOUNT, "from the scheme, where the list does not say"
    assert found["POST /a"].access is Access.DENY
    assert found["GET /b"].scopes == ("b.readonly",), "the description has one, and it is kept"
    assert found["GET /b"].account is AccountKind.AGENCY, "the description has no kind, and the list does"
    assert found["GET /c"].access is Access.DENY
    assert line(made, "GET /c") == "GET /c: deny  # denied by scopes.csv"
    assert made.drafted.unused_lines == (
        "scopes.csv:4: GET /b needs b.readonly in the description, which is kept; the line says other",
        "scopes.csv:5: GET /none is in no description",
    )
    assert [entry.key for entry in made.denied] == ["POST /a"]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (ServiceFrom.TAG, {"users-teams", "reports", "root"}),
        (ServiceFrom.PATH, {"v1", "reports", "root"}),
        (ServiceFrom.FILE, {"my-api"}),
    ],
)
def test_services_are_named_after_what_was_wished_for(source: ServiceFrom, names: set[str]) -> None:
    paths = {
        "/v1/users": {"get": operation("x", tags=["Users & Teams!", "other"])},
        "/reports": {"get": operation("x")},
        "/{id}": {"get": operation("x", tags=["日本"])},
    }
    description = described(spec(paths), "http://127.0.0.1/specs/My%20API.v1.json")
    made = make_map([description], Wishes(service_from=source), target=TARGET)
    found = {route.service for route in made.route_map.routes}
    assert found == names or (source is ServiceFrom.FILE and len(found) == 1)


def test_the_kind_of_most_entries_is_their_services() -> None:
    paths = {
        "/s/1": {"get": operation("x", scheme="Location")},
        "/s/2": {"get": operation("x", scheme="Location")},
        "/s/3": {"get": operation("x", scheme="Agency")},
        "/s/4": {"get": operation("x", scheme="bearer")},
        "/s/5": {"get": operation(scheme="Agency")},
    }
    made = imported(paths, Wishes(reading=BY_SCHEME))
    assert "    account: sub_account\n" in made.data.decode()
    assert line(made, "GET /s/1") == "GET /s/1: x"
    assert line(made, "GET /s/3") == "GET /s/3: {scope: x, account: agency}"
    assert line(made, "GET /s/4") == "GET /s/4: {scope: x, account: any}  # account kind not declared"
    assert line(made, "GET /s/5").startswith("GET /s/5: deny  #")


def test_versions_are_asked_for_or_not() -> None:
    header = {"name": "Version", "in": "header", "required": True, "schema": {"enum": ["v1", "v2"]}}
    paths = {
        "/a": {"get": operation("x", parameters=[header]), "put": {"parameters": [header], "responses": {}}}
    }
    assert routes(imported(paths))["GET /a"].versions == ("v1", "v2")
    assert routes(imported(paths))["PUT /a"].access is Access.DENY
    assert routes(imported(paths, Wishes(versions=False)))["GET /a"].versions == ()


def test_versions_that_no_header_can_have_are_not_asked_for() -> None:
    header = {"name": "Version", "in": "header", "required": True, "schema": {"enum": ["v1", "v 2"]}}
    made = imported({"/a": {"get": operation("x", parameters=[header])}})
    assert routes(made)["GET /a"].versions == ()
    assert made.drafted.remarks == ('GET /a: version "v 2" cannot stand in a header, and none is asked for',)


def test_a_prefix_can_be_given_in_place_of_the_servers() -> None:
    paths = {"/a": {"get": operation("x")}}
    more: dict[str, Any] = {"servers": [{"url": "http://127.0.0.1:9001/v2"}]}
    assert routes(imported(paths, **more)).keys() == {"GET /v2/a"}
    assert routes(imported(paths, Wishes(prefix=""), **more)).keys() == {"GET /a"}
    assert routes(imported(paths, Wishes(prefix="/api"), **more)).keys() == {"GET /api/a"}


def upstreams(
    paths: dict[str, Any], given: dict[str, tuple[str, ...]], **more: Any
) -> dict[str, tuple[str, ...]]:
    made = imported(paths, Wishes(upstreams=given), **more)
    return {name: upstream.urls for name, upstream in made.route_map.upstreams.items()}


TWO = {
    "/a": {"get": operation("x", tags=["a"])},
    "/b": {"get": operation("x", tags=["b"], servers=[{"url": "https://files.example.com/f"}])},
}


def test_upstreams_are_the_servers_or_those_that_were_named() -> None:
    assert upstreams(TWO, {}) == {
        "api": ("http://127.0.0.1:9001",),
        "files.example.com": ("https://files.example.com",),
    }
    assert upstreams(TWO, {"crm": ("http://10.0.0.1:9001", "http://10.0.0.2:9001")}) == {
        "crm": ("http://10.0.0.1:9001", "http://10.0.0.2:9001")
    }
    assert upstreams(TWO, {"a": ("http://10.0.0.1",), "c": ("http://10.0.0.3",)}) == {
        "a": ("http://10.0.0.1",),
        "api": ("https://files.example.com",),
    }


def test_an_api_without_a_server_gets_a_placeholder_that_is_told() -> None:
    made = imported({"/a": {"get": operation("x")}}, servers=[])
    (upstream,) = made.drafted.upstreams
    assert (upstream.urls, upstream.guessed) == (("http://127.0.0.1:9001",), True)
    assert "# no server is described: write the address" in made.data.decode()


def test_a_service_on_two_servers_is_two_services() -> None:
    paths = {
        "/a": {"get": operation("x", tags=["a"])},
        "/b": {"get": operation("x", tags=["a"], servers=[{"url": "https://files.example.com"}])},
    }
    found = {route.service: route.upstream for route in imported(paths).route_map.routes}
    assert found == {"a": "api", "a-files.example.com": "files.example.com"}


def test_words_for_scopes_come_with_the_scopes_that_are_needed() -> None:
    flows = {"implicit": {"scopes": {"x": "Read\n  things: all", "y": "Unused", "z": " "}}}
    more: dict[str, Any] = {"components": {"securitySchemes": {"bearer": {"type": "oauth2", "flows": flows}}}}
    made = imported({"/a": {"get": operation("x", "z")}}, **more)
    assert made.route_map.scopes == {"x": "Read things: all"}


def test_a_scheme_that_does_not_count_leaves_its_operations_denied() -> None:
    paths = {"/a": {"get": operation("x", scheme="Location"), "put": operation("y")}}
    made = imported(paths, Wishes(reading=Reading(schemes=frozenset({"bearer"}), kinds=KINDS)))
    assert routes(made)["GET /a"].access is Access.DENY
    assert routes(made)["PUT /a"].scopes == ("y",)


def test_a_description_without_an_operation_makes_no_map() -> None:
    with pytest.raises(ConfigurationError, match="no operation is described that a map can hold"):
        imported({})
