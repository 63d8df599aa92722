from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.paths import canonical_path
from gateway.settings.template import parse_key


@pytest.mark.parametrize(
    ("key", "method", "template"),
    [
        ("GET /contacts/{contactId}", "GET", "/contacts/{contactId}"),
        ("POST /contacts/", "POST", "/contacts/"),
        ("GET /", "GET", "/"),
        ("GET    /aligned", "GET", "/aligned"),
        ("M-SEARCH /x", "M-SEARCH", "/x"),
        ("GET /a.b/~c/@d:e!$&'()*+,=", "GET", "/a.b/~c/@d:e!$&'()*+,="),
        ("GET /a%20b/caf%C3%A9", "GET", "/a%20b/caf%C3%A9"),
        ("GET /100%25", "GET", "/100%25"),
        ("GET /{a}/{b.c}/{d-e_f}", "GET", "/{a}/{b.c}/{d-e_f}"),
        ("GET /...", "GET", "/..."),
        ("GET /.well-known/x", "GET", "/.well-known/x"),
        ("GET /Contacts", "GET", "/Contacts"),
    ],
)
def test_keys(key: str, method: str, template: str) -> None:
    assert parse_key(key) == (method, template)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("/contacts", '"/contacts" is not a route; write METHOD /path such as GET /contacts/{contactId}'),
        ("GET", '"GET" is not a route; write METHOD /path such as GET /contacts/{contactId}'),
        ("GET contacts", '"GET contacts" is not a route; write METHOD /path'),
        ("GET /a b", '"GET /a b" is not a route; write METHOD /path'),
        ("GET http://a/b", '"GET http://a/b" is not a route; write METHOD /path'),
        ("", '"" is not a route; write METHOD /path'),
        ("get /a", '"get" is no method that is served; did you mean `GET`?'),
        ("GETT /a", "did you mean `GET`?"),
        ("DELET /a", "did you mean `DELETE`?"),
        ("GET,POST /a", '"GET,POST" is no method that is served; '),
        ("FOO /a", '"FOO" is no method that is served; write one such as GET or POST'),
        ("* /a", '"*" is no method that is served; write one such as GET or POST'),
        ("CONNECT /a", "CONNECT is never forwarded; remove this route"),
        ("TRACE /a", "TRACE is never forwarded; remove this route"),
        ("GET /a?b=c", "it has a query or a fragment; write the path alone, the query is never matched"),
        ("GET /a#b", "it has a query or a fragment"),
        ("GET //a", "it has an empty segment; write one / between segments"),
        ("GET /a//b", "it has an empty segment"),
        ("GET /a//", "it has an empty segment"),
        ("GET //", "it has an empty segment"),
        ("GET /a/../b", "it has a dot segment; write the path without it"),
        ("GET /a/.", "it has a dot segment"),
        ("GET /a/%2e", "holds a character that a path cannot hold; percent-encode it as %20, in upper case"),
        ("GET /a/%2E%2E", '"%2E%2E" holds %2E, which no path that is let in has; write the character itself'),
        ("GET /a%2Fb", "holds %2F, which no path that is let in has"),
        ("GET /a%00", "holds %00, which no path that is let in has"),
        ("GET /a%41", "holds %41, which no path that is let in has"),
        ("GET /a%252F", '"a%252F" is percent-encoded twice; encode it once'),
        ("GET /a;b", '"a;b" holds a character that a path cannot hold'),
        ("GET /a\\b", "holds a character that a path cannot hold"),
        ("GET /café", "holds a character that a path cannot hold"),
        ("GET /a%zz", "holds a character that a path cannot hold"),
        ("GET /a{b}", '"a{b}" is no parameter; a parameter is one whole segment such as {contactId}'),
        ("GET /{a}b", '"{a}b" is no parameter'),
        ("GET /{}", '"{}" is no parameter'),
        ("GET /{a", '"{a" is no parameter'),
        ("GET /{a}{b}", '"{a}{b}" is no parameter'),
        ("GET /{a}/x/{a}", "parameter {a} stands in it twice; give each its own name"),
    ],
)
def test_a_bad_key_says_why_and_the_way_out(key: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_key(key)


@given(st.lists(st.text("ab{}.%25EFCac~;:@/\\", max_size=6), max_size=4))
def test_a_template_that_is_read_can_be_matched(segments: list[str]) -> None:
    """Else a route stands in the map that no request reaches, because paths are matched in canonical form."""
    template = "/" + "/".join(segments)
    try:
        parse_key(f"GET {template}")
    except ValueError:
        return
    path = re.sub(r"\{[^{}]*\}", "x", template)
    assert canonical_path(path) == path


@given(st.from_regex(r"/[A-Za-z0-9\-._~!$&'()*+,=:@/%]{0,12}", fullmatch=True))
def test_every_literal_path_that_is_let_in_can_be_a_template(path: str) -> None:
    """Else an upstream has a path that no map can open."""
    canonical = canonical_path(path)
    if isinstance(canonical, str):
        assert parse_key(f"GET {canonical}") == ("GET", canonical)
