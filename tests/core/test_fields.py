"""Which fields travel: nothing that a server could take for a word of the gateway's own comes from a caller."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.fields import TOKEN, Field, FieldRules, ResponseField, ResponseFieldRules

RULES = FieldRules(identity_prefix=b"X-Gateway-")
PASSING = FieldRules(identity_prefix=b"X-Gateway-", pass_underscores=True)
BOTH = [RULES, PASSING]

IDENTITY = [
    b"X-Gateway-" + name
    for name in (
        b"Account-Id",
        b"Account-Kind",
        b"Integration-Id",
        b"Token-Id",
        b"Scopes",
        b"Route",
        b"Anything",
        b"",
    )
]
HOP_BY_HOP = [
    b"Keep-Alive",
    b"TE",
    b"Trailer",
    b"Proxy-Connection",
    b"Proxy-Authorization",
    b"Proxy-Authenticate",
]
OVERRIDES = [
    *(b"X-HTTP-Method-Override", b"X-HTTP-Method", b"X-Method-Override", b"X-Original-URL"),
    b"X-Original-URI",
    *(b"X-Original-Method", b"X-Original-Host", b"X-Rewrite-URL"),
]
ADDRESSES = [
    *(b"Forwarded", b"X-Real-IP", b"X-Client-IP", b"True-Client-IP", b"X-Forwarded-Prefix"),
    b"X-Forwarded-Port",
    *(b"X-Forwarded-Server", b"X-Forwarded-User", b"X-Forwarded-Ssl", b"Proxy"),
]
OWN = {
    b"Host": Field.HOST,
    b"Content-Length": Field.CONTENT_LENGTH,
    b"Transfer-Encoding": Field.TRANSFER_ENCODING,
    b"Connection": Field.CONNECTION,
    b"Authorization": Field.AUTHORIZATION,
    b"Expect": Field.EXPECT,
    b"Upgrade": Field.UPGRADE,
    b"X-Request-Id": Field.REQUEST_ID,
    b"X-Forwarded-For": Field.FORWARDED_FOR,
    b"X-Forwarded-Proto": Field.FORWARDED_PROTO,
    b"X-Forwarded-Host": Field.FORWARDED_HOST,
    b"Version": Field.VERSION,
    b"Origin": Field.ORIGIN,
}
PASS = [
    *(b"Accept", b"Accept-Encoding", b"Content-Type", b"Cookie", b"User-Agent", b"X-Api-Key", b"Traceparent"),
    *(b"Sec-WebSocket-Key", b"Sec-WebSocket-Version", b"If-None-Match", b"Range", b"X-Gateway"),
    b"XGateway-Scopes",
    *(b"X-My-Gateway-Scopes", b"Idempotency-Key", b"Content-Encoding", b"Cache-Control", b"Originator"),
    b"Versions",
    *(b"X-Forwarded", b"X.Y", b"!#$%&'*+.^`|~", b"0", b"Hostname", b"X-Request-Id-2"),
]


def spellings(name: bytes) -> set[bytes]:
    """One name in every mix of dashes and their look-alikes, in four cases."""
    joints = name.count(b"-")
    parts = name.split(b"-")
    mixed = {
        b"".join(part + joint for part, joint in zip(parts, (*joiners, b""), strict=True))
        for joiners in product((b"-", b"_", b"."), repeat=joints)
    }
    return {form for one in mixed for form in (one, one.lower(), one.upper(), one.swapcase())}


def test_every_kind_of_field_of_ours_is_in_this_table() -> None:
    assert set(OWN.values()) | {Field.KEEP, Field.DROP, Field.INVALID} == set(Field)


@pytest.mark.parametrize("rules", BOTH)
@pytest.mark.parametrize("name", [*IDENTITY, *HOP_BY_HOP, *OVERRIDES, *ADDRESSES])
def test_it_stops_here_in_every_spelling(rules: FieldRules, name: bytes) -> None:
    assert {rules.judge(spelling) for spelling in spellings(name)} == {Field.DROP}


@pytest.mark.parametrize("rules", BOTH)
@pytest.mark.parametrize("name", list(OWN))
def test_a_field_of_ours_is_known_in_any_case_and_its_look_alikes_stop_here(
    rules: FieldRules, name: bytes
) -> None:
    for spelling in spellings(name):
        expected = OWN[name] if spelling.lower() == name.lower() else Field.DROP
        assert rules.judge(spelling) is expected, spelling


@pytest.mark.parametrize("joint", [bytes([code]) for code in b"!#$%&'*+.^_`|~"])
def test_every_character_that_some_server_takes_for_a_dash_is_one(joint: bytes) -> None:
    """FastCGI servers and PHP make one variable name of them all."""
    for name in (b"X-Gateway-Scopes", b"X-Original-URL", b"Content-Length", b"X-HTTP-Method-Override"):
        assert PASSING.judge(name.replace(b"-", joint)) is Field.DROP
        assert PASSING.judge(name.replace(b"-", joint, 1)) is Field.DROP


@pytest.mark.parametrize("rules", BOTH)
@pytest.mark.parametrize("name", PASS)
def test_everything_else_travels(rules: FieldRules, name: bytes) -> None:
    for spelling in (name, name.lower(), name.upper()):
        assert rules.judge(spelling) is Field.KEEP


@pytest.mark.parametrize("name", [b"api_key", b"X_Y", b"_", b"a_", b"X-Trace_Id"])
def test_a_name_with_an_underscore_travels_only_where_it_is_permitted(name: bytes) -> None:
    assert RULES.judge(name) is Field.DROP
    assert PASSING.judge(name) is Field.KEEP


@pytest.mark.parametrize(
    "name",
    [
        *(b"", b" ", b"a b", b"a\t", b" a", b"a ", b"a:", b"a\0", b"a\r", b"a\n", b"a\r\nb", b"\xe9"),
        *(b"a\x7f", b"a(b)"),
        *(b"a/b", b"a@b", b"a[0]", b'a"', b"a,b", b"a;b", b"a=b", b"a{b}", b"X-Gateway-Scopes "),
        b"X-Gateway-Scopes\0",
        *(b"Content-Length\x0b", b"Transfer-Encoding\xa0", b"\xef\xbb\xbfHost"),
    ],
)
def test_what_is_no_name_is_never_guessed_at(name: bytes) -> None:
    assert RULES.judge(name) is Field.INVALID
    assert PASSING.judge(name) is Field.INVALID
    assert ResponseFieldRules().judge(name) is ResponseField.INVALID


@pytest.mark.parametrize("prefix", [b"X-Gateway-", b"x-gateway-", b"X_GATEWAY_", b"X-GATEWAY_"])
def test_the_prefix_may_be_configured_in_any_spelling(prefix: bytes) -> None:
    rules = FieldRules(identity_prefix=prefix)
    assert {rules.judge(spelling) for spelling in spellings(b"X-Gateway-Account-Id")} == {Field.DROP}


def test_another_prefix_protects_its_own_names() -> None:
    rules = FieldRules(identity_prefix=b"Acme-", pass_underscores=True)
    assert rules.judge(b"acme_account.id") is Field.DROP
    assert rules.judge(b"X-Gateway-Scopes") is Field.KEEP
    assert rules.judge(b"Acme") is Field.KEEP


@given(st.binary(max_size=40), st.booleans())
def test_nothing_reaches_an_upstream_that_it_could_read_as_ours(name: bytes, pass_underscores: bool) -> None:
    """An oracle: what a CGI variable of the name would be called."""
    rules = FieldRules(identity_prefix=b"X-Gateway-", pass_underscores=pass_underscores)
    kind = rules.judge(name)
    assert rules.judge(name) is kind
    assert (kind is Field.INVALID) == (TOKEN.fullmatch(name) is None)
    if kind is Field.KEEP:
        variable = re.sub(rb"[^A-Z0-9]", b"_", name.upper())
        assert not variable.startswith(
            (b"X_GATEWAY_", b"PROXY_", b"X_FORWARDED_", b"X_ORIGINAL_", b"X_HTTP_METHOD")
        )
        assert variable not in {own.upper().replace(b"-", b"_") for own in OWN} - {b"VERSION", b"ORIGIN"}


def test_the_memory_of_names_is_bounded_in_number_and_in_bytes() -> None:
    rules, answers = FieldRules(identity_prefix=b"X-Gateway-"), ResponseFieldRules()
    for number in range(10_000):
        rules.judge(b"x-%d" % number)
        answers.judge(b"x-%d" % number)
        rules.judge(b"x-%d-" % number + b"a" * 8000)
        answers.judge(b"x-%d-" % number + b"a" * 8000)
    for known in (rules.known, answers.known):
        assert 0 < len(known) <= 4096
        assert max(map(len, known)) <= 64
    assert rules.judge(b"X-Gateway-" + b"a" * 8000) is Field.DROP
    assert rules.judge(b"Host") is Field.HOST


def test_a_name_that_is_remembered_is_judged_the_same_again() -> None:
    rules = FieldRules(identity_prefix=b"X-Gateway-")
    for name in [*IDENTITY, *OWN, *PASS]:
        assert rules.judge(name) is rules.judge(name) is rules.known[name]


RESPONSES = {
    b"Content-Length": ResponseField.CONTENT_LENGTH,
    b"Transfer-Encoding": ResponseField.TRANSFER_ENCODING,
    b"Connection": ResponseField.CONNECTION,
    b"Upgrade": ResponseField.UPGRADE,
    **dict.fromkeys(
        [b"X-Request-Id", b"Keep-Alive", b"Proxy-Connection", b"Proxy-Authenticate", b"TE", b"Trailer"],
        ResponseField.DROP,
    ),
    **dict.fromkeys(
        [
            *(b"Set-Cookie", b"Location", b"ETag", b"Date", b"Server", b"Content-Type", b"Content-Encoding"),
            b"Vary",
            *(b"WWW-Authenticate", b"X_Y", b"X.Y", b"Retry-After", b"Sec-WebSocket-Accept"),
            b"X-RateLimit-Max",
        ],
        ResponseField.KEEP,
    ),
}


@pytest.mark.parametrize("name", list(RESPONSES))
def test_a_response_field_travels_unless_it_is_about_the_connection(name: bytes) -> None:
    rules = ResponseFieldRules()
    for spelling in (name, name.lower(), name.upper()):
        assert rules.judge(spelling) is RESPONSES[name]
