"""One reading of a path: every ambiguous spelling is refused by its class, everything else has one canonical form."""

from __future__ import annotations

import re
from itertools import product
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.core import paths
from gateway.core.paths import PathClass, RefusedPath, canonical_path

EVERYTHING = frozenset(PathClass)
UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
PCHARS = UNRESERVED + "!$&'()*+,=:@"

# Each spelling belongs to exactly this one class: permitted, it passes; with all others permitted, it does not.
REFUSED: dict[PathClass, list[str]] = {
    PathClass.EMPTY_SEGMENT: ["//", "//a", "/a//b", "/a//", "/a///b", "/a/%61//b", "///"],
    PathClass.DOT_SEGMENT: [
        *("/.", "/..", "/./", "/../a", "/a/.", "/a/..", "/a/./b", "/a/../b", "/a/../../etc/passwd"),
        *("/%2e", "/%2E%2E/a", "/a/%2e%2e/b", "/a/.%2e/b", "/a/%2e./b", "/a/%2E%2e", "/%2e/"),
        "/%2e%2e%2e/..",
    ],
    PathClass.ENCODED_SLASH: [
        "/a%2fb",
        "/a%2Fb",
        "/%2F",
        "/a/%2f/b",
        "/https%3A%2F%2Fexample.com",
        "/a%2Fb%2fc",
    ],
    PathClass.ENCODED_BACKSLASH: ["/a%5cb", "/a%5Cb", "/%5C", "/a/%5c/b"],
    PathClass.ENCODED_SEMICOLON: ["/a%3bb", "/a%3B", "/a%3Bx=1/b"],
    PathClass.ENCODED_QUESTION: ["/a%3fb", "/a%3F", "/a%3Fx=1"],
    PathClass.ENCODED_HASH: ["/a%23b", "/%23"],
    PathClass.ENCODED_NUL: ["/a%00", "/%00", "/a%00.json", "/contacts/search%00"],
    PathClass.ENCODED_CONTROL: [
        *(f"/a%{code:02x}" for code in (*range(1, 32), 127)),
        *("/a%0d%0aX:%201", "/%7F", "/a%1F/b"),
    ],
    PathClass.DOUBLE_ENCODING: [
        *("/a%252Fb", "/a%252fb", "/%252e%252e/a", "/a%2500", "/a%25%32%46", "/a%25%32F", "/a%252%46"),
        "/%25%32e",
        *("/a%25%41%42", "/a%2525", "/a%25252F", "/a%25%35%63", "/50%25ab"),
    ],
    PathClass.RAW_BACKSLASH: ["/a\\b", "/\\", "/\\a", "/a\\", "/a/\\/b"],
    PathClass.RAW_SEMICOLON: ["/a;b", "/;", "/a;jsessionid=1/b", "/a/;/b", "/a;"],
}
TABLE = [(path_class, path) for path_class, spellings in REFUSED.items() for path in spellings]

# `..` that a server finds only after its own reading of what else was permitted.
HIDDEN_DOTS = [
    (PathClass.RAW_SEMICOLON, "/a/..;/b"),
    (PathClass.RAW_SEMICOLON, "/a/..;x=1"),
    (PathClass.RAW_SEMICOLON, "/a/%2e%2e;/b"),
    (PathClass.ENCODED_SEMICOLON, "/a/..%3B/b"),
    (PathClass.RAW_BACKSLASH, "/a\\..\\b"),
    (PathClass.RAW_BACKSLASH, "/a/..\\b"),
    (PathClass.ENCODED_BACKSLASH, "/a%5c..%5Cb"),
    (PathClass.ENCODED_SLASH, "/a%2F..%2fb"),
    (PathClass.ENCODED_SLASH, "/a%2F%2e%2E"),
    (PathClass.ENCODED_SLASH, "/..%2Fb"),
    (PathClass.ENCODED_QUESTION, "/a/..%3fx"),
    (PathClass.ENCODED_HASH, "/a/..%23"),
    (PathClass.ENCODED_NUL, "/a/..%00"),
]

# What no setting permits.
NO_PATH = [
    *("", "a", "*", "a/b", "http://h/a", "/%", "/%2", "/%G0", "/%2G", "/a%zz", "/%%32%46", "/%u002F"),
    *("/%-1", "/% 20"),
    *("/a b", "/a\tb", "/a\nb", "/a\r\nb", "/a\0b", "/a\x7fb", "/a\x0b", "/a\n", "/é", "/a\x80", "/\udcff"),
    "/%２Ｆ",
    *('/a"b', "/a<b>", "/{id}", "/a|b", "/a^b", "/a`b", "/a[0]", "/a?b", "/a#b", "/٣"),
]

# Ordinary callers' paths, and what is matched and forwarded.
CANONICAL = [
    ("/", "/"),
    ("/contacts/", "/contacts/"),
    ("/contacts/ocQHyuzHvysMo5N5VsXc", "/contacts/ocQHyuzHvysMo5N5VsXc"),
    ("/users/ann@example.com", "/users/ann@example.com"),
    ("/users/ann+tag%40example.com", "/users/ann+tag%40example.com"),
    ("/t/2024-01-31T10:00:00.000Z", "/t/2024-01-31T10:00:00.000Z"),
    ("/t/2024-01-31T10%3a00%3A00Z", "/t/2024-01-31T10%3A00%3A00Z"),
    ("/caf%c3%A9", "/caf%C3%A9"),
    ("/a%20b", "/a%20b"),
    ("/100%25", "/100%25"),
    ("/100%25/a", "/100%25/a"),
    ("/100%25%2e", "/100%25."),
    ("/%7Euser/%61%62", "/~user/ab"),
    ("/sear%63h", "/search"),
    ("/.well-known/x", "/.well-known/x"),
    ("/...", "/..."),
    ("/a/..b/c.../.d", "/a/..b/c.../.d"),
    ("/a.", "/a."),
    ("/a/b..", "/a/b.."),
    ("/dGVzdA==", "/dGVzdA=="),
    ("/dGVzdA%3D%3d", "/dGVzdA%3D%3D"),
    ("/a!$&'()*+,=:@", "/a!$&'()*+,=:@"),
    ("/%FF", "/%FF"),
    ("/%5B0%5d", "/%5B0%5D"),
    ("/%22%3C%7C%3e", "/%22%3C%7C%3E"),
]


def test_the_table_covers_every_class() -> None:
    assert REFUSED.keys() == set(PathClass)


@pytest.mark.parametrize(("path_class", "path"), TABLE)
def test_an_ambiguous_spelling_is_refused(path_class: PathClass, path: str) -> None:
    found = canonical_path(path)
    assert isinstance(found, RefusedPath)
    assert found.path_class is path_class
    assert found.detail


@pytest.mark.parametrize(("path_class", "path"), TABLE)
def test_only_its_own_class_permits_it(path_class: PathClass, path: str) -> None:
    assert isinstance(canonical_path(path, frozenset({path_class})), str)
    others = canonical_path(path, EVERYTHING - {path_class})
    assert isinstance(others, RefusedPath)
    assert others.path_class is path_class


@pytest.mark.parametrize(("permitted", "path"), HIDDEN_DOTS)
def test_permitting_a_class_does_not_let_dot_segments_in_with_it(permitted: PathClass, path: str) -> None:
    found = canonical_path(path, EVERYTHING - {PathClass.DOT_SEGMENT})
    assert found == RefusedPath(PathClass.DOT_SEGMENT, "the path holds a dot segment")
    assert isinstance(canonical_path(path, frozenset({permitted, PathClass.DOT_SEGMENT})), str)


@pytest.mark.parametrize("path", NO_PATH)
def test_what_is_no_path_is_refused_and_never_permitted(path: str) -> None:
    for allow in (frozenset[PathClass](), EVERYTHING):
        found = canonical_path(path, allow)
        assert isinstance(found, RefusedPath)
        assert found.path_class is None


@pytest.mark.parametrize(
    ("path", "words"),
    [("a", "begin"), ("/%zz é", "escape"), ("/%", "escape"), ("/é", "character"), ("/ ", "character")],
)
def test_the_log_says_why_it_is_no_path(path: str, words: str) -> None:
    found = canonical_path(path)
    assert isinstance(found, RefusedPath)
    assert words in found.detail


@pytest.mark.parametrize(("path", "canonical"), CANONICAL)
def test_ordinary_paths_pass_in_their_canonical_form(path: str, canonical: str) -> None:
    assert canonical_path(path) == canonical


def test_every_single_byte_escaped_is_judged() -> None:
    for code, pattern in product(range(256), ("%{:02X}", "%{:02x}")):
        escape = pattern.format(code)
        found = canonical_path(f"/a{escape}b")
        if chr(code) in UNRESERVED:
            assert found == f"/a{chr(code)}b"
        elif code < 32 or code == 127 or chr(code) in "/\\;?#":
            assert isinstance(found, RefusedPath)
        elif code == ord("%"):
            assert found == "/a%25b"  # one hex digit follows: nothing is encoded twice
        else:
            assert found == f"/a{escape.upper()}b"


# Text made of what paths break on.
pieces = st.one_of(
    st.sampled_from(
        [
            *("/", "//", ".", "..", "%", "%2", "%2e", "%2E", "%2f", "%2F", "%5c", "%3b", "%3F", "%23"),
            *("%00", "%0a"),
            *("%7f", "%25", "%252F", "%61", "%7e", "%C3%a9", ";", "\\", "a", "2F", "E", "?", "#", " ", "é"),
            *("{", "~"),
        ]
    ),
    st.text(PCHARS, min_size=1, max_size=3),
)
raw_paths = st.lists(pieces, max_size=10).map(lambda parts: "/" + "".join(parts))
allowances = st.sets(st.sampled_from(list(PathClass))).map(frozenset)


@given(raw_paths, allowances)
def test_canonical_is_a_fixed_point(path: str, allow: frozenset[PathClass]) -> None:
    """What is matched, if it were sent again, is read the same: no second reading is left in it."""
    found = canonical_path(path, allow)
    if isinstance(found, str):
        assert canonical_path(found, allow) == found


@given(raw_paths, allowances)
def test_the_canonical_path_means_the_same_bytes(path: str, allow: frozenset[PathClass]) -> None:
    found = canonical_path(path, allow)
    if isinstance(found, str):
        assert unquote_to_bytes(found) == unquote_to_bytes(path)
        assert found.count("/") == path.count("/")
        assert found.isascii()
        assert not any(escape[1:].islower() for escape in re.findall("%..", found))


@given(raw_paths)
def test_what_passes_by_default_holds_nothing_ambiguous(path: str) -> None:
    """An oracle that shares no code: decode once and twice, and look."""
    found = canonical_path(path)
    if isinstance(found, RefusedPath):
        return
    once = unquote_to_bytes(found)
    assert not set(once) & {*range(32), 127, *b"\\;?#"}
    assert once.count(b"/") == found.count("/")
    assert b"//" not in once
    assert not {b".", b".."} & set(once.split(b"/"))
    assert unquote_to_bytes(once) == once


@given(raw_paths, allowances)
@example("/.a", frozenset())
@example("/a/.", frozenset())
@example("/a//", frozenset({PathClass.EMPTY_SEGMENT}))
def test_the_fast_way_and_the_thorough_way_agree(path: str, allow: frozenset[PathClass]) -> None:
    assert canonical_path(path, allow) == paths._examine(path, allow)


@given(raw_paths, allowances, allowances)
def test_permitting_more_never_refuses_more(
    path: str, allow: frozenset[PathClass], more: frozenset[PathClass]
) -> None:
    found = canonical_path(path, allow)
    if isinstance(found, str):
        assert canonical_path(path, allow | more) == found


@given(st.lists(st.text(PCHARS + "é ö", min_size=1, max_size=8), min_size=1, max_size=5), st.data())
def test_spellings_that_mean_the_same_have_one_canonical_form(
    segments: list[str], data: st.DataObject
) -> None:
    """Two spellings of one path differ in escapes of unreserved characters and in the case of hex digits alone."""

    def spell() -> str:
        out = []
        for segment in segments:
            out.append("/")
            for character in segment:
                plain = not data.draw(st.booleans()) if character in UNRESERVED else character in PCHARS
                if plain:
                    out.append(character)
                else:
                    for code in character.encode():
                        escape = f"%{code:02x}"
                        out.append(escape.upper() if data.draw(st.booleans()) else escape)
        return "".join(out)

    first, second = canonical_path(spell()), canonical_path(spell())
    assert first == second
