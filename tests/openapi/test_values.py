"""Documents of others: what could be read in two ways, without an end or into a whole memory, is refused in a line."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.openapi import yaml_values
from gateway.openapi.values import read_values
from gateway.settings.errors import ConfigurationError

NAME = "spec.yaml"


def problems(text: str | bytes, name: str = NAME) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read_values(text.encode() if isinstance(text, str) else text, name)
    return [str(problem) for problem in caught.value.problems]


def values(text: str, name: str = NAME) -> object:
    return read_values(text.encode(), name)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=8), PLAIN, max_size=4))
def test_json_is_read_as_json_is(value: dict[str, object]) -> None:
    assert read_values(json.dumps(value).encode(), "spec.json") == value


def test_yaml_is_read_narrowly() -> None:
    text = "a: no\nb: 2021-07-28\nc: 0755\nd: '3'\n200: x\ne: !!str 5\nf: [1, 2.5, true, null, ~]\ng:\n"
    assert values(text) == {
        "a": "no",
        "b": "2021-07-28",
        "c": "0755",
        "d": "3",
        "200": "x",
        "e": "5",
        "f": [1, 2.5, True, None, None],
        "g": None,
    }


def test_yaml_in_braces_is_yaml_where_its_name_says_so() -> None:
    assert values("{a: b}") == {"a": "b"}
    assert problems("{a: b}", "spec.json") == [
        "spec.json:1: this is not JSON: expecting property name enclosed in double quotes (column 2)"
    ]


@pytest.mark.parametrize("text", ["{a: 1, a: 2}", '{"a": 1,\n "b": {"c": [], "c": 2}}', "a: 1\nb: 2\na: 3\n"])
def test_a_key_that_is_written_twice_is_refused_with_both_lines(text: str) -> None:
    found = problems(text)
    assert len(found) == 1
    assert "is written twice, first on line" in found[0]


def test_keys_that_are_written_twice_in_json_are_named_where_they_are() -> None:
    text = '{"a": {"x": 1, "y": "}\\"{", "x": 2},\n"b": [{"k": 1},\n{"k": 1, "k": [1, 2]}],\n"a": 3}'
    assert problems(text, "spec.json") == [
        'spec.json:1: key "x" is written twice, first on line 1; keep one',
        'spec.json:3: key "k" is written twice, first on line 3; keep one',
        'spec.json:4: key "a" is written twice, first on line 1; keep one',
    ]


def test_only_the_first_of_many_repetitions_are_told() -> None:
    keys = ", ".join('"a": 1' for _ in range(1000))
    assert len(problems(f"{{{keys}}}", "spec.json")) == 20
    assert len(problems("a: 1\n" * 1000)) == 20


def test_an_alias_is_the_very_same_value() -> None:
    """So an explosion on paper is none in memory: 30 levels of 10 are 10^30 values when they are copied."""
    levels = ["l0: &l0 [x]", *(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 31))]
    found = values("\n".join(levels))
    assert isinstance(found, dict)
    assert found["l30"][0] is found["l29"]
    assert found["l30"][9] is found["l29"]


def test_merge_keys_are_read_and_own_entries_win() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: *a, y: 3}\nd: {<<: [*a, *b]}\ne: {'<<': 1}\n"
    found = values(text)
    assert isinstance(found, dict)
    assert found["c"] == {"x": 1, "y": 3}
    assert found["d"] == {"x": 1, "y": 1, "z": 2}
    assert found["e"] == {"<<": 1}


def test_merge_keys_cannot_copy_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_values, "MAX_MERGED", 100)
    text = "a: &a {x: 1, y: 2}\n" + "".join(f"b{n}: {{<<: *a}}\n" for n in range(51))
    assert problems(text) == ["spec.yaml:52: merge keys stand for more than 100 entries; write them out"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: *b\n", "spec.yaml:1: alias *b names no anchor before it; write the value out"),
        ("a: &a [*a]\n", "spec.yaml:1: alias *a stands inside its own anchor; write the value out"),
        ("a: !include b.yaml\n", "spec.yaml:1: tag !include is not read; write the value itself"),
        ("a: !!python/object:os.system {}\n", "python/object:os.system is not read"),
        ("? [a]\n: b\n", "spec.yaml:1: a key is not plain text; write a word"),
        ("a: 1\n---\nb: 2\n", "a second document begins"),
        ("a: {<<: 1}\n", "a merge key takes a mapping"),
        ("a: [1\nb: 2\n", "this is not YAML"),
        ("a: \x00\n", "spec.yaml:1: control character U+0000; remove it"),
        ("a:\n" + " " * 2 + "[" * 300 + "]" * 300, "nested more than 200 deep"),
    ],
)
def test_yaml_that_is_refused(text: str, told: str) -> None:
    assert any(told in problem for problem in problems(text)), problems(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[" * 100_000, "spec.json:1: values are nested too deep to be read"),
        ('{"a": ' * 100_000, "spec.json:1: values are nested too deep to be read"),
        ('{"a": ' + "9" * 5000 + "}", "spec.json:1: a number has thousands of digits"),
        ('{"a": 1,\n}', "spec.json:2: this is not JSON"),
        ('{"a": 1} x', "spec.json:1: this is not JSON: extra data"),
        (b'{"a": "\xff"}', "spec.json:1: this is not UTF-8; save the file in UTF-8"),
    ],
)
def test_json_that_is_refused(text: str | bytes, told: str) -> None:
    assert told in problems(text, "spec.json")[0]


@given(st.binary(max_size=200))
def test_no_bytes_are_a_traceback(data: bytes) -> None:
    for name in ("spec.yaml", "spec.json"):
        with suppress(ConfigurationError):
            read_values(data, name)
