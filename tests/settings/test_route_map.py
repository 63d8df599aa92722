from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.model import Access, AccountKind, Route, Upstream
from gateway.settings.errors import ConfigurationError
from gateway.settings.route_map import load_route_map
from gateway.settings.route_needs import scope_problem

if TYPE_CHECKING:
    from gateway.core.model import RouteMap

SHIPPED = Path(__file__).parents[2] / "config" / "v2.routes.yaml"
HEAD = """\
upstreams:
  crm: {urls: ["http://127.0.0.1:9001"]}
services:
  contacts:
    upstream: crm
    routes:
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "routes.yaml"


def load(file: Path, text: str) -> RouteMap:
    file.write_text(text)
    return load_route_map(file)


def problems(file: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(file, text)
    return [str(problem).replace(f"{file.parent}/", "") for problem in caught.value.problems]


def test_the_map_in_full(file: Path) -> None:
    text = """\
upstreams:
  crm: {urls: ["http://127.0.0.1:9001", "https://Crm.internal"], preserve_host: true}
  files:
    urls: [http://files]
services:
  contacts:
    upstream: crm
    account: sub_account
    routes:
      GET /contacts/{contactId}: contacts.readonly
      POST /contacts/: contacts.write
      GET /contacts/lookup: [contacts.readonly, locations.readonly]
      GET /public/ping: authenticated
      POST /oauth/token: public
      POST /files/upload: {scope: medias.write, body_limit: 500MiB, timeout: 5m}
      GET /stream/{id}: {any_of: [a.readonly, a.write], versions: [2021-07-28], account: agency}
      GET /socket:
        scope: conversations.readonly
        websocket: true
      GET /all: {all_of: [b, c], account: any}
      GET /ping: {access: authenticated, versions: ["3", v4]}
      GET /open: {access: public, body_limit: 0}
      GET /old: deny
      POST /old: {access: deny}
      GET /try: {scope: a, versions: [v1], shadow: true}
      GET /more: {scope: a, account: any, shadow: {any_of: [b, c], account: agency, versions: [v1]}}
      GET /less: {scope: a, versions: [v1], shadow: {access: deny}}
      GET /not: {scope: a, shadow: false}
  media:
    upstream: files
    routes:
      GET /media: x
scopes:
  contacts.readonly: View contacts
  payments/orders.collectPayment: " Take payments "
"""
    route_map = load(file, text)
    assert route_map.version == hashlib.sha256(text.encode()).hexdigest()
    assert route_map.upstreams == {
        "crm": Upstream(
            name="crm",
            urls=("http://127.0.0.1:9001", "https://crm.internal"),
            preserve_host=True,
            where=f"{file}:2",
        ),
        "files": Upstream(name="files", urls=("http://files",), where=f"{file}:3"),
    }
    assert route_map.scopes == {
        "contacts.readonly": "View contacts",
        "payments/orders.collectPayment": "Take payments",
    }
    assert route_map.scope_lines == {
        "contacts.readonly": f"{file}:34",
        "payments/orders.collectPayment": f"{file}:35",
    }

    def route(
        line: int,
        method: str,
        template: str,
        access: Access,
        scopes: tuple[str, ...] = (),
        *,
        account: AccountKind | None = AccountKind.SUB_ACCOUNT,
        service: str = "contacts",
        upstream: str = "crm",
        versions: tuple[str, ...] = (),
        body_limit: int | None = None,
        timeout_seconds: float | None = None,
        websocket: bool = False,
        shadow: Route | None = None,
    ) -> Route:
        return Route(
            method=method, template=template, service=service, upstream=upstream, access=access, scopes=scopes,
            account=account, versions=versions, body_limit=body_limit, timeout_seconds=timeout_seconds,
            websocket=websocket, shadow=shadow, where=f"{file}:{line}",
        )  # fmt: skip

    assert route_map.routes == (
        route(10, "GET", "/contacts/{contactId}", Access.ALL_OF, ("contacts.readonly",)),
        route(11, "POST", "/contacts/", Access.ALL_OF, ("contacts.write",)),
        route(12, "GET", "/contacts/lookup", Access.ALL_OF, ("contacts.readonly", "locations.readonly")),
        route(13, "GET", "/public/ping", Access.AUTHENTICATED),
        route(14, "POST", "/oauth/token", Access.PUBLIC, account=None),
        route(
            15, "POST", "/files/upload", Access.ALL_OF, ("medias.write",),
            body_limit=500 * 1024 * 1024, timeout_seconds=300.0,
        ),
        route(
            16, "GET", "/stream/{id}", Access.ANY_OF, ("a.readonly", "a.write"),
            versions=("2021-07-28",), account=AccountKind.AGENCY,
        ),
        route(17, "GET", "/socket", Access.ALL_OF, ("conversations.readonly",), websocket=True),
        route(20, "GET", "/all", Access.ALL_OF, ("b", "c"), account=None),
        route(21, "GET", "/ping", Access.AUTHENTICATED, versions=("3", "v4")),
        route(22, "GET", "/open", Access.PUBLIC, account=None, body_limit=0),
        route(23, "GET", "/old", Access.DENY, account=None),
        route(24, "POST", "/old", Access.DENY, account=None),
        route(
            25, "GET", "/try", Access.AUTHENTICATED, account=None,
            shadow=route(25, "GET", "/try", Access.ALL_OF, ("a",), versions=("v1",)),
        ),
        route(
            26, "GET", "/more", Access.ALL_OF, ("a",), account=None,
            shadow=route(
                26, "GET", "/more", Access.ANY_OF, ("b", "c"), account=AccountKind.AGENCY, versions=("v1",)
            ),
        ),
        route(
            27, "GET", "/less", Access.ALL_OF, ("a",), versions=("v1",),
            shadow=route(27, "GET", "/less", Access.DENY, account=None),
        ),
        route(28, "GET", "/not", Access.ALL_OF, ("a",)),
        route(32, "GET", "/media", Access.ALL_OF, ("x",), service="media", upstream="files", account=None),
    )  # fmt: skip


BAD_ROUTES = [
    ("GET /a:", "the route does not say who may call it; write a scope, authenticated or public"),
    ("GET /a: ''", '"" is not a scope; write 1 to 128 visible ASCII characters without blank, comma, quote or backslash'),
    ("GET /a: a b", '"a b" is not a scope; write 1 to 128'),
    ("GET /a: a,b", '"a,b" is not a scope; write 1 to 128'),
    ("GET /a: 'a\"b'", "is not a scope; write 1 to 128"),
    ("GET /a: a\\b", "is not a scope; write 1 to 128"),
    ("GET /a: caf\u00e9", "is not a scope; write 1 to 128"),
    (f"GET /a: {'s' * 129}", "is not a scope; write 1 to 128"),
    ("GET /a: 5", "5 is not a scope; write text, in quotes where it looks like something else"),
    ("GET /a: true", "true is not a scope; write text"),
    ("GET /a: []", "an empty scope list is not open; write authenticated or public, or name a scope"),
    ("GET /a: [a, a]", 'scope "a" is listed twice; keep one'),
    ("GET /a: [a, public]", "public is no scope but a word of the route map; write `access: public`"),
    ("GET /a: [a, [b]]", "a list is not a scope"),
    ("GET /a: {}", "the route does not say who may call it; write one of scope, all_of, any_of, access"),
    ("GET /a: {versions: [x]}", "the route does not say who may call it; write one of scope"),
    ("GET /a: {scope: a, any_of: [b]}", "scope and any_of exclude each other; keep one"),
    ("GET /a: {access: public, scope: a}", "scope and access exclude each other; keep one"),
    ("GET /a: {any_of: []}", "an empty scope list is not open; write authenticated or public, or name a scope"),
    ("GET /a: {any_of: a}", 'any_of is "a"; write a list such as [contacts.readonly, locations.readonly]'),
    ("GET /a: {scope: [a]}", "scope takes one scope; write all_of or any_of for a list"),
    ("GET /a: {scope: }", "nothing is not a scope; write text"),
    ("GET /a: {scope: authenticated}", "authenticated is no scope but a word of the route map; write `access: aut"),
    ("GET /a: {access: open}", 'access is "open"; write public, authenticated, deny'),
    ("GET /a: {access: [public]}", "access is a list; write public, authenticated, deny"),
    ("GET /a: {scop: a, scope: b}", 'unknown key "scop" in GET /a; did you mean `scope`?'),
    ("GET /a: {scope: b, retries: 3}", 'unknown key "retries" in GET /a; known here: access, account, all_of, any_of'),
    ("GET /a: {scope: a, versions: 2021-07-28}", 'versions is "2021-07-28"; write a list such as [2021-07-28]'),
    ("GET /a: {scope: a, versions: []}", "versions is empty; write a list such as [2021-07-28]"),
    ("GET /a: {scope: a, versions: [3]}", "version 3 is not text; put it in quotes, so that it is compared as"),
    ("GET /a: {scope: a, versions: [x, x]}", 'version "x" is listed twice; keep one'),
    ("GET /a: {scope: a, versions: [a b]}", 'version "a b" cannot stand in a header; write visible ASCII'),
    ("GET /a: {scope: a, account: location}", 'account is "location"; write agency, sub_account, any'),
    ("GET /a: {access: public, account: agency}", "a public route has no caller to be of a kind; remove account"),
    ("GET /a: {scope: a, body_limit: 5MB}", 'body_limit: "5MB" is not a size; write a size such as 8KiB or 100MiB'),
    ("GET /a: {scope: a, timeout: 5}", "timeout: 5 is not a duration; write a duration such as 500ms, 10s, 5m"),
    ("GET /a: {scope: a, timeout: 0s}", "timeout is no time at all; write a duration such as 500ms or 5m"),
    ("GET /a: {scope: a, websocket: yes}", 'websocket is "yes"; write true or false'),
    ("POST /a: {scope: a, websocket: true}", "a WebSocket is opened by GET, not by POST; remove websocket"),
    ("get /a: a", '"get" is no method that is served; did you mean `GET`?'),
    ("GET /a: [a, deny]", "deny is no scope but a word of the route map; write `access: deny`"),
    ("GET /a: {access: deny, account: agency}", "a denied route refuses everyone; remove account"),
    ("GET /a: {access: deny, timeout: 5m}", "a denied route refuses everyone; remove timeout"),
    ("GET /a: {access: deny, shadow: true}", "remove shadow, or to try a denial keep the route's needs and write sha"),
    ("GET /a: {access: deny, scope: a}", "scope and access exclude each other; keep one"),
    ("GET /a: {access: public, shadow: true}", "a public route has no caller to judge; remove shadow"),
    ("GET /a: {access: public, shadow: {scope: a}}", "a public route has no caller to judge; remove shadow"),
    ("GET /a: {access: authenticated, shadow: true}", "the route needs nothing that could be tried; write what is"),
    ("GET /a: {scope: a, shadow: yes}", 'shadow is "yes"; write true, or what is to be tried, such as {scope: contac'),
    ("GET /a: {scope: a, shadow: [b]}", "shadow is a list; write true, or what is to be tried"),
    ("GET /a: {scope: a, shadow: }", "shadow is nothing; write true, or what is to be tried"),
    ("GET /a: {scope: a, shadow: {}}", "shadow says nothing that could be tried; write what is, or remove it"),
    ("GET /a: {scope: a, shadow: {scope: b, all_of: [c]}}", "scope and all_of exclude each other; keep one"),
    ("GET /a: {scope: a, shadow: {scope: b c}}", '"b c" is not a scope; write 1 to 128'),
    ("GET /a: {scope: a, shadow: {any_of: []}}", "an empty scope list is not open; write authenticated or public"),
    ("GET /a: {scope: a, shadow: {access: public}}", "public refuses nobody who is let in now; write deny, or a scope"),
    ("GET /a: {scope: a, shadow: {access: authenticated}}", "authenticated refuses nobody who is let in now"),
    ("GET /a: {scope: a, shadow: {access: open}}", 'access is "open"; write public, authenticated, deny'),
    ("GET /a: {scope: a, shadow: {account: any}}", "any refuses nobody; write agency or sub_account"),
    ("GET /a: {scope: a, account: agency, shadow: {account: sub_account}}", "the route is for agency alone, so this ref"),
    ("GET /a: {scope: a, account: agency, shadow: {account: agency}}", "so this refuses nobody; remove account"),
    ("GET /a: {scope: a, shadow: {account: x}}", 'account is "x"; write agency, sub_account, any'),
    ("GET /a: {scope: a, shadow: {versions: []}}", "versions is empty; write a list such as [2021-07-28]"),
    ("GET /a: {scope: a, shadow: {access: deny, account: agency}}", "a denied route refuses everyone; remove account"),
    ("GET /a: {scope: a, shadow: {scope: b, timeout: 5m}}", 'unknown key "timeout" in shadow; known here: access,'),
    ("GET /a: {scope: a, shadow: {scope: b, shadow: true}}", 'unknown key "shadow" in shadow; known here: access,'),
    ("TRACE /a: a", "TRACE is never forwarded; remove this route"),
    ("GET /a/{x}y: a", "is no parameter; a parameter is one whole segment such as {contactId}"),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "expected"), BAD_ROUTES)
def test_a_bad_route_says_its_line_and_the_way_out(file: Path, entry: str, expected: str) -> None:
    found = problems(file, f"{HEAD}      GET /good: a\n      {entry}\n")
    assert len(found) == 1
    assert found[0].startswith("routes.yaml:8: ")
    assert expected in found[0]


def test_two_problems_of_one_route_are_both_reported(file: Path) -> None:
    found = problems(
        file, f"{HEAD}      get /a//b:\n        any_of: []\n        all_of: [x y]\n        websockets: 1\n"
    )
    assert found == [
        'routes.yaml:7: "get" is no method that is served; did you mean `GET`?',
        "routes.yaml:8: all_of and any_of exclude each other; keep one",
        'routes.yaml:9: "x y" is not a scope; write 1 to 128 visible ASCII characters '
        "without blank, comma, quote or backslash",
        'routes.yaml:10: unknown key "websockets" in get /a//b; did you mean `websocket`?',
    ]


def test_one_key_twice_in_a_service_is_refused(file: Path) -> None:
    assert problems(file, f"{HEAD}      GET /a: a\n      POST /a: a\n      GET /a: b\n") == [
        'routes.yaml:9: key "GET /a" is written twice, first on line 7; keep one'
    ]


BAD_MAPS = [
    ("", ["routes.yaml:1: there is no route map here; write upstreams and services"]),
    (
        "- a\n",
        ["routes.yaml:1: the route map is a list; write a mapping such as {upstreams: …, services: …}"],
    ),
    ("{}\n", ["routes.yaml:1: `services:` is missing; add it", "routes.yaml:1: `upstreams:` is missing; add it"]),
    (
        "upstreams: {}\nservices: {}\nscope: {}\n",
        ['routes.yaml:3: unknown key "scope" in the route map; did you mean `scopes`?'],
    ),
    (
        "upstreams:\nservices:\n",
        [
            'routes.yaml:1: upstreams is nothing; write a mapping such as {crm: {urls: ["http://127.0.0.1:9001"]}}',
            "routes.yaml:2: services is nothing; write a mapping such as {contacts: {upstream: crm, routes: …}}",
        ],
    ),
    (
        "upstreams: {crm: http://a}\nservices: {}\n",
        ['routes.yaml:1: crm is "http://a"; write a mapping such as {urls: ["http://127.0.0.1:9001"]}'],
    ),
    (
        # A slip in a key is one problem: what it leaves out is not missing. And the whole map is judged beside it.
        "upstrems: {}\nservices:\n  s:\n    upstraem: crm\n    routes:\n      GET /a: {scop: a}\n"
        "  t:\n    upstream: crm\n    route: {}\n",
        [
            'routes.yaml:1: unknown key "upstrems" in the route map; did you mean `upstreams`?',
            'routes.yaml:4: unknown key "upstraem" in s; did you mean `upstream`?',
            'routes.yaml:6: unknown key "scop" in GET /a; did you mean `scope`?',
            'routes.yaml:9: unknown key "route" in t; did you mean `routes`?',
        ],
    ),
    (
        "upstreams: {crm: {urls: [http://a], preserve_hots: true}}\nservices:\n  s:\n    upstream: crn\n    routes:\n"
        "      GET /a: a\n      GET /{x}: a\n      GET /{y}: a\n  t:\n    upstream: ''\n    routes: {GET /t: a}\n",
        [
            'routes.yaml:1: unknown key "preserve_hots" in crm; did you mean `preserve_host`?',
            "routes.yaml:6: service s names the upstream crn, which is not there; did you mean crm?",
            "routes.yaml:8: GET /{y} matches the same paths as /{x} at routes.yaml:7; keep one of them",
            'routes.yaml:10: upstream is ""; write the name of one',
        ],
    ),
    (
        "upstreams: {crm: {url: http://a}}\nservices: {}\n",
        [
            'routes.yaml:1: unknown key "url" in crm; did you mean `urls`?',
        ],
    ),
    (
        "upstreams:\n  crm:\n    urls: []\n  b:\n    urls: http://a\n    preserve_host: 1\nservices: {}\n",
        [
            'routes.yaml:3: urls is empty; write a list such as ["http://127.0.0.1:9001"]',
            'routes.yaml:5: urls is "http://a"; write a list such as ["http://127.0.0.1:9001"]',
            "routes.yaml:6: preserve_host is 1; write true or false",
        ],
    ),
    (
        "upstreams:\n  crm:\n    urls:\n      - http://a\n      - http://A:80\n      - http://a/v1\n"
        "      - ftp://a\n      - 5\nservices: {}\n",
        [
            "routes.yaml:5: http://a:80 is listed twice; keep one",
            'routes.yaml:6: urls[2]: "http://a/v1" has a path; write http://a',
            'routes.yaml:7: urls[3]: "ftp://a" is not an address; write http://host:port or https://host:port',
            "routes.yaml:8: urls[4]: 5 is not an address; write http://host:port or https://host:port",
        ],
    ),
    (
        "upstreams: {c r m: {urls: [http://a]}}\nservices: {}\n",
        [
            'routes.yaml:1: "c r m" is not a name; '
            "write up to 64 letters, digits, dots, hyphens and underscores"
        ],
    ),
    (
        "upstreams: {}\nservices:\n  a: b\n  c: {}\n  d:\n    upstream: [x]\n    account: all\n    routes: []\n"
        "    upstrem: x\n",
        [
            'routes.yaml:3: a is "b"; write a mapping such as {upstream: crm, routes: …}',
            "routes.yaml:4: service c names no upstream; add upstream: NAME",
            "routes.yaml:4: service c has no routes; add routes:",
            "routes.yaml:6: upstream is a list; write the name of one",
            'routes.yaml:7: account is "all"; write agency, sub_account, any',
            "routes.yaml:8: routes is a list; write a mapping such as {GET /contacts/{contactId}: contacts.readonly}",
            'routes.yaml:9: unknown key "upstrem" in d; did you mean `upstream`?',
        ],
    ),
    (
        "upstreams: {}\nservices: {}\nscopes:\n  a b: x\n  public: x\n  a:\n  b: 5\n  c: ' '\n",
        [
            'routes.yaml:4: "a b" is not a scope; write 1 to 128 visible ASCII characters '
            "without blank, comma, quote or backslash",
            "routes.yaml:5: public is no scope but a word of the route map; write `access: public`",
            'routes.yaml:6: scope "a" is described by nothing; write words for those who choose it',
            'routes.yaml:7: scope "b" is described by 5; write words for those who choose it',
            'routes.yaml:8: scope "c" is described by " "; write words for those who choose it',
        ],
    ),
    ("upstreams: {}\nservices: {}\nscopes: []\n", ["routes.yaml:3: scopes is a list; write a mapping such as "
                                                   "{contacts.readonly: View contacts}"]),
    ("upstreams: {}\nservices:\n\ta: b\n", ["routes.yaml:3: a tab is used for indentation; use blanks"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BAD_MAPS)
def test_a_bad_map_says_its_lines_and_the_ways_out(file: Path, text: str, expected: list[str]) -> None:
    assert problems(file, text) == expected


def test_a_password_in_an_upstreams_address_is_not_repeated(file: Path) -> None:
    found = problems(file, "upstreams: {crm: {urls: ['http://gateway:hunter2@a']}}\nservices: {}\n")
    assert found == [
        "routes.yaml:1: urls[0]: the address carries a user name or a password; "
        "remove it, and write http://host:port"
    ]


def test_an_upstream_that_is_not_there_is_left_to_the_check_of_the_whole_map(file: Path) -> None:
    route_map = load(file, "upstreams: {}\nservices: {a: {upstream: x, routes: {GET /a: b}}}\n")
    assert route_map.routes[0].upstream == "x"


def test_a_missing_map_is_a_problem_at_its_path(file: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"routes\.yaml: cannot be read: no such file or directory"):
        load_route_map(file)


def test_the_shipped_map_is_read() -> None:
    route_map = load_route_map(SHIPPED)
    assert len(route_map.routes) == 576
    assert [
        (route.method, route.template) for route in route_map.routes if route.access is Access.PUBLIC
    ] == [("POST", "/oauth/token")]
    assert {scope for route in route_map.routes for scope in route.scopes} <= route_map.scopes.keys()


def test_ten_thousand_routes_are_read_in_about_a_second(file: Path) -> None:
    """A map is read again whenever it changes, while requests wait for the same core."""
    entry = "{{scope: a.b{0}, versions: [2021-07-28], account: agency, timeout: 5m}}"
    file.write_text(HEAD + "".join(f"      GET /a{n}/{{x}}/b: {entry.format(n)}\n" for n in range(10_000)))

    def seconds() -> float:
        start = time.process_time()
        assert len(load_route_map(file).routes) == 10_000
        return time.process_time() - start

    # A neighbour on the same core slows down a reading, not three.
    assert any(seconds() < 2 for _ in range(3))


@given(st.text(st.characters(codec="ascii"), max_size=140))
def test_a_scope_travels_in_a_header_and_a_quoted_string(scope: str) -> None:
    """Else a scope could split a blank-separated list, or end the quotes of a challenge."""
    fits = 0 < len(scope) <= 128 and all(33 <= ord(c) <= 126 and c not in ',"\\' for c in scope)
    assert (scope_problem(scope) is None) is (fits and scope not in {"public", "authenticated"})
