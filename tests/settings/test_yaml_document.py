from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings.errors import ConfigurationError
from gateway.settings.scalar import plain_scalar, shown
from gateway.settings.yaml_document import Document, parse, read_bytes

if TYPE_CHECKING:
    from pathlib import Path


def read(text: str | bytes) -> Document:
    data = text if isinstance(text, bytes) else text.encode()
    return parse(data, place=lambda line: f"f:{line}")


def problems(text: str | bytes) -> list[str]:
    try:
        return [str(problem) for problem in read(text).problems]
    except ConfigurationError as error:
        return [str(problem) for problem in error.problems]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("no", "no"),
        ("NO", "NO"),
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("0", 0),
        ("-5", -5),
        ("10000", 10000),
        ("0755", "0755"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2021-07-28", "2021-07-28"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        (".", "."),
        ("-", "-"),
        ("e5", "e5"),
        (".e5", ".e5"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("9" * 5000, "9" * 5000),
        ("<<", "<<"),
    ],
)
def test_a_word_keeps_its_meaning(word: str, value: object) -> None:
    """Else a country code becomes false, a mode an octal number, a version a date."""
    assert plain_scalar(word) == value
    assert type(plain_scalar(word)) is type(value)


@given(st.text())
def test_every_word_has_a_meaning_and_a_short_printable_form(word: str) -> None:
    assert plain_scalar(word) is None or isinstance(plain_scalar(word), (str, int, float))
    assert len(shown(word)) <= 60
    assert shown(word).isprintable()


def test_quoted_words_stay_text() -> None:
    assert read("""a: "5"\nb: 'true'\nc: ''\n""").value == {"a": "5", "b": "true", "c": ""}


def test_keys_are_text_whatever_they_look_like() -> None:
    assert read("1: a\ntrue: b\n").value == {"1": "a", "true": "b"}


def test_every_value_has_the_line_of_its_key() -> None:
    document = read("# words\na:\n  b:\n    - 1\n    - 2\n  c: {d: 3,\n      e: 4}\n")
    places = {path: document.where(path) for path in document.lines}
    assert places == {
        (): "f:2",
        ("a",): "f:2",
        ("a", "b"): "f:3",
        ("a", "b", 0): "f:4",
        ("a", "b", 1): "f:5",
        ("a", "c"): "f:6",
        ("a", "c", "d"): "f:6",
        ("a", "c", "e"): "f:7",
    }


def test_what_was_not_written_is_placed_at_the_section_around_it() -> None:
    document = read("a: 1\nb:\n  c: 2\n")
    assert document.where(("b", "missing", "deeper")) == "f:2"
    assert document.where(("missing",)) == "f:1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", ['f:3: key "a" is written twice, first on line 1; keep one']),
        ("a: {b: 1, 'b': 2}\n", ['f:1: key "b" is written twice, first on line 1; keep one']),
        (
            "a: 1\na: {x: 1, x: 2}\na: 3\n",
            [
                'f:2: key "a" is written twice, first on line 1; keep one',
                'f:2: key "x" is written twice, first on line 2; keep one',
                'f:3: key "a" is written twice, first on line 1; keep one',
            ],
        ),
        (
            "a: &x 1\nb: *x\n",
            ["f:1: anchor &x is not read; remove it", "f:2: alias *x is not read; write the value out"],
        ),
        ("&x a: 1\n", ["f:1: anchor &x is not read; remove it"]),
        ("a: !!str 5\n", ["f:1: tag tag:yaml.org,2002:str is not read; remove it"]),
        ("a: !secret x\n", ["f:1: tag !secret is not read; remove it"]),
        ("a: !!set {x, y}\n", ["f:1: tag tag:yaml.org,2002:set is not read; remove it"]),
        ("!!str a: 1\n", ["f:1: tag tag:yaml.org,2002:str is not read; remove it"]),
        ("? [a, b]\n: 1\n", ["f:1: a key is not plain text; write a word"]),
        ("--- {a: 1}\n--- {b: 2}\n", ["f:2: a second document begins; keep one document in a file"]),
        ("a:\n\tb: 1\n", ["f:2: a tab is used for indentation; use blanks"]),
        ("a: 1\n\tb: 2\n", ["f:2: a tab is used for indentation; use blanks"]),
        (
            "a: b: c\n",
            [
                "f:1: this is not YAML: mapping values are not allowed in this context; "
                "quote a value that holds a colon and a blank"
            ],
        ),
        (
            "a: 'x\nb: 2\n",
            [
                "f:3: this is not YAML: found unexpected end of stream while scanning a quoted scalar "
                "that begins on line 1; close the quote or bracket"
            ],
        ),
        (
            "a: [1, 2\n",
            [
                "f:2: this is not YAML: did not find expected ',' or ']' while parsing a flow sequence "
                "that begins on line 1; close the bracket, or put a comma between the items"
            ],
        ),
        (
            "a: @b\n",
            [
                "f:1: this is not YAML: found character that cannot start any token; "
                "quote a value that begins with this character"
            ],
        ),
        (b"a: 1\nb: \xff\n", ["f:2: this is not UTF-8; save the file in UTF-8"]),
        ("a: 1\n".encode("utf-16"), ["f:1: this is not UTF-8; save the file in UTF-8"]),
        ("a: 1\nb: \x07\n", ["f:2: control character U+0007; remove it"]),
        ("a: 1\nb: \x00\n", ["f:2: control character U+0000; remove it"]),
        ("[" * 200_000, ["f:1: values are nested more than 32 deep; write it flatter"]),
        ("a: 1\na: 2\nb: " + "[" * 99, None),
    ],
)
def test_what_is_refused_says_the_line_and_the_way_out(text: str | bytes, expected: list[str] | None) -> None:
    if expected is None:
        expected = [
            'f:2: key "a" is written twice, first on line 1; keep one',
            "f:3: values are nested more than 32 deep; write it flatter",
        ]
    assert problems(text) == expected


def test_of_duplicate_keys_the_first_is_read() -> None:
    assert read("a: 1\na: 2\n").value == {"a": 1}


@pytest.mark.parametrize("text", ["", "# only words\n", "\ufeff", "---\n", "\r\n"])
def test_an_empty_text_is_no_value(text: str) -> None:
    assert read(text).value is None


def test_a_byte_order_mark_and_carriage_returns_change_nothing() -> None:
    document = read("\ufeffa: 1\r\nb: 2\r\n")
    assert document.value == {"a": 1, "b": 2}
    assert document.where(("b",)) == "f:2"


@pytest.mark.parametrize(
    "bomb",
    [
        "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40)),
        "a: &a [*a]\n",
        "{a: " * 50_000,
        "- " * 50_000,
    ],
)
def test_a_bomb_neither_grows_nor_crashes(bomb: str) -> None:
    start = time.process_time()
    assert problems(bomb)
    assert time.process_time() - start < 2


@given(st.binary(max_size=200))
def test_any_bytes_are_a_document_or_problems(data: bytes) -> None:
    problems(data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text(st.characters(codec="ascii")),
        lambda below: st.lists(below) | st.dictionaries(st.text(st.characters(codec="ascii")), below),
        max_leaves=20,
    )
)
def test_json_reads_as_itself(value: object) -> None:
    """JSON is a subset of YAML: an override may be written as either."""
    import json

    assert read(json.dumps(value)).value == value


def test_a_file_that_cannot_be_read_is_a_problem_at_its_path(tmp_path: Path) -> None:
    missing = tmp_path / "missing.yaml"
    with pytest.raises(ConfigurationError) as caught:
        read_bytes(missing)
    assert str(caught.value) == (
        f"{missing}: cannot be read: no such file or directory; check the path and its permissions"
    )
    with pytest.raises(ConfigurationError, match="cannot be read: is a directory"):
        read_bytes(tmp_path)


def test_a_file_over_the_limit_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_bytes(b"x" * 11)
    assert read_bytes(path, limit=11) == b"x" * 11
    with pytest.raises(ConfigurationError, match="is larger than 10 bytes; write a smaller file"):
        read_bytes(path, limit=10)
