"""Descriptions in 3.0 and 3.1, JSON and YAML: what a map is made of is read, and what is no description is told in a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.openapi import outline
from gateway.openapi.importing import Limits, describe
from gateway.openapi.operation import Description, Operation, Server
from gateway.settings.errors import ConfigurationError
from tests.openapi.made import DESCRIPTIONS, described, operation, spec


def read(name: str, **limits: Any) -> Description:
    return describe(str(DESCRIPTIONS / name), Limits(**limits), versions=True)


def one(paths: dict[str, Any], method: str = "GET", **more: Any) -> Operation:
    found = described(spec(paths, **more)).operations
    return next(each for each in found if each.method == method)


def problems(document: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        described(document)
    return [str(problem) for problem in caught.value.problems]


def test_a_description_of_3_0_in_yaml() -> None:
    found = read("contacts.yaml")
    assert (found.title, found.version, found.stem) == ("Contacts", "1.4.0", "contacts")
    assert len(found.operations) == 17
    assert found.schemes == {"Location", "Agency", "Key"}
    assert found.scopes["agencies.readonly"] == "View agencies"
    first = found.operations[0]
    assert (first.method, first.path, first.tags) == ("GET", "/contacts/{contactId}", ("Contacts",))
    assert first.security == ({"Location": ("contacts.readonly",)},), "that of the whole description"
    assert first.server == Server("https://eu.example.com", "/v2")
    assert first.versions == ("2021-07-28",), "the path's parameter, through two references"


def test_a_description_of_3_1_in_json() -> None:
    found = read("billing.json")
    by_key = {f"{each.method} {each.path}": each for each in found.operations}
    assert by_key.keys() == {"GET /invoices", "POST /invoices", "GET /invoices/{id}", "TRACE /trace"}
    assert by_key["GET /invoices"].versions == ("v1", "v2")
    assert by_key["POST /invoices"].versions == (), "the header may be left out there"
    assert by_key["POST /invoices"].security is None
    assert by_key["GET /invoices"].server == Server(None, "/billing")
    assert by_key["GET /invoices/{id}"].server == Server("https://archive.example.com", "/old")


def test_a_description_of_several_files() -> None:
    found = read("split/openapi.yaml")
    assert [(each.method, each.path) for each in found.operations] == [
        ("GET", "/items"),
        ("GET", "/items/{id}"),
        ("DELETE", "/items/{id}"),
    ]
    assert found.operations[0].versions == ("2021-07-28",)
    assert found.operations[1].security == ({"bearer": ("items.readonly",)},)
    assert found.schemes == {"bearer"}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("swagger.json", "this is Swagger 2.0; convert it to OpenAPI 3 first"),
        ("newer.yaml", 'this is OpenAPI "3.2.0", and 3.0 and 3.1 are read; convert it to one of them'),
        ("list.json", "this is no OpenAPI description: it holds a list; name the file that has `openapi:`"),
        ("letter.txt", 'it holds "A letter about an API."'),
        ("empty.yaml", "it holds nothing"),
        ("circle.yaml", '$ref "#/paths/~1b" leads in a circle; point it at the value itself'),
        ("outside.yaml", '$ref "../contacts.yaml#/paths/~1ping" is outside'),
        ("address.yaml", "is an address, and only files are followed; bundle the description into one file"),
        ("nowhere.json", 'leads nowhere: there is no "components"'),
        ("twice.yaml", 'twice.yaml:6: key "get" is written twice, first on line 5; keep one'),
        ("twice.json", 'twice.json:3: key "/a" is written twice, first on line 2; keep one'),
        (
            "explosion.yaml",
            "the description stands for more than 2000000 values, through anchors or references",
        ),
        ("own-anchor.yaml", "own-anchor.yaml:2: alias *p stands inside its own anchor"),
        ("gone.yaml", "gone.yaml: cannot be read: no such file or directory"),
    ],
)
def test_what_is_no_description_is_told_in_one_line(name: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(f"bad/{name}")
    (problem,) = caught.value.problems
    assert told in str(problem)


def test_every_wrong_shape_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read("bad/shapes.yaml")
    assert [problem.message for problem in caught.value.problems] == [
        'paths./a.get.deprecated: is "often"; write true or false',
        'paths./a.get.security[0].bearer: is "x"; write a list',
        "paths./b: is a list; write a mapping",
        "security: is a mapping; write a list",
    ]


def test_a_folder_above_can_be_allowed(tmp_path: Path) -> None:
    above = DESCRIPTIONS
    found = read("bad/outside.yaml", folder=above)
    assert [(each.method, each.path) for each in found.operations] == [("GET", "/a")]


def test_what_is_larger_than_the_limit_is_not_read() -> None:
    with pytest.raises(
        ConfigurationError, match=r"is larger than 1000 bytes; raise --max-size if it is right"
    ):
        read("contacts.yaml", max_bytes=1000)


def test_what_a_map_has_no_use_for_may_be_wrong() -> None:
    """A broken example in a schema must not keep anyone from importing."""
    paths = {
        "/a": {
            "get": operation(
                "x",
                requestBody=7,
                callbacks="none",
                parameters=[
                    {"name": 5, "in": "query"},
                    {"in": "header"},
                    {"$ref": "#/components/parameters/Q"},
                ],
            ),
            "summary": [],
        },
        "x-internal": 7,
    }
    more = {
        "components": {
            "schemas": {"A": {"$ref": "#/components/schemas/A"}, "B": 3},
            "parameters": {"Q": {"name": "q", "in": "query", "schema": {"$ref": "http://nowhere"}}},
            "securitySchemes": {
                "o": {"type": "oauth2", "flows": {"implicit": {"scopes": {"x": "X", "y": 3}}, "odd": 3}}
            },
        },
        "info": None,
        "tags": "none",
    }
    found = described(spec(paths, **more))
    assert [each.path for each in found.operations] == ["/a"]
    assert found.scopes == {"x": "X"}


@pytest.mark.parametrize("version", ["3.0.0", "3.0.4", "3.0.99", "3.1.0", "3.1.2", "3.1", 3.1, 3.0, "3.0"])
def test_every_patch_of_both_versions_is_read(version: object) -> None:
    found = described(spec({"/a": {"get": operation("x")}}, openapi=version))
    assert len(found.operations) == 1


@pytest.mark.parametrize("version", ["2.0", "3", "4.0.0", "3.10.0", "latest", None, 3, [], {}])
def test_other_versions_are_refused(version: object) -> None:
    (problem,) = problems(spec({}, openapi=version))
    assert "and 3.0 and 3.1 are read" in problem


@pytest.mark.parametrize(
    ("parameter", "versions"),
    [
        ({"schema": {"enum": ["2021-07-28"]}}, ("2021-07-28",)),
        ({"schema": {"const": "a"}}, ("a",)),
        ({"schema": {"enum": [3, 3.5]}}, ("3", "3.5")),
        ({"schema": {"enum": ["a", "a", None]}}, ("a",)),
        ({"schema": {"oneOf": [{"const": "a"}, {"enum": ["b"]}]}}, ("a", "b")),
        ({"schema": {"type": "string", "default": "a", "example": "a"}}, ()),
        ({"schema": True}, ()),
        ({}, ()),
        ({"required": False, "schema": {"enum": ["a"]}}, ()),
        ({"in": "query", "schema": {"enum": ["a"]}}, ()),
        ({"name": "X-Version", "schema": {"enum": ["a"]}}, ()),
        ({"name": "VERSION", "schema": {"enum": ["a"]}}, ("a",)),
    ],
)
def test_the_values_of_the_version_header(parameter: dict[str, Any], versions: tuple[str, ...]) -> None:
    whole = {"name": "Version", "in": "header", "required": True, **parameter}
    assert one({"/a": {"get": operation("x", parameters=[whole])}}).versions == versions
    assert one({"/a": {"parameters": [whole], "get": operation("x")}}).versions == versions


def test_an_operation_has_its_own_idea_of_a_parameter_of_its_path() -> None:
    path = {"name": "Version", "in": "header", "required": True, "schema": {"const": "a"}}
    own = {**path, "schema": {"const": "b"}}
    paths = {"/a": {"parameters": [path], "get": operation("x", parameters=[own]), "put": operation("x")}}
    assert one(paths, "GET").versions == ("b",)
    assert one(paths, "PUT").versions == ("a",)
    for other in ({"name": "Version", "in": "header"}, {**path, "required": False}, {**path, "schema": {}}):
        assert one({"/a": {"parameters": [path], "get": operation("x", parameters=[other])}}).versions == ()


def test_without_versions_no_parameter_is_looked_at() -> None:
    paths = {"/a": {"get": operation("x", parameters=[{"$ref": "#/nowhere"}])}}
    assert described(spec(paths), versions=False).operations[0].versions == ()
    with pytest.raises(ConfigurationError, match="leads nowhere"):
        described(spec(paths))


def test_security_of_the_whole_is_for_operations_without_their_own() -> None:
    paths = {
        "/a": {"get": {"responses": {}}, "put": {"security": [], "responses": {}}, "post": operation("y")}
    }
    more = {"security": [{"bearer": ["x"]}]}
    assert one(paths, "GET", **more).security == ({"bearer": ("x",)},)
    assert one(paths, "PUT", **more).security == ()
    assert one(paths, "POST", **more).security == ({"bearer": ("y",)},)
    assert one(paths, "GET").security is None


def test_servers_of_an_operation_come_before_its_paths_and_those_before_the_wholes() -> None:
    paths = {
        "/a": {
            "servers": [{"url": "http://path/p"}],
            "get": operation("x", servers=[{"url": "http://own/o"}]),
            "put": operation("x"),
        },
        "/b": {"post": operation("x")},
    }
    assert one(paths, "GET").server == Server("http://own", "/o")
    assert one(paths, "PUT").server == Server("http://path", "/p")
    assert one(paths, "POST").server == Server("http://127.0.0.1:9001", "")


def test_ids_that_are_used_twice_are_told_and_do_no_harm() -> None:
    paths = {"/a": {"get": operation("x", operationId="do"), "put": operation("y", operationId="do")}}
    found = described(spec(paths))
    assert len(found.operations) == 2
    assert found.remarks == (
        'operationId "do" is used by GET /a and PUT /a; the map goes by method and path',
    )


def test_references_cannot_make_a_small_file_a_large_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outline, "MAX_VALUES", 100)
    paths = {f"/{n}": {"$ref": "#/components/pathItems/A"} for n in range(60)}
    more = {"components": {"pathItems": {"A": {"get": operation("x")}}, "securitySchemes": {}}}
    (problem,) = problems(spec(paths, **more))
    assert "stands for more than 100 values" in problem


def test_security_that_is_nested_without_end_is_refused() -> None:
    deep: object = "x"
    for _ in range(100):
        deep = [deep]
    (problem,) = problems(spec({"/a": {"get": {"security": deep}}}))
    assert "are nested too deep to be any" in problem


def test_nothing_of_a_description_reaches_a_terminal_as_it_is() -> None:
    escape = "\x1b]0;owned\x07\n"
    document = spec(
        {f"/a{escape}": {"get": {"security": [{"b": 3}]}}}, info={"title": escape, "version": "1"}
    )
    assert all(problem.isprintable() for problem in problems(document))
    paths = {"/a": {"get": operation("x", operationId=escape), "put": operation("x", operationId=escape)}}
    found = described(spec(paths, info={"title": escape, "version": escape}))
    assert json.dumps([found.title, found.version, *found.remarks]).isprintable()
    assert all(text.isprintable() for text in (found.title, found.version, *found.remarks))
