"""The schemas that editors use: they are those of this version, they accept all that is read, and refuse what is not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.methods import ROUTE_METHODS
from gateway.core.model import Access
from gateway.core.rules import Rule
from gateway.settings.annotated_file import read_annotations
from gateway.settings.catalogue import CATALOGUE, Form
from gateway.settings.errors import ConfigurationError
from gateway.settings.load import load_settings
from gateway.settings.map_schema import map_schema
from gateway.settings.model import Settings
from gateway.settings.route_entry import ROUTE_KEYS
from gateway.settings.route_map import MAP_KEYS, SERVICE_KEYS, UPSTREAM_KEYS, load_route_map
from gateway.settings.route_needs import RESERVED_WORDS
from gateway.settings.route_shadow import SHADOW_KEYS
from gateway.settings.settings_schema import settings_schema
from gateway.settings.template import parse_key
from gateway.settings.yaml_document import parse
from tests.settings.test_load import BAD_FILES
from tests.settings.test_route_map import BAD_MAPS, BAD_ROUTES, HEAD

ROOT: Final = Path(__file__).parents[2]
ANNOTATED: Final = (ROOT / "config" / "gateway.yaml").read_text(encoding="utf-8")
SETTINGS_SCHEMA: Final = settings_schema(ANNOTATED)
MAP_SCHEMA: Final = map_schema()
SETTINGS: Final = jsonschema_rs.validator_for(SETTINGS_SCHEMA)
MAP: Final = jsonschema_rs.validator_for(MAP_SCHEMA)


def value_of(text: str) -> Any:
    return parse(text.encode(), place=str).value


@pytest.mark.parametrize(
    ("name", "schema"), [("gateway.schema.json", SETTINGS_SCHEMA), ("routes.schema.json", MAP_SCHEMA)]
)
def test_the_files_hold_the_schemas_of_this_version(name: str, schema: dict[str, Any]) -> None:
    written = (ROOT / "config" / name).read_bytes()
    made = orjson.dumps(schema, option=orjson.OPT_INDENT_2) + b"\n"
    assert written == made, f"config/{name} is of another version: run `make schema`"


@pytest.mark.parametrize("schema", [SETTINGS_SCHEMA, MAP_SCHEMA])
def test_the_schemas_are_schemas(schema: dict[str, Any]) -> None:
    jsonschema_rs.meta.validate(schema)
    patterns = [found for node in _nodes(schema) for found in _patterns(node)]
    assert patterns
    for pattern in patterns:
        # What differs between the dialects: Python's own escapes and groups, and a range that begins with an escape.
        assert not re.search(r"\\[AZzbBNpP]|\(\?[P<#aiLmsux]|\(\?\(|\[[^\]]*\\[wdsWDS]-", pattern), pattern


def _nodes(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [found for item in node for found in _nodes(item)]
    if not isinstance(node, dict):
        return []
    return [node, *(found for item in node.values() for found in _nodes(item))]


def _patterns(node: dict[str, Any]) -> list[str]:
    named = node.get("patternProperties", {})
    return [*named, *([node["pattern"]] if isinstance(node.get("pattern"), str) else [])]


@pytest.mark.parametrize("path", ["config/gateway.yaml", "deploy/etc/gateway.yaml"])
def test_shipped_settings_are_accepted_and_name_their_schema(path: str) -> None:
    _names_its_schema(ROOT / path, "gateway.schema.json")
    SETTINGS.validate(value_of((ROOT / path).read_text()))


@pytest.mark.parametrize("path", ["config/v2.routes.yaml", "deploy/etc/routes.yaml"])
def test_shipped_maps_are_accepted_and_name_their_schema(path: str) -> None:
    _names_its_schema(ROOT / path, "routes.schema.json")
    MAP.validate(value_of((ROOT / path).read_text()))


def _names_its_schema(file: Path, name: str) -> None:
    first = file.read_text().partition("\n")[0]
    named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert named is not None
    assert (file.parent / named[1]).resolve() == ROOT / "config" / name


def test_every_shipped_file_is_looked_at() -> None:
    """A further one would go without a schema."""
    found = {
        str(path.relative_to(ROOT))
        for folder in ("config", "deploy")
        for path in (ROOT / folder).rglob("*.yaml")
    }
    assert found == {
        *("config/gateway.yaml", "config/v2.routes.yaml", "deploy/compose.yaml"),
        *("deploy/etc/gateway.yaml", "deploy/etc/routes.yaml"),
    }


# Settings.


def _at(path: tuple[str, ...]) -> dict[str, Any]:
    node: dict[str, Any] = SETTINGS_SCHEMA
    for name in path:
        node = (node["anyOf"][0] if "properties" not in node else node)["properties"][name]
    return node


@pytest.mark.parametrize("path", CATALOGUE, ids=[setting.name for setting in CATALOGUE.values()])
def test_every_setting_has_its_words_and_its_default(path: tuple[str, ...]) -> None:
    """An editor shows what the annotated file says."""
    said = read_annotations(ANNOTATED)[path]
    assert len(said.words) > 10
    node = _at(path)
    assert node["description"] == said.words
    if CATALOGUE[path].form is not Form.SECTION:
        assert ("default" in node) is not said.absent
        assert node["examples"] == [said.value] if said.absent else node["default"] == said.value
        jsonschema_rs.validate(node, said.value)


def test_a_comment_stands_for_what_follows_it_in_its_section() -> None:
    said = read_annotations(
        "# For the file.\n---\n# One.\na: 1\n\n# Two,\n# and three.\nb:\n  c: 2\n  # Four.\n  # d: 3\n  e: 4\nf: 5\n"
    )
    assert {
        ".".join(map(str, path)): (found.words, found.value, found.absent) for path, found in said.items()
    } == {
        "a": ("One.", 1, False),
        "b": ("Two, and three.", {"c": 2, "d": 3, "e": 4}, False),
        "b.c": ("Two, and three.", 2, False),
        "b.d": ("Four.", 3, True),
        "b.e": ("Four.", 4, False),
        "f": ("Two, and three.", 5, False),
    }


def _nested(path: tuple[str, ...], value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


# What a schema can say no to; not which values exclude each other, nor what is in other files.
TOLD: Final = frozenset(
    {Rule.UNKNOWN_KEY, Rule.MISSING_KEY, Rule.INVALID_VALUE, Rule.ROUTE_KEY, Rule.DUPLICATE_VALUE}
)
# Nor how much a number with a unit is, nor what the text of an address amounts to.
BEYOND: Final = re.compile(
    r"is too (little|much|long|large)|bits set beyond|would drop ordinary|nothing that could be tried|"
    r"http://a:80 is listed twice|holds no PostgreSQL"
)


def _refused_for(read: Callable[[], object]) -> bool:
    """Whether a file is refused for something that a schema can say."""
    with pytest.raises(ConfigurationError) as caught:
        read()
    return any(
        problem.rule in TOLD and not BEYOND.search(problem.message) for problem in caught.value.problems
    )


@pytest.mark.parametrize(("text", "expected"), BAD_FILES)
def test_bad_settings_are_refused_by_the_schema_too(tmp_path: Path, text: str, expected: list[str]) -> None:
    (tmp_path / "gateway.yaml").write_text(text)
    if _refused_for(lambda: load_settings(tmp_path / "gateway.yaml", {})):
        assert not SETTINGS.is_valid(value_of(text))


VALUES: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 2**54),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        [
            *(
                "500ms",
                "10s",
                "0s",
                "00d",
                "3650d",
                "3651d",
                "7 d",
                "8KiB",
                "8kib",
                "0",
                "1024",
                "9999TiB",
                "",
            ),
            *(
                "127.0.0.1:8080",
                "[::1]:0",
                "a_b.c:80",
                ":80",
                "[fe80::1%eth0]:1",
                "a:99999",
                "a:",
                "drop",
                "pass",
            ),
            *(
                "10.0.0.0/8",
                "::1",
                "fe80::%1/64",
                "10.0.0.0/255.0.0.0",
                "*",
                "https://a.example",
                "https://A.example",
            ),
            *(
                "http://a:80",
                "HTTPS://a/b",
                "https://a/api/",
                "postgres://a b",
                "postgresql://a@b/c?d",
                "adm",
                "pit",
            ),
            *(
                "X-Gateway-",
                "X-",
                "x-a",
                "info",
                "json",
                "all",
                "errors",
                "auto",
                "encoded_slash",
                "a\n",
                "pit\n",
            ),
        ]
    ),
    st.text(max_size=12),
    st.from_regex(r"[0-9]{1,13}(ms|s|m|h|d|B|KiB|TiB)?", fullmatch=True),
    st.from_regex(r"https?://[!-~]{0,12}", fullmatch=True),
    st.from_regex(r"[0-9a-fA-F.:%/\[\]]{1,20}", fullmatch=True),
)
LISTS: Final = st.one_of(VALUES, st.lists(VALUES, max_size=3), st.just(["encoded_slash", "encoded_slash"]))


@settings(max_examples=400, deadline=None)
@given(st.sampled_from([*CATALOGUE]), LISTS)
def test_the_schema_accepts_every_setting_that_is_read(path: tuple[str, ...], value: Any) -> None:
    """Else an editor underlines what is right, and is not believed when it underlines what is wrong."""
    tree = _nested(path, value)
    if _is_read(tree):
        SETTINGS.validate(tree)


def _is_read(tree: Any) -> bool:
    try:
        Settings.model_validate(tree)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("path", CATALOGUE, ids=[setting.name for setting in CATALOGUE.values()])
def test_a_section_without_settings_is_accepted_where_it_is_read(path: tuple[str, ...]) -> None:
    assert _is_read(_nested(path, None)) is SETTINGS.is_valid(_nested(path, None))


# The route map.


def test_the_schema_knows_every_key_of_the_map() -> None:
    definitions = MAP_SCHEMA["definitions"]
    assert set(MAP_SCHEMA["properties"]) == MAP_KEYS
    assert set(definitions["upstream"]["properties"]) == UPSTREAM_KEYS
    assert set(definitions["service"]["properties"]) == SERVICE_KEYS
    assert set(definitions["route"]["properties"]) == ROUTE_KEYS
    assert set(definitions["shadow"]["properties"]) == SHADOW_KEYS
    assert set(RESERVED_WORDS) == set(Access) - {Access.ALL_OF, Access.ANY_OF}


BAD_TEXTS: Final = [
    *(f"{HEAD}      GET /good: a\n      {entry}\n" for entry, _ in BAD_ROUTES),
    *(text for text, _ in BAD_MAPS),
]


@pytest.mark.parametrize("text", BAD_TEXTS)
def test_a_bad_map_is_refused_by_the_schema_too(tmp_path: Path, text: str) -> None:
    path = tmp_path / "routes.yaml"
    path.write_text(text)
    if _refused_for(lambda: load_route_map(path)):
        assert not MAP.is_valid(value_of(text))


KEYS: Final = st.one_of(
    st.sampled_from(
        [
            "GET /a",
            "GET /{a}/{b}",
            "POST\t /a/",
            " PUT  / ",
            "GET /{a}/{a}",
            "get /a",
            "GET /a%20b",
            "GET /..",
        ]
    ),
    st.builds(
        lambda method, blank, segments, end: f"{method}{blank}/{'/'.join(segments)}{end}",
        st.one_of(st.sampled_from(sorted(ROUTE_METHODS)), st.text("GETPOSTU", max_size=4)),
        st.sampled_from([" ", "  ", "\t", "", "\x0b", "\u2003"]),
        st.lists(st.text("ab.{}%25EFC7~;:@ ", max_size=7), max_size=3),
        st.sampled_from(["", "/", " ", "\n"]),
    ),
    st.from_regex(r"GET /%[0-9A-Fa-f]{2}(%[0-9A-F]{2}|[a-z/.]){0,3}", fullmatch=True),
)


def _with_route(key: str, value: Any) -> Any:
    service = {"upstream": "crm", "routes": {key: value}}
    return {"upstreams": {"crm": {"urls": ["http://a"]}}, "services": {"s": service}}


@settings(deadline=None)
@given(KEYS)
def test_a_key_is_accepted_exactly_where_it_is_read(key: str) -> None:
    try:
        parse_key(key)
    except ValueError:
        read = False
    else:
        read = True
    assert MAP.is_valid(_with_route(key, "a")) is read


ESCAPES: Final = [f"%{number:02X}" for number in range(256)]


@pytest.mark.parametrize("escape", ESCAPES)
def test_an_escape_is_accepted_exactly_where_it_is_read(escape: str) -> None:
    try:
        parse_key(f"GET /a{escape}")
    except ValueError:
        assert not MAP.is_valid(_with_route(f"GET /a{escape}", "a"))
    else:
        assert MAP.is_valid(_with_route(f"GET /a{escape}", "a"))


SCOPES: Final = st.sampled_from(
    ["a", "notes.read", "b/c", "public", "authenticated", "deny", "a b", "", 5, None, True]
)
LEAVES: Final = st.one_of(
    SCOPES,
    st.lists(SCOPES, max_size=3),
    st.sampled_from(
        ["agency", "sub_account", "any", "all", True, False, "5m", "0s", "8KiB", -1, 0, 1.5, 2**53]
    ),
    st.sampled_from(
        [["2021-07-28"], ["x", "x"], ["a b"], [5], [], {}, "2021-07-28", "http://a", ["HTTP://A"]]
    ),
)


def entries(keys: frozenset[str], inside: st.SearchStrategy[Any] = LEAVES) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.sampled_from([*sorted(keys), "zzz"]), inside, max_size=4)


ROUTES: Final = st.one_of(LEAVES, entries(ROUTE_KEYS, st.one_of(LEAVES, entries(SHADOW_KEYS))))
SOUND: Final = st.fixed_dictionaries(
    {"scope": st.just("a")},
    optional={
        "versions": st.sampled_from([["2021-07-28"], ["x", "y"], []]),
        "account": st.sampled_from(["agency", "any", "x"]),
        "body_limit": st.sampled_from(["8KiB", 0, "0", "9KB"]),
        "timeout": st.sampled_from(["5m", "000s", "1ms"]),
        "websocket": st.booleans(),
        "shadow": st.one_of(
            st.booleans(),
            st.fixed_dictionaries(
                {},
                optional={
                    "scope": st.just("b"),
                    "any_of": st.just(["b", "c"]),
                    "access": st.sampled_from(["deny", "public", "authenticated"]),
                    "account": st.sampled_from(["agency", "any"]),
                    "versions": st.just(["1"]),
                },
            ),
        ),
    },
)


@given(key=st.sampled_from(["GET /a", "POST /a", "GET /{x}"]), route=st.one_of(ROUTES, SOUND), data=st.data())
def test_the_schema_accepts_every_map_that_is_read(
    tmp_path_factory: pytest.TempPathFactory, key: str, route: Any, data: st.DataObject
) -> None:
    tree = _with_route(key, route)
    if data.draw(st.booleans()):
        tree |= data.draw(
            st.sampled_from([{"scopes": None}, {"scopes": {"a": "View"}}, {"scopes": {"a": " "}}, {"x": 1}])
        )
        tree["upstreams"]["crm"] = data.draw(
            st.sampled_from([{"urls": ["http://a", "https://A:1"]}, {"urls": ["http://a/b"]}, {"urls": []}])
        )
        tree["services"]["s"] |= data.draw(
            st.sampled_from(
                [{}, {"account": "any"}, {"account": None}, {"account": "agency"}, {"upstream": ""}]
            )
        )
    if _is_map(tree, tmp_path_factory):
        MAP.validate(tree)


def _is_map(tree: Any, folders: pytest.TempPathFactory) -> bool:
    # JSON is YAML, and quoted, so that each value is read as what it is.
    path = folders.getbasetemp() / "schema-routes.yaml"
    path.write_text(json.dumps(tree))
    try:
        load_route_map(path)
    except ConfigurationError:
        return False
    return True
