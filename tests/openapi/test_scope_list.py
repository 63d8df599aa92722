"""The list of scopes that people wrote: read to the letter, or every line that is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.core.model import Access
from gateway.openapi.needs import Needs
from gateway.openapi.scope_list import KINDS, ScopeList, read_scope_list
from gateway.settings.errors import ConfigurationError

PATH = Path("scopes.csv")


def listed(*lines: str, head: str = "method,path,scope,account") -> ScopeList:
    return read_scope_list(PATH, "\n".join([head, *lines]).encode())


def problems(*lines: str, head: str = "method,path,scope,account") -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        listed(*lines, head=head)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("scope", "needs"),
    [
        ("x", Needs(Access.ALL_OF, ("x",))),
        ("x y", Needs(Access.ALL_OF, ("x", "y"))),
        ("x|y", Needs(Access.ANY_OF, ("x", "y"))),
        ("x | y", Needs(Access.ANY_OF, ("x", "y"))),
        ("x x", Needs(Access.ALL_OF, ("x",))),
        ("public", Needs(Access.PUBLIC)),
        ("authenticated", Needs(Access.AUTHENTICATED)),
        ("deny", Needs(Access.DENY)),
    ],
)
def test_what_a_line_can_say(scope: str, needs: Needs) -> None:
    found = listed(f"get,/a/{{id}},{scope},agency").find("GET", "/a/{other}/")
    assert found is not None
    assert (found.needs, found.kinds) == (needs, KINDS["agency"])


def test_a_line_without_a_scope_says_nothing_yet() -> None:
    found = listed("GET,/a,,", "GET,/b,x,undeclared", "", "# a remark,,", "GET,/c,x")
    assert found.find("GET", "/a") is None
    for path in ("/b", "/c"):
        line = found.find("GET", path)
        assert line is not None
        assert line.kinds is None
    assert len(found.lines) == 2


def test_columns_go_by_their_names() -> None:
    found = listed('"say, this",x,/a,GET', head="\ufeffnote, Scope ,PATH,method").find("GET", "/a")
    assert found is not None
    assert found.needs == Needs(Access.ALL_OF, ("x",))


def test_every_wrong_line_is_named() -> None:
    assert problems(
        "FETCH,/a,x,",
        "GET,a,x,",
        "GET,/a/{id}.json,x,",
        'GET,/a,"x, y",',
        "GET,/b,x,agencies",
        "GET,/c/{id},x,",
        "GET,/c/{name},y,",
        "GET,/d,a b|c,",
    ) == [
        'scopes.csv:2: "FETCH" is no method that is served; did you mean `PATCH`?',
        'scopes.csv:3: "GET a" is not a route; write METHOD /path such as GET /contacts/{contactId}',
        'scopes.csv:4: "/a/{id}.json" is not a path template: "{id}.json" is no parameter; a parameter is one whole '
        "segment such as {contactId}",
        'scopes.csv:5: "x," is not a scope; write 1 to 128 visible ASCII characters without blank, comma, quote or backslash',
        'scopes.csv:6: account is "agencies"; did you mean `agency`?',
        "scopes.csv:8: GET /c/{name} needs something else on line 7; keep one",
        'scopes.csv:9: "a b|c" mixes all of and any of; write blanks or |, not both',
    ]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (
            b"",
            "scopes.csv:1: the first line names no column method or path or scope; write method,path,scope,account",
        ),
        (b"method,path\nGET,/a\n", "the first line names no column scope"),
        (b'method,path,scope\nGET,"/a,x\n', "this is no CSV"),
        (b"method,path,scope\nGET,/\xff,x\n", "scopes.csv:2: this is not UTF-8"),
    ],
)
def test_what_is_no_list(data: bytes, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_scope_list(PATH, data)
    assert told in str(caught.value)
