"""Paths: what was matched is what is forwarded, and whatever two servers may read differently is refused."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from tests.conformance.case import Case, Kind
from tests.conformance.cases.writing import case
from tests.conformance.expect import denied, forwarded, refused
from tests.conformance.messages import HOST, ITEM, bare, request

_case = partial(case, Kind.PATH)

# Behind `/@@/items/`, unless it begins with a slash.
_REFUSED: Final = {
    "empty/double-slash": b"/@@//items/1",
    "empty/inside": b"/@@/items//1",
    "empty/end": b"/@@/items/1//",
    "empty/triple": b"/@@/items///1",
    "empty/admin": b"/@@//admin/1",
    "dot/single": b"/@@/./items/1",
    "dot/single-end": b".",
    "dot/single-end-slash": b"./",
    "dot/double-end": b"..",
    "dot/double-end-slash": b"../",
    "dot/up-to-admin": b"../admin/1",
    "dot/up-and-back": b"../items/1",
    "dot/from-admin": b"/@@/admin/../items/1",
    "dot/above-root": b"/../../@@/items/1",
    "dot/above-root-deep": b"/@@/items/../../../../etc/passwd",
    "dot/encoded-both": b"%2e%2e/admin/1",
    "dot/encoded-upper": b"%2E%2E/admin/1",
    "dot/encoded-first": b"%2e./admin/1",
    "dot/encoded-second": b".%2e/admin/1",
    "dot/encoded-single": b"%2e/1",
    "dot/encoded-end": b"%2e%2e",
    "dot/double-encoded": b"%252e%252e/admin/1",
    "dot/overlong-utf-8": b"%c0%ae%c0%ae%2fadmin",
    "dot/parameter": b"..;/admin/1",
    "dot/parameter-value": b"..;a=b/admin/1",
    "dot/parameter-single": b".;/1",
    "dot/encoded-parameter": b"..%3b/admin/1",
    "dot/backslash": b"..\\admin\\1",
    "dot/encoded-backslash": b"..%5cadmin%5c1",
    "dot/nul": b"..%00/admin/1",
    "slash/encoded": b"a%2Fb",
    "slash/encoded-lower": b"a%2fb",
    "slash/encoded-first": b"%2Fb",
    "slash/encoded-last": b"a%2F",
    "slash/encoded-up": b"..%2Fadmin%2F1",
    "slash/encoded-up-lower": b"..%2fadmin%2f1",
    "slash/encoded-dots": b"%2e%2e%2fadmin%2f1",
    "slash/as-separator": b"/@@%2Fitems%2F1",
    "slash/after-root": b"/%2F@@/items/1",
    "slash/admin-hidden": b"/@@/admin%2F..%2Fitems/1",
    "slash/from-admin": b"/@@/admin/..%2Fitems/1",
    "backslash/raw": b"a\\b",
    "backslash/raw-first": b"\\b",
    "backslash/raw-as-separator": b"/@@\\items\\1",
    "backslash/encoded": b"a%5Cb",
    "backslash/encoded-lower": b"a%5cb",
    "backslash/encoded-up": b"..%5C..%5Cadmin",
    "semicolon/raw": b"1;a=b",
    "semicolon/raw-empty": b"1;",
    "semicolon/raw-first": b";1",
    "semicolon/session": b"1;jsessionid=abc",
    "semicolon/in-literal": b"/@@/items;a=b/1",
    "semicolon/in-first": b"/@@;a/items/1",
    "semicolon/encoded": b"1%3Ba=b",
    "semicolon/encoded-lower": b"1%3b",
    "question/encoded": b"1%3Fa=b",
    "question/encoded-lower": b"1%3f",
    "question/encoded-up": b"1%3F/../../admin/1",
    "hash/encoded": b"1%23a",
    "hash/encoded-up": b"1%23/../../admin/1",
    "nul/encoded": b"1%00",
    "nul/encoded-first": b"%001",
    "nul/encoded-extension": b"1%00.json",
    "nul/encoded-in-literal": b"/@@/items%00/1",
    "control/lf": b"1%0a",
    "control/cr": b"1%0d",
    "control/crlf-header": b"1%0d%0aX-A:%20b",
    "control/tab": b"1%09",
    "control/bell": b"1%07",
    "control/escape": b"1%1b",
    "control/unit-separator": b"1%1F",
    "control/delete": b"1%7f",
    "control/vertical-tab": b"1%0b",
    "double/slash": b"a%252fb",
    "double/slash-upper": b"a%252Fb",
    "double/dot": b"%252e",
    "double/nul": b"1%2500",
    "double/letter": b"%2541",
    "double/percent": b"%2525",
    "double/triple": b"%25252f",
    "double/split-percent": b"%25%32%66",
    "double/split-first": b"%252%66",
    "double/split-second": b"%25%32f",
    "invalid/percent-end": b"1%",
    "invalid/percent-one": b"1%4",
    "invalid/percent-word": b"1%zz",
    "invalid/percent-half": b"1%2g",
    "invalid/percent-percent": b"1%%41",
    "invalid/percent-u": b"%u0041",
    "invalid/percent-u-slash": b"%u002f",
    "invalid/percent-blank": b"1%+2",
    "invalid/percent-minus": b"1%-1",
    "invalid/quote": b'a"b',
    "invalid/less": b"a<b",
    "invalid/greater": b"a>b",
    "invalid/bracket-open": b"a[b",
    "invalid/bracket-close": b"a]b",
    "invalid/brace-open": b"a{b",
    "invalid/brace-close": b"a}b",
    "invalid/template": b"{id}",
    "invalid/pipe": b"a|b",
    "invalid/caret": b"a^b",
    "invalid/backtick": b"a`b",
}
# What came, and what is forwarded.
_REWRITTEN: Final = {
    "letter": (b"%41", b"A"),
    "lower-letter": (b"%61", b"a"),
    "digit": (b"%31", b"1"),
    "tilde": (b"%7E", b"~"),
    "tilde-lower": (b"%7e", b"~"),
    "hyphen": (b"a%2Db", b"a-b"),
    "underscore": (b"a%5Fb", b"a_b"),
    "dot-inside": (b"a%2Eb", b"a.b"),
    "dots-inside": (b"a%2e%2eb", b"a..b"),
    "three-dots": (b"%2e%2e%2e", b"..."),
    "word": (b"%61%62%63", b"abc"),
    "hex-upper": (b"%c3%a9", b"%C3%A9"),
    "hex-mixed": (b"%C3%a9", b"%C3%A9"),
    "mixture": (b"%41%c3%a9%20", b"A%C3%A9%20"),
}
_UNCHANGED: Final = (
    *(b"a%cb" % bytes((code,)) for code in b"-._~!$&'()*+,=:@"),
    *(b"a%%%02Xb" % code for code in b"!$&'()*+,:=@ \"<>[]^`{|}"),
    b"%C3%A9", b"%E2%82%AC", b"%F0%9F%8E%9F", b"%FF", b"%A0", b"%80", b"%C0%80", b"%25", b"100%25", b"%25zz", b"%C2%A0",
    b"%20", b"a%20b", b"a+b", b"~", b"-", b"_", b"...", b"....", b"a.", b".a", b"..a", b"a..", b"a..b", b".a.", b"-.-",
    b"a.json", b"1.0", b"@me", b":id", b"a:b", b"a=b", b"a&b", b"(a)", b"'a'", b"*", b"!", b"$", b",", b"a,b,c", b"=", b"a" * 2000,
    b"ocQHyuzHvysMo5N5VsXc", b"user@example.com", b"2021-07-28T00:00:00Z", b"urn:a:b", b"%7Bid%7D",
)  # fmt: skip
_QUERIES: Final = (
    b"?", b"?a=b", b"?a=b&a=c", b"??", b"?a?b", b"?%2F", b"?%2f%2e%2E", b"?..", b"?../../admin", b"?//", b"?a=//b", b"?a=/../b",
    b"?%00", b"?%0d%0a", b"?%", b"?%zz", b"?%4", b"?%2541", b"?;", b"?a;b=c", b"?a\\b", b"?a|b", b"?a^b", b"?a`b", b"?{a}", b"?[a]",
    b"?a[]=b", b'?"a"', b"?<a>", b"?'", b"?~", b"?+", b"?a+b", b"?%20", b"?%41", b"?%c3%a9", b"?@", b"?:", b"?http://evil.test/",
    b"?a=b?c=d", b"?&&&", b"?=", b"?a=" + b"b" * 4000,
)  # fmt: skip


def cases() -> Iterator[Case]:
    """All of them."""
    for name, tail in _REFUSED.items():
        target = tail if tail.startswith(b"/") else b"/@@/items/" + tail
        yield _case(name, request(target=target), refused(400, closes=False, code="path_refused"))
    for name, (came, sent) in _REWRITTEN.items():
        served = forwarded(target=b"/@@/items/" + sent, rewritten=True)
        yield _case(f"rewritten/{name}", request(target=b"/@@/items/" + came), served)
    yield _case("rewritten/literal", request(target=b"/@@/%69tems/1"), forwarded(target=ITEM, optional=True))
    yield _case("rewritten/literal-admin", request(target=b"/@@/%61dmin/1"), denied(403, "account_kind"))
    for segment in dict.fromkeys(_UNCHANGED):
        target = b"/@@/items/" + segment
        yield _case(f"unchanged/{segment.decode()[:40]}", request(target=target), forwarded(target=target))
    for query in _QUERIES:
        target = ITEM + query
        yield _case(f"query/{query.decode()[:40]}", request(target=target), forwarded(target=target))
    yield from _matching()


def _matching() -> Iterator[Case]:
    with_route = forwarded(target=b"/@@/items/1/", has=((b"X-Gateway-Route", b"/@@/items/{id}"),))
    yield _case("match/trailing-slash-added", request(target=b"/@@/items/1/"), with_route)
    with_route = forwarded(target=b"/@@/lists", has=((b"X-Gateway-Route", b"/@@/lists/"),))
    yield _case("match/trailing-slash-left-out", request(target=b"/@@/lists"), with_route)
    yield _case(
        "match/trailing-slash-as-mapped", request(target=b"/@@/lists/"), forwarded(target=b"/@@/lists/")
    )
    yield _case(
        "match/trailing-slash-query", request(target=b"/@@/lists?a/"), forwarded(target=b"/@@/lists?a/")
    )
    yield _case(
        "match/two-parameters", request(target=b"/@@/deep/1/x/2"), forwarded(target=b"/@@/deep/1/x/2")
    )
    yield _case(
        "match/unauthenticated-unknown", bare(HOST, target=b"/@@/nothing"), denied(401, "token_missing")
    )
    yield _case(
        "match/unauthenticated-refused-path", bare(HOST, target=b"/@@/a//b"), refused(400, closes=False)
    )
    for name, target in (
        ("case-of-literal", b"/@@/Items/1"),
        ("case-of-all", b"/@@/ITEMS/1"),
        ("longer", b"/@@/items/1/2"),
        ("shorter", b"/@@/items"),
        ("shorter-slash", b"/@@/items/"),
        ("prefix-of-literal", b"/@@/item/1"),
        ("literal-with-more", b"/@@/items2/1"),
        ("parameter-over-two", b"/@@/deep/1/2/x/3"),
        ("unknown", b"/@@/unknown"),
        ("encoded-delimiter", b"/@@/items%2C/1"),
        ("well-known", b"/.well-known/security.txt"),
        ("nbsp", b"/@@/items%C2%A0/1"),
        ("fullwidth-slash", b"/@@%EF%BC%8Fitems/1"),
    ):
        yield _case(f"match/{name}", request(target=target), denied(404, "route_unknown", own_rule=True))
    yield _case("match/other-kind", request(target=b"/@@/admin/1"), denied(403, "account_kind"))
    yield _case("match/other-kind-head", request(method=b"HEAD", target=b"/@@/admin/1"), denied(403, ""))
