"""Credentials: one Authorization field with one bearer token, and nothing from anywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from gateway.core.tokens import mint
from tests.conformance.case import LANE, NEXT, TOKEN, Case, Kind
from tests.conformance.cases.writing import case
from tests.conformance.expect import denied, forwarded, in_turn_denied, nothing_arrives, refused
from tests.conformance.messages import AUTH, HOST, ITEM, NEXT_REQUEST, bare, lines

_case = partial(case, Kind.CREDENTIAL)
_FLIPPED: Final = TOKEN[:-1] + b"*"
_NEVER_ISSUED: Final = mint("pit", bytes(32)).encode("ascii")

_GOOD: Final = {
    "plain": b"Bearer " + TOKEN,
    "lower": b"bearer " + TOKEN,
    "upper": b"BEARER " + TOKEN,
    "mixed": b"bEaReR " + TOKEN,
    "blanks-before": b"   Bearer " + TOKEN,
    "tab-before": b"\tBearer " + TOKEN,
    "blanks-between": b"Bearer   " + TOKEN,
    "blanks-behind": b"Bearer " + TOKEN + b"   ",
    "tab-behind": b"Bearer " + TOKEN + b"\t",
    "blank-and-tab-behind": b"Bearer " + TOKEN + b" \t ",
}
_MALFORMED: Final = {
    "empty": b"",
    "scheme-only": b"Bearer",
    "scheme-blank": b"Bearer ",
    "token-only": TOKEN,
    "no-blank": b"Bearer" + TOKEN,
    "colon": b"Bearer: " + TOKEN,
    "colon-tight": b"Bearer:" + TOKEN,
    "equals": b"Bearer=" + TOKEN,
    "comma": b"Bearer, " + TOKEN,
    "comma-behind": b"Bearer " + TOKEN + b",",
    "list-equal": b"Bearer " + TOKEN + b", Bearer " + TOKEN,
    "list-basic": b"Bearer " + TOKEN + b", Basic dTpw",
    "list-basic-first": b"Basic dTpw, Bearer " + TOKEN,
    "two-tokens": b"Bearer " + TOKEN + b" " + TOKEN,
    "second-word": b"Bearer " + TOKEN + b" x",
    "semicolon": b"Bearer " + TOKEN + b"; a=b",
    "quoted": b'Bearer "' + TOKEN + b'"',
    "single-quoted": b"Bearer '" + TOKEN + b"'",
    "angle": b"Bearer <" + TOKEN + b">",
    "scheme-twice": b"Bearer Bearer " + TOKEN,
    "basic": b"Basic dTpw",
    "basic-token": b"Basic " + TOKEN,
    "basic-encoded-token": b"Basic cGl0Xw==",
    "token-scheme": b"Token " + TOKEN,
    "digest": b'Digest username="a"',
    "negotiate": b"Negotiate abc",
    "bearer-misspelt": b"Bearerx " + TOKEN,
    "bearer-short": b"Beare " + TOKEN,
    "x-bearer": b"X-Bearer " + TOKEN,
    "auth-param": b'Bearer token="' + TOKEN + b'"',
    "one-more": b"Bearer " + TOKEN + b"0",
    "one-less": b"Bearer " + TOKEN[:-1],
    "one-before": b"Bearer 0" + TOKEN,
    "padding": b"Bearer " + TOKEN + b"=",
    "newline-escape": b"Bearer " + TOKEN + b"%0a",
    "upper-prefix": b"Bearer PIT_" + TOKEN[4:],
    "no-prefix": b"Bearer " + TOKEN[4:],
    "admin-prefix": b"Bearer adm_" + TOKEN[4:],
    "wrong-checksum": b"Bearer " + _NEVER_ISSUED[:-6] + b"zzzzzz",
    "star-behind": b"Bearer " + _FLIPPED,
    "percent": b"Bearer pit%5F" + TOKEN[4:],
    "high-byte-behind": b"Bearer " + TOKEN + b"\xff",
    "high-byte-before": b"Bearer \xa0" + TOKEN,
    "nbsp-between": b"Bearer\xa0" + TOKEN,
    "utf-8-blank": "Bearer\u2003".encode() + TOKEN,
    "utf-8-word": "Bearer größe".encode(),
    "emoji": "Bearer 🎟🎟🎟".encode(),
    "latin-1": b"Bearer caf\xe9",
    "sql": b"Bearer ' OR '1'='1",
    "sql-null": b"Bearer null",
    "true": b"Bearer true",
    "undefined": b"Bearer undefined",
    "brackets": b"Bearer {token}",
    "jwt-none": b"Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
    "257-bytes": b"Bearer " + b"a" * 257,
    "4k": b"Bearer " + b"a" * 4096,
    "dots": b"Bearer ........",
    "line-separator": "Bearer \u2028".encode() + TOKEN,
}
_CONTROLS: Final = {
    "nul-behind": b"Bearer " + TOKEN + b"\0",
    "nul-and-more": b"Bearer " + TOKEN + b"\0evil",
    "nul-before": b"Bearer \0" + TOKEN,
    "nul-inside": b"Bearer " + TOKEN[:20] + b"\0" + TOKEN[20:],
    "bell-behind": b"Bearer " + TOKEN + b"\x07",
    "delete-behind": b"Bearer " + TOKEN + b"\x7f",
    "vertical-tab": b"Bearer\x0b" + TOKEN,
    "bare-cr": b"Bearer " + TOKEN + b"\rX-A: b",
    "bare-lf": b"Bearer\n " + TOKEN,
    "folded": b"Bearer\r\n " + TOKEN,
    "folded-behind": b"Bearer " + TOKEN + b"\r\n x",
}
_ELSEWHERE: Final = {
    "query": (b"/@@/items/1?access_token=" + TOKEN, ()),
    "query-token": (b"/@@/items/1?token=" + TOKEN, ()),
    "query-authorization": (b"/@@/items/1?authorization=Bearer%20" + TOKEN, ()),
    "cookie": (ITEM, (b"Cookie: access_token=" + TOKEN,)),
    "cookie-authorization": (ITEM, (b"Cookie: Authorization=Bearer " + TOKEN,)),
    "proxy-authorization": (ITEM, (b"Proxy-Authorization: Bearer " + TOKEN,)),
    "x-authorization": (ITEM, (b"X-Authorization: Bearer " + TOKEN,)),
    "x-auth-token": (ITEM, (b"X-Auth-Token: " + TOKEN,)),
    "x-api-key": (ITEM, (b"X-Api-Key: " + TOKEN,)),
    "token-field": (ITEM, (b"Token: " + TOKEN,)),
    "x-forwarded-authorization": (ITEM, (b"X-Forwarded-Authorization: Bearer " + TOKEN,)),
    "x-original-authorization": (ITEM, (b"X-Original-Authorization: Bearer " + TOKEN,)),
    "authorization-dot": (ITEM, (b"Authorization.: Bearer " + TOKEN,)),
    "websocket-protocol": (ITEM, (b"Sec-WebSocket-Protocol: bearer, " + TOKEN,)),
    "identity": (ITEM, (b"X-Gateway-Token-Id: evil", b"X-Gateway-Account-Id: evil")),
}


def cases() -> Iterator[Case]:
    """All of them."""
    for name, value in _GOOD.items():
        loose = name != "plain"
        yield _case(
            f"good/{name}", _with(value), forwarded(target=ITEM, lacks=(b"Authorization",), optional=loose)
        )
    yield _case(
        "good/no-blank-after-colon",
        lines(b"GET " + ITEM + b" HTTP/1.1", HOST, b"Authorization:Bearer " + TOKEN),
        forwarded(target=ITEM, optional=True),
    )
    for spelling in (b"authorization", b"AUTHORIZATION", b"aUTHORIZATION"):
        yield _case(
            f"good/name-{spelling.decode()}",
            bare(HOST, spelling + b": Bearer " + TOKEN),
            forwarded(lacks=(b"Authorization",)),
        )
    yield _case("missing", bare(HOST), denied(401, "token_missing"))
    yield _case(
        "missing-then-next", bare(HOST) + NEXT_REQUEST, in_turn_denied(401, NEXT), methods=("GET", "GET")
    )
    for name, value in _MALFORMED.items():
        yield _case(f"malformed/{name}", _with(value), denied(401, "token_malformed"))
    yield _case("never-issued", _with(b"Bearer " + _NEVER_ISSUED), denied(401, "token_unknown"))
    yield _case("malformed/10k", _with(b"Bearer " + b"a" * 10_240), refused(401, 431, closes=False))
    for name, value in _CONTROLS.items():
        expectation = refused(400)
        if name.startswith("nul"):
            # Not the token that was issued, and so nobody's.
            expectation = replace(expectation, safety=nothing_arrives)
        yield _case(f"control/{name}", _with(value), expectation)
    yield _case("several/equal", bare(HOST, AUTH, AUTH), denied(401, "token_malformed", own_rule=True))
    yield _case(
        "several/basic-second",
        bare(HOST, AUTH, b"Authorization: Basic dTpw"),
        denied(401, "token_malformed", own_rule=True),
    )
    yield _case(
        "several/basic-first",
        bare(HOST, b"Authorization: Basic dTpw", AUTH),
        denied(401, "token_malformed", own_rule=True),
    )
    yield _case(
        "several/empty-second",
        bare(HOST, AUTH, b"Authorization:"),
        denied(401, "token_malformed", own_rule=True),
    )
    yield _case(
        "several/lower-second",
        bare(HOST, AUTH, b"authorization: Bearer x"),
        denied(401, "token_malformed", own_rule=True),
    )
    yield _case(
        "several/three",
        bare(HOST, AUTH, b"X-A: b", AUTH, b"X-B: c", AUTH),
        denied(401, "token_malformed", own_rule=True),
    )
    look_alike = forwarded(lacks=(b"Authorization_", b"Authorization"), optional=True)
    yield _case("several/look-alike", bare(HOST, AUTH, b"Authorization_: Bearer evil"), look_alike)
    for name, (target, fields) in _ELSEWHERE.items():
        yield _case(f"elsewhere/{name}", bare(HOST, *fields, target=target), denied(401, "token_missing"))
    form = b"access_token=" + TOKEN
    fields = (HOST, b"Content-Type: application/x-www-form-urlencoded", b"Content-Length: %d" % len(form))
    yield _case("elsewhere/form", bare(*fields, method=b"POST", body=form), denied(401, "token_missing"))
    trailer = b"0\r\nAuthorization: Bearer " + TOKEN + b"\r\n\r\n"
    data = bare(HOST, b"Transfer-Encoding: chunked", b"Trailer: Authorization", method=b"POST", body=trailer)
    yield _case("elsewhere/trailer", data, denied(401, "token_missing"))
    yield _case("elsewhere/userinfo", bare(b"Host: " + TOKEN + b"@gateway.test"), refused(400))
    yield from _each_request()


def _each_request() -> Iterator[Case]:
    """Every request is authorised, never a connection."""
    good = bare(HOST, AUTH)
    yield _case(
        "each/second-without",
        good + bare(HOST, target=NEXT),
        in_turn_denied(401, ITEM, denied_at=1),
        methods=("GET", "GET"),
    )
    second = bare(HOST, b"Authorization: Bearer x", target=NEXT)
    yield _case(
        "each/second-malformed", good + second, in_turn_denied(401, ITEM, denied_at=1), methods=("GET", "GET")
    )
    second = bare(HOST, AUTH, target=LANE + b"/admin/1")
    yield _case(
        "each/second-forbidden", good + second, in_turn_denied(403, ITEM, denied_at=1), methods=("GET", "GET")
    )
    public = bare(HOST, target=LANE + b"/public/ping")
    yield _case(
        "each/public-then-without",
        public + bare(HOST),
        in_turn_denied(401, LANE + b"/public/ping", denied_at=1),
        methods=("GET", "GET"),
    )
    yield _case(
        "each/nominated",
        bare(HOST, AUTH, b"Connection: Authorization"),
        forwarded(lacks=(b"Authorization",), optional=True),
    )
    yield _case(
        "each/not-forwarded-on-public",
        bare(HOST, AUTH, target=LANE + b"/public/ping"),
        forwarded(identity=False, lacks=(b"Authorization",)),
    )


def _with(value: bytes) -> bytes:
    return bare(HOST, b"Authorization: " + value)
