"""A request head has one meaning, or is refused before anything acts on either of two."""

from __future__ import annotations

from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.fields import FieldRules
from gateway.core.policy import Deny
from gateway.core.reasons import Code
from gateway.core.request import RequestHead, read_request
from gateway.core.request_fields import MAX_CONTENT_LENGTH

Fields = list[tuple[bytes, bytes]]
RULES = FieldRules(identity_prefix=b"X-Gateway-")
HOST = (b"Host", b"api.example.com")


def judge(
    *fields: tuple[bytes, bytes],
    method: str = "POST",
    target: str = "/a",
    minor: int = 1,
    scheme: str = "http",
    host: tuple[bytes, bytes] | None = HOST,
    rules: FieldRules = RULES,
) -> RequestHead | Deny:
    return read_request(
        method, target, minor, [*([host] if host else []), *fields], rules=rules, scheme=scheme
    )


def accepted(found: RequestHead | Deny) -> RequestHead:
    assert isinstance(found, RequestHead), found
    return found


def is_refused(found: RequestHead | Deny, code: Code = Code.BAD_REQUEST) -> bool:
    return isinstance(found, Deny) and found.code is code and bool(found.detail)


# Framing.

LENGTH, CODING = b"Content-Length", b"Transfer-Encoding"


@pytest.mark.parametrize(
    ("fields", "length", "chunked"),
    [
        ([], None, False),
        ([(LENGTH, b"0")], 0, False),
        ([(LENGTH, b"5")], 5, False),
        ([(b"content-length", b"0005")], 5, False),
        ([(b"CONTENT-LENGTH", b"9007199254740992")], MAX_CONTENT_LENGTH, False),
        ([(CODING, b"chunked")], None, True),
        ([(b"transfer-encoding", b"CHUNKED")], None, True),
        ([(b"TRANSFER-ENCODING", b"cHuNkEd")], None, True),
        ([(b"Content_Length", b"5"), (b"Transfer_Encoding", b"chunked")], None, False),
        ([(LENGTH, b"5"), (b"Transfer_Encoding", b"chunked")], 5, False),
        ([(LENGTH, b"5"), (b"Transfer.Encoding", b"chunked")], 5, False),
    ],
)
def test_a_body_is_framed_in_one_way(fields: Fields, length: int | None, chunked: bool) -> None:
    head = accepted(judge(*fields))
    assert (head.fields.content_length, head.fields.chunked) == (length, chunked)
    assert head.fields.has_body == (chunked or bool(length))
    assert head.fields.kept == []


@pytest.mark.parametrize(
    "value",
    [
        *(b"", b" ", b"+1", b"-1", b"-0", b"1.0", b"1e3", b"0x10", b"1_0", b"1 0", b"1,1", b"1, 1", b"0, 0"),
        *(b"5;", b"a"),
        *(b"5\0", b"5\x0b", b"\xa05", b"5\xa0", "٥".encode(), "５".encode(), b"\xb2", b"9007199254740993"),
        b"1" * 18,
        *(b"18446744073709551616", b"18446744073709551621", b"0" * 18, b"5\r\nX: y", b"5\n"),
    ],
)
def test_a_length_is_one_ascii_number_within_its_bound(value: bytes) -> None:
    assert is_refused(judge((LENGTH, value)))


@pytest.mark.parametrize(
    "values", [(b"5", b"5"), (b"5", b"6"), (b"0", b"0"), (b"5", b""), (b"5", b"5", b"5")]
)
def test_a_length_stands_once_even_if_repeats_agree(values: tuple[bytes, ...]) -> None:
    for names in product((LENGTH, b"content-length"), repeat=len(values)):
        assert is_refused(judge(*zip(names, values, strict=True)))


@pytest.mark.parametrize(
    "value",
    [
        *(b"", b"identity", b"gzip", b"xchunked", b"chunkedx", b"chunked,", b",chunked"),
        *(b"chunked, chunked", b"gzip, chunked"),
        *(b"chunked, gzip", b"chunked, identity", b"chunked;q=1", b'"chunked"', b"'chunked'"),
        *(b"chunked\x0b", b"\x0bchunked"),
        *(b"chunked\0", b"chun\xc2\xaded", b"\xffchunked", b"chunked\r\n", "chun\u212aed".encode()),
        *(b"chunke", b"c hunked"),
    ],
)
def test_a_coding_is_chunked_alone(value: bytes) -> None:
    assert is_refused(judge((CODING, value)))


@pytest.mark.parametrize(
    "values", [(b"chunked", b"chunked"), (b"chunked", b"identity"), (b"gzip", b"chunked"), (b"", b"chunked")]
)
def test_a_coding_stands_once(values: tuple[bytes, ...]) -> None:
    for order in permutations(values):
        assert is_refused(judge(*((CODING, value) for value in order)))


@pytest.mark.parametrize("coding", [b"chunked", b"identity", b"", b"x"])
@pytest.mark.parametrize("length", [b"0", b"5", b"", b"x"])
def test_length_and_coding_together_are_refused_in_either_order(coding: bytes, length: bytes) -> None:
    assert is_refused(judge((LENGTH, length), (CODING, coding)))
    assert is_refused(judge((CODING, coding), (LENGTH, length)))


def test_an_older_caller_does_not_speak_chunked() -> None:
    assert is_refused(judge((CODING, b"chunked"), minor=0))
    assert accepted(judge((LENGTH, b"5"), minor=0)).fields.content_length == 5


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS", "PROPFIND"])
def test_any_method_may_have_a_body(method: str) -> None:
    assert accepted(judge((LENGTH, b"5"), method=method)).fields.has_body
    assert accepted(judge((CODING, b"chunked"), method=method)).fields.has_body
    assert not accepted(judge(method=method)).fields.has_body


# Method.


@pytest.mark.parametrize("method", ["CONNECT", "TRACE"])
def test_tunnels_and_echoes_are_not_served(method: str) -> None:
    assert is_refused(judge(method=method), Code.METHOD_REFUSED)
    assert is_refused(judge(method=method, host=None), Code.METHOD_REFUSED)


@pytest.mark.parametrize("method", ["GET", "get", "Post", "QUERY", "M-SEARCH"])
def test_a_method_keeps_its_case(method: str) -> None:
    assert accepted(judge(method=method)).method == method


# Host.


@pytest.mark.parametrize(
    "host",
    [
        *(b"a", b"api.example.com", b"API.Example.COM", b"a.", b"a:80", b"a:0", b"a:65535", b"a:"),
        b"127.0.0.1:8080",
        *(b"[::1]", b"[::1]:8080", b"[::ffff:127.0.0.1]", b"my_service", b"my_service:80"),
        b"xn--bcher-kva.example",
        *(b"b%C3%BCcher", b"a!b", b"1"),
    ],
)
def test_a_valid_host_is_accepted(host: bytes) -> None:
    assert accepted(judge(host=(b"Host", host))).fields.host == host
    assert accepted(judge(host=(b"hOsT", host))).fields.host == host


@pytest.mark.parametrize(
    "host",
    [
        *(b"", b" ", b":80", b"a b", b"a, b", b"a,b", b"a\tb", b"a/b", b"a/", b"/", b"http://a", b"a@b"),
        *(b"u:p@a", b"a?b"),
        *(b"a#b", b"a\\b", b"a:b", b"a:80:80", b"a:-1", b"a:+80", b"a:65536", b"a:99999", b"a:000080"),
        *(b"a: 80", b"a:8 0"),
        *(b"[", b"]", b"[]", b"[::1", b"::1", b"[::1]a", b"[::1%25eth0]", b"[v1.x]", b"[::1]:x", b"a%"),
        *(b"a%2", b"a%zz"),
        *(b"a\0", b"a\r", b"a\n", b"a\r\nX: y", b"\xe4", "ä.example".encode(), b"a\x7f", b'a"', b"<a>"),
        *(b"{a}", b"a^", b"a|b"),
        *(b"a:\xb2", "a:８０".encode(), b"a`"),
    ],
)
def test_a_malformed_host_is_refused(host: bytes) -> None:
    assert is_refused(judge(host=(b"Host", host)))
    assert is_refused(judge(host=(b"Host", host), minor=0))


def test_host_stands_exactly_once() -> None:
    assert is_refused(judge(host=None))
    assert is_refused(judge(HOST))
    assert is_refused(judge((b"host", b"api.example.com")))
    assert is_refused(judge((b"HOST", b"evil.example")))
    assert is_refused(judge((b"HOST", b"")))
    assert is_refused(judge(HOST, minor=0))


def test_a_look_alike_is_no_host() -> None:
    assert is_refused(judge((b"Hos_t", b"a"), host=None))
    assert accepted(judge((b"X-Host", b"evil.example"))).fields.host == HOST[1]


def test_only_an_older_caller_may_leave_host_out() -> None:
    assert accepted(judge(host=None, minor=0)).fields.host == b""


# Target.


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/", "/", ""),
        ("/a", "/a", ""),
        ("/a/", "/a/", ""),
        ("/a?", "/a", "?"),
        ("/a?b", "/a", "?b"),
        ("/a?b?c=/d//e", "/a", "?b?c=/d//e"),
        ("/?x", "/", "?x"),
        ("/a?u=http://b//c/../d", "/a", "?u=http://b//c/../d"),
        ("/a%2fb/../c", "/a%2fb/../c", ""),  # judged later, as it came
        ('/a?x=%2F%00%zz&y[]=1&z={}|\\^`"<>;a', "/a", '?x=%2F%00%zz&y[]=1&z={}|\\^`"<>;a'),
        ("/a?access_token=pit_x", "/a", "?access_token=pit_x"),
        ("/http://b/", "/http://b/", ""),
        ("/a//b", "/a//b", ""),
    ],
)
def test_an_origin_form_is_cut_at_the_first_question_mark(target: str, path: str, query: str) -> None:
    head = accepted(judge(target=target))
    assert (head.path, head.query) == (path, query)
    assert head.path + head.query == target


@pytest.mark.parametrize(
    ("target", "host", "path", "query"),
    [
        ("http://api.example.com/a", b"api.example.com", "/a", ""),
        ("HTTP://API.example.com/a", b"api.EXAMPLE.com", "/a", ""),
        ("http://api.example.com", b"api.example.com", "/", ""),
        ("http://api.example.com?x=1", b"api.example.com", "/", "?x=1"),
        ("http://api.example.com/?x=1", b"api.example.com", "/", "?x=1"),
        ("http://api.example.com:80/a", b"api.example.com", "/a", ""),
        ("http://api.example.com/a", b"api.example.com:80", "/a", ""),
        ("http://api.example.com:/a", b"api.example.com", "/a", ""),
        ("http://api.example.com:8080/a?b", b"api.example.com:8080", "/a", "?b"),
        ("http://[::1]:8080/a", b"[::1]:8080", "/a", ""),
    ],
)
def test_an_absolute_form_of_this_server_becomes_an_origin_form(
    target: str, host: bytes, path: str, query: str
) -> None:
    head = accepted(judge(target=target, host=(b"Host", host)))
    assert (head.path, head.query) == (path, query)


@pytest.mark.parametrize(
    "target",
    [
        *("", "*", "a", "a/b", "api.example.com", "api.example.com:80", "?x", "#", "/a#b", "/#", "/a?b#c"),
        *("http:", "http:/a"),
        *("http://", "http:///a", "http://evil.example/a", "https://api.example.com/a"),
        "ftp://api.example.com/a",
        *("http://api.example.com:81/a", "http://api.example.com::80/a", "http://api.example.com::/a"),
        *("http://api.example.com:443/a", "http://u@api.example.com/a"),
        "http://:80/a",
        *("http://u:p@api.example.com/a", "http://api.example.com@evil.example/a"),
        "http://api.example.com./a",
        *("http://api.example.com\\@evil/a", "http://api.example.com,evil/a", "http://api.example.com/a#b"),
        "http:\\\\a/b",
        *("//api.example.com/a#x", "http://api.example.com:080/a", "http://api.example.com /a"),
        "\thttp://api.example.com/",
        *("http://äpi.example.com/a", " /a", "http://api.example.com\n/a"),
        *("/a?b c", "/a?b\tc", "/a?b\0c", "/a?b\rc", "/a?b\nc", "/a?b\x7f", "/a?é", "/a?\udce9", "/a?b\x85"),
        "/a?b\n",
    ],
)
def test_every_other_target_is_refused(target: str) -> None:
    assert is_refused(judge(target=target))


@pytest.mark.parametrize(
    "target",
    [
        "//",
        "//evil.example/a",
        "///a",
        "//a?b",
        "http://api.example.com//evil.example/a",
        "http://api.example.com//",
    ],
)
def test_a_path_that_reads_as_an_authority_is_refused_in_either_form(target: str) -> None:
    assert is_refused(judge(target=target), Code.PATH_REFUSED)


def test_an_absolute_form_must_match_the_listeners_scheme_and_port() -> None:
    target = "https://api.example.com:443/a"
    assert accepted(judge(target=target, scheme="https")).path == "/a"
    assert is_refused(judge(target=target, scheme="http"))
    assert is_refused(judge(target="https://api.example.com:80/a", scheme="https"))
    assert is_refused(judge(target="http://api.example.com/a", host=None, minor=0))


# Fields.


def test_other_fields_keep_their_bytes_order_and_repeats() -> None:
    fields = [
        (b"Accept", b"a"),
        (b"x-b", b"caf\xe9 \xc3\xa9"),
        (b"X-B", b""),
        (b"accept", b"b;q=0.5, c"),
        (b"COOKIE", b'a="b"; c'),
        (b"X.Y", b"\t1"),
    ]
    head = accepted(judge(*fields))
    assert head.fields.kept == [name + b": " + value for name, value in fields]


def test_what_stops_here_is_not_kept() -> None:
    head = accepted(
        judge(
            *(
                (name, b"evil")
                for name in (
                    *(b"Authorization", b"X-Gateway-Account-Id", b"x_gateway_scopes"),
                    b"X-HTTP-Method-Override",
                    *(b"X-Forwarded-For", b"X-Forwarded-Proto", b"X-Forwarded-Host", b"X-Real-IP"),
                    b"Forwarded",
                    *(b"X-Request-Id", b"Expect", b"TE", b"Trailer", b"Keep-Alive", b"Upgrade"),
                    b"Proxy-Authorization",
                    *(b"X-Original-URL", b"Proxy", b"api_key"),
                )
            )
        )
    )
    assert head.fields.kept == []
    assert head.authorization == [b"evil"]
    assert (head.fields.forwarded_for, head.fields.forwarded_proto, head.fields.forwarded_host) == (
        [b"evil"],
        b"evil",
        b"evil",
    )


@pytest.mark.parametrize(
    "name", [b"", b"a b", b"a:", b"\xe9", b"a\0", b"X-Gateway-Scopes ", b"Content-Length\t"]
)
def test_a_field_name_that_is_no_token_refuses_the_request(name: bytes) -> None:
    assert is_refused(judge((name, b"v")))


def test_every_authorization_field_is_seen() -> None:
    head = accepted(judge((b"Authorization", b"Bearer a"), (b"AUTHORIZATION", b"Basic b")))
    assert head.authorization == [b"Bearer a", b"Basic b"]


def test_every_address_that_was_claimed_is_seen_in_order() -> None:
    head = accepted(judge((b"X-Forwarded-For", b"1.1.1.1, 2.2.2.2"), (b"x-forwarded-for", b"3.3.3.3")))
    assert head.fields.forwarded_for == [b"1.1.1.1, 2.2.2.2", b"3.3.3.3"]


def test_versions_are_read_and_travel_on() -> None:
    head = accepted(judge((b"Version", b"2021-07-28"), (b"VERSION", b"v\xe9")))
    assert head.fields.api_versions == ["2021-07-28", "v\xe9"]
    assert head.fields.kept == [b"Version: 2021-07-28", b"VERSION: v\xe9"]


def test_origin_is_read_and_travels_on() -> None:
    head = accepted(judge((b"Origin", b"https://app.example")))
    assert (head.fields.origin, head.fields.kept) == (
        b"https://app.example",
        [b"Origin: https://app.example"],
    )


# Connection.


@pytest.mark.parametrize(
    ("minor", "values", "stays"),
    [
        (1, [], True),
        (1, [b"keep-alive"], True),
        (1, [b"Keep-Alive"], True),
        (1, [b"close"], False),
        (1, [b"CLOSE"], False),
        (1, [b"keep-alive, close"], False),
        (1, [b"keep-alive", b"close"], False),
        (1, [b"x,\tclose ,y"], False),
        (1, [b""], True),
        (1, [b"closed"], True),
        (0, [], False),
        (0, [b"keep-alive"], True),
        (0, [b"Keep-Alive"], True),
        (0, [b"x, Keep-Alive"], True),
        (0, [b"keep-alive, close"], False),
        (0, [b"close"], False),
        (0, [b"x"], False),
        (0, [b""], False),
    ],
)
def test_whether_the_connection_stays(minor: int, values: list[bytes], stays: bool) -> None:
    found = accepted(judge(*((b"Connection", value) for value in values), minor=minor))
    assert found.fields.keep_alive is stays


@pytest.mark.parametrize(
    "nominated",
    [
        *(b"Host", b"Content-Length", b"Transfer-Encoding", b"Authorization", b"X-Gateway-Account-Id"),
        b"X-Request-Id",
        *(b"X-Forwarded-For", b"X-Forwarded-Proto", b"X-Forwarded-Host", b"Connection", b"Expect"),
    ],
)
def test_nominating_what_is_ours_has_no_effect(nominated: bytes) -> None:
    fields = [
        (b"Content-Length", b"5"),
        (b"Authorization", b"Bearer x"),
        (b"X-Request-Id", b"abc"),
        (b"X-Forwarded-For", b"1.1.1.1"),
        (b"X-Forwarded-Proto", b"https"),
        (b"X-Forwarded-Host", b"h"),
        (b"Expect", b"100-continue"),
        (b"Accept", b"*/*"),
    ]
    plain = accepted(judge(*fields))
    for spelling in (nominated, nominated.lower(), nominated.upper()):
        found = accepted(judge((b"Connection", spelling + b", keep-alive"), *fields))
        assert found == plain


def test_nominating_a_coding_does_not_unframe_the_body() -> None:
    found = judge((b"Connection", b"transfer-encoding, content-length"), (CODING, b"chunked"))
    assert accepted(found).fields.chunked
    assert is_refused(judge((b"Connection", b"content-length"), (CODING, b"chunked"), (LENGTH, b"5")))


@pytest.mark.parametrize("value", [b"X-A", b"x-a", b"close, X-A", b"X-B,X-A", b" X-A\t", b",,X-A,"])
def test_nominated_fields_of_the_caller_stop_here(value: bytes) -> None:
    found = accepted(judge((b"X-A", b"1"), (b"Connection", value), (b"x-a", b"2"), (b"X-Ab", b"3")))
    assert found.fields.kept == [b"X-Ab: 3"]


def test_nominations_in_several_lines_count() -> None:
    found = accepted(judge((b"Connection", b"x-a"), (b"X-A", b"1"), (b"X-B", b"2"), (b"connection", b"x-b")))
    assert found.fields.kept == []


def test_a_nominated_version_is_neither_judged_nor_sent() -> None:
    found = accepted(judge((b"Version", b"1"), (b"Connection", b"version")))
    assert (found.fields.api_versions, found.fields.kept) == ([], [])


@pytest.mark.parametrize(
    ("fields", "upgrade"),
    [
        ([(b"Upgrade", b"websocket")], b""),
        ([(b"Upgrade", b"websocket"), (b"Connection", b"keep-alive")], b""),
        ([(b"Upgrade", b"websocket"), (b"Connection", b"Upgrade")], b"websocket"),
        ([(b"Upgrade", b"websocket"), (b"Connection", b"keep-alive, upgrade")], b"websocket"),
        ([(b"Upgrade", b"h2c"), (b"Upgrade", b"websocket"), (b"Connection", b"upgrade")], b"h2c, websocket"),
        ([(b"Connection", b"upgrade")], b""),
    ],
)
def test_an_upgrade_counts_only_when_the_connection_names_it(fields: Fields, upgrade: bytes) -> None:
    found = accepted(judge(*fields))
    assert found.fields.upgrade == upgrade
    assert found.fields.kept == []


def test_an_upgrade_to_http2_leaves_nothing_behind() -> None:
    """What a Java client sends with its first request."""
    found = accepted(
        judge(
            (b"Connection", b"Upgrade, HTTP2-Settings"),
            (b"Upgrade", b"h2c"),
            (b"HTTP2-Settings", b"AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA"),
        )
    )
    assert (found.fields.kept, found.fields.upgrade, found.fields.keep_alive) == ([], b"h2c", True)


# What else is read.


@pytest.mark.parametrize(
    ("value", "minor", "expects"),
    [
        (b"100-continue", 1, True),
        (b"100-Continue", 1, True),
        (b"100-continue", 0, False),
        (b"", 1, False),
        (b"200-ok", 1, False),
        (b"100-continue, x", 1, False),
    ],
)
def test_an_expectation_is_seen_and_stops_here(value: bytes, minor: int, expects: bool) -> None:
    found = accepted(judge((b"Expect", value), (LENGTH, b"5"), minor=minor))
    assert found.fields.expects_continue is expects
    assert found.fields.kept == []


@pytest.mark.parametrize(
    "value", [b"a", b"A.b_c-9", b"a" * 128, b"01890a5d-ac96-774b-bcce-b302099a8057", b"..."]
)
def test_a_request_id_of_the_caller_is_kept_when_it_is_harmless(value: bytes) -> None:
    assert accepted(judge((b"X-Request-Id", value))).fields.request_id == value


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"a b",
        b"a" * 129,
        b"a/b",
        b"a:b",
        b"a,b",
        b"a=",
        b"\xe9",
        b"a\n",
        b"a\r\nX: y",
        b"a\0",
        b"<a>",
        b'"a"',
    ],
)
def test_any_other_request_id_is_replaced(value: bytes) -> None:
    assert accepted(judge((b"X-Request-Id", value))).fields.request_id == b""


def test_two_request_ids_are_none() -> None:
    assert accepted(judge((b"X-Request-Id", b"a"), (b"x-request-id", b"a"))).fields.request_id == b""


names = st.sampled_from(
    [
        *(b"Host", b"Content-Length", b"Transfer-Encoding", b"Connection", b"Authorization", b"Upgrade"),
        b"Version",
        *(b"X-Gateway-Scopes", b"X_Gateway_Scopes", b"X-A", b"x-a", b"Accept", b"bad name", b"X-Request-Id"),
        b"content_length",
    ]
)
values = st.one_of(
    st.sampled_from(
        [
            b"",
            b"5",
            b"chunked",
            b"close",
            b"x-a",
            b"host, x-gateway-scopes",
            b"upgrade",
            b"a.example",
            b"\xe9",
        ]
    ),
    st.binary(max_size=12),
)


@given(
    st.lists(st.tuples(names, values), max_size=10),
    st.one_of(st.sampled_from(["/", "/a?b", "//a", "*", "http://a.example/"]), st.text(max_size=12)),
    st.integers(0, 1),
    st.booleans(),
)
def test_whatever_comes_is_refused_or_has_one_framing_and_nothing_of_ours(
    fields: Fields, target: str, minor: int, underscores: bool
) -> None:
    rules = FieldRules(identity_prefix=b"X-Gateway-", pass_underscores=underscores)
    found = read_request("POST", target, minor, fields, rules=rules, scheme="http")
    if isinstance(found, Deny):
        assert found.code in {Code.BAD_REQUEST, Code.PATH_REFUSED}
        return
    lower = [name.lower() for name, _ in fields]
    assert lower.count(b"host") == 1 or (minor == 0 and b"host" not in lower)
    assert lower.count(b"content-length") + lower.count(b"transfer-encoding") <= 1
    assert (found.fields.content_length is not None) == (b"content-length" in lower)
    assert found.fields.chunked == (b"transfer-encoding" in lower)
    assert found.path.startswith("/")
    assert not found.path.startswith("//")
    sent = [name + b": " + value for name, value in fields]
    assert all(line in sent for line in found.fields.kept)
    for line in found.fields.kept:
        name = line.partition(b":")[0].lower().replace(b"_", b"-")
        assert name in {b"x-a", b"accept", b"version"}
