"""Which web pages may call, what a preflight is told, and that nothing a page sends can end a line early."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.cors import CorsPolicy

APP = b"https://app.example.com"
LISTED = CorsPolicy(frozenset({APP, b"http://localhost:3000"}))
ALL = CorsPolicy(frozenset({b"*"}))


def fields(lines: bytes) -> dict[bytes, bytes]:
    """The lines by their names; every line must be whole."""
    assert lines.endswith(b"\r\n")
    found = dict(line.split(b": ", 1) for line in lines[:-2].split(b"\r\n"))
    assert len(found) == lines.count(b"\r\n"), "a field stands twice"
    return found


@pytest.mark.parametrize(
    ("policy", "origin", "allowed"),
    [
        (LISTED, APP, True),
        (LISTED, b"http://localhost:3000", True),
        (LISTED, b"https://APP.example.com", False),
        (LISTED, b"http://app.example.com", False),
        (LISTED, b"https://app.example.com:443", False),
        (LISTED, b"https://app.example.com.evil.example", False),
        (LISTED, b"https://evil.example/https://app.example.com", False),
        (LISTED, b"http://localhost", False),
        (LISTED, b"null", False),
        (LISTED, b"*", False),
        (LISTED, b"", False),
        (ALL, APP, True),
        (ALL, b"null", True),
        (ALL, b"", False),
        (CorsPolicy(frozenset()), APP, False),
    ],
)
def test_an_origin_is_allowed_only_as_it_is_listed(policy: CorsPolicy, origin: bytes, allowed: bool) -> None:
    assert policy.allows(origin) is allowed
    assert (b"Access-Control-Allow-Origin" in policy.lines(origin)) is allowed
    assert (policy.preflight(origin, b"GET", None) is not None) is allowed


def test_a_listed_origin_is_named_so_that_no_cache_gives_its_answer_to_another() -> None:
    told = fields(LISTED.lines(APP))
    assert told[b"Access-Control-Allow-Origin"] == APP
    assert told[b"Vary"] == b"Origin"
    assert b"X-Request-Id" in told[b"Access-Control-Expose-Headers"]


def test_where_all_origins_may_call_none_is_echoed() -> None:
    assert fields(ALL.lines(b"https://evil.example"))[b"Access-Control-Allow-Origin"] == b"*"


def test_credentials_of_a_browser_are_never_allowed() -> None:
    """With `*` the browser would refuse them; with an echoed origin it would not."""
    for policy in (LISTED, ALL):
        told = policy.preflight(APP, b"GET", b"authorization")
        assert told is not None
        assert b"credentials" not in (told + policy.lines(APP)).lower()


def test_a_preflight_is_told_what_it_asked_for() -> None:
    told = LISTED.preflight(APP, b"PATCH", b"authorization, content-type, x-mine")
    assert told is not None
    assert fields(told)[b"Access-Control-Allow-Methods"] == b"PATCH"
    assert fields(told)[b"Access-Control-Allow-Headers"] == b"authorization, content-type, x-mine"
    assert int(fields(told)[b"Access-Control-Max-Age"]) > 0


@pytest.mark.parametrize("headers", [None, b""])
def test_a_preflight_that_asks_for_no_header_is_told_of_none(headers: bytes | None) -> None:
    told = LISTED.preflight(APP, b"GET", headers)
    assert told is not None
    assert b"Access-Control-Allow-Headers" not in fields(told)


@pytest.mark.parametrize("method", [b"", b"get", b"GET, POST", b"GET\r\nX-A: 1", b"G T", b"*", b"A" * 33])
def test_a_preflight_for_no_method_is_none(method: bytes) -> None:
    assert LISTED.preflight(APP, method, None) is None


@pytest.mark.parametrize("headers", [b"x:y", b"a\r\nX-Injected: 1", b"a\x00", b"\xe9", b"(a)", b"a" * 4097])
def test_a_preflight_for_no_list_of_headers_is_none(headers: bytes) -> None:
    assert LISTED.preflight(APP, b"GET", headers) is None


@given(
    origin=st.binary(max_size=40), method=st.binary(max_size=40), headers=st.none() | st.binary(max_size=60)
)
def test_whatever_a_page_sends_the_answer_has_only_lines_of_ours(
    origin: bytes, method: bytes, headers: bytes | None
) -> None:
    for policy in (LISTED, ALL):
        told = policy.preflight(origin, method, headers)
        if told is not None:
            assert all(name.startswith((b"Access-Control-", b"Vary")) for name in fields(told))
