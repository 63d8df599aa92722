"""Request lines and header lines: the grammar of a head, its versions, its line ends."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from tests.conformance.case import LANE, NEXT, Case, Kind, Settled, Trickle
from tests.conformance.cases.writing import case
from tests.conformance.expect import forwarded, in_turn, refused
from tests.conformance.messages import AUTH, HOST, ITEM, NEXT_REQUEST, bare, lines, request

_case = partial(case, Kind.FRAMING)
_REST: Final = HOST + b"\r\n" + AUTH + b"\r\n\r\n"

_BAD_LINES: Final = {
    "lower-case-http": b"GET /@@/items/1 http/1.1",
    "mixed-case-http": b"GET /@@/items/1 Http/1.1",
    "no-version-number": b"GET /@@/items/1 HTTP/",
    "version-1": b"GET /@@/items/1 HTTP/1",
    "version-1.10": b"GET /@@/items/1 HTTP/1.10",
    "version-01.1": b"GET /@@/items/1 HTTP/01.1",
    "version-1.1x": b"GET /@@/items/1 HTTP/1.1x",
    "version-1,1": b"GET /@@/items/1 HTTP/1,1",
    "version-minus": b"GET /@@/items/1 HTTP/-1.1",
    "version-blank": b"GET /@@/items/1 HTTP/1. 1",
    "version-blank-behind": b"GET /@@/items/1 HTTP/1.1 ",
    "version-tab-behind": b"GET /@@/items/1 HTTP/1.1\t",
    "version-junk": b"GET /@@/items/1 HTTP/1.1 junk",
    "version-nul": b"GET /@@/items/1 HTTP/1.1\0",
    "https-version": b"GET /@@/items/1 HTTPS/1.1",
    "icy": b"GET /@@/items/1 ICY/1.1",
    "rtsp": b"GET /@@/items/1 RTSP/1.0",
    "blank-before": b" GET /@@/items/1 HTTP/1.1",
    "tab-before": b"\tGET /@@/items/1 HTTP/1.1",
    "two-blanks-first": b"GET  /@@/items/1 HTTP/1.1",
    "two-blanks-second": b"GET /@@/items/1  HTTP/1.1",
    "tab-first": b"GET\t/@@/items/1 HTTP/1.1",
    "tab-second": b"GET /@@/items/1\tHTTP/1.1",
    "vertical-tab": b"GET /@@/items/1\x0bHTTP/1.1",
    "form-feed": b"GET\x0c/@@/items/1 HTTP/1.1",
    "bare-cr-inside": b"GET /@@/items/1\rHTTP/1.1",
    "bare-cr-behind": b"GET /@@/items/1 HTTP/1.1\r",
    "nul-in-method": b"GE\0T /@@/items/1 HTTP/1.1",
    "method-with-colon": b"GET: /@@/items/1 HTTP/1.1",
    "method-with-slash": b"GE/T /@@/items/1 HTTP/1.1",
    "method-high-byte": b"G\xc3\x89T /@@/items/1 HTTP/1.1",
    "method-quoted": b'"GET" /@@/items/1 HTTP/1.1',
    "method-empty": b" /@@/items/1 HTTP/1.1",
    "http-0.9": b"GET /@@/items/1",
    "only-method": b"GET",
    "only-target": b"/@@/items/1 HTTP/1.1",
    "response-line": b"HTTP/1.1 200 OK",
    "tls-hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "proxy-protocol": b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\nGET /@@/items/1 HTTP/1.1",
    "junk": b"hello",
}
_VERSIONS: Final = {
    "1.2": (b"HTTP/1.2", (505,)),
    "1.9": (b"HTTP/1.9", (505,)),
    "0.9": (b"HTTP/0.9", (505,)),
    "2.0": (b"HTTP/2.0", (505,)),
    "3.0": (b"HTTP/3.0", (505,)),
    "9.9": (b"HTTP/9.9", (505,)),
}
_BAD_FIELDS: Final = {
    "no-colon": b"X-A",
    "no-name": b": b",
    "blank-name": b" : b",
    "blank-in-name": b"X A: b",
    "blank-before-colon": b"X-A : b",
    "tab-before-colon": b"X-A\t: b",
    "blank-before-name": b" X-A: b",
    "tab-before-name": b"\tX-A: b",
    "folded-blank": b"X-A: b\r\n c",
    "folded-tab": b"X-A: b\r\n\tc",
    "folded-empty": b"X-A: b\r\n \r\nX-B: c",
    "folded-first-empty": b"X-A:\r\n b",
    "folded-identity": b"X-A: b\r\n X-Gateway-Account-Id: evil",
    "nul-in-name": b"X-\0A: b",
    "nul-in-value": b"X-A: b\0c",
    "nul-only": b"X-A: \0",
    "bare-lf-end": b"X-A: b\nX-B: c",
    "bare-lf-identity": b"X-A: b\nX-Gateway-Account-Id: evil",
    "bare-cr-inside": b"X-A: b\rX-B: c",
    "bare-cr-identity": b"X-A: b\rX-Gateway-Account-Id: evil",
    "bare-cr-begin": b"X-A: \rb",
    "bare-cr-in-name": b"X-\rA: b",
    "cr-cr-lf": b"X-A: b\r\r\nX-B: c",
    "lf-cr": b"X-A: b\n\rX-B: c",
    "bell": b"X-A: b\x07",
    "escape": b"X-A: b\x1b[0m",
    "delete": b"X-A: b\x7f",
    "vertical-tab": b"X-A: b\x0bc",
    "form-feed": b"X-A: b\x0cc",
    "backspace": b"X-A: b\x08",
    "name-with-parentheses": b"X(A): b",
    "name-with-at": b"X@A: b",
    "name-with-bracket": b"X[A]: b",
    "name-with-brace": b"{X-A}: b",
    "name-with-slash": b"X/A: b",
    "name-with-backslash": b"X\\A: b",
    "name-with-comma": b"X,A: b",
    "name-with-semicolon": b"X;A: b",
    "name-with-equals": b"X=A: b",
    "name-with-question": b"X?A: b",
    "name-with-angle": b"X<A: b",
    "name-quoted": b'"X-A": b',
    "name-high-byte": b"X-\xe4: b",
    "name-utf-8": "X-Ä: b".encode(),
    "name-delete": b"X\x7fA: b",
    "name-of-http-line": b"GET /@@/items/hidden HTTP/1.1",
}
_GOOD_VALUES: Final = {
    "empty": b"",
    "utf-8": "grüß dich".encode(),
    "latin-1": b"caf\xe9",
    "emoji": "🎟".encode(),
    "tab-inside": b"a\tb",
    "colon": b"a:b",
    "commas": b"a, b,,c",
    "quotes": b'"a \\" b"',
    "percent": b"%0d%0aX-Gateway-Account-Id: x",
    "backslash": b"a\\b",
    "all-visible": bytes(range(0x21, 0x7F)),
    "all-high": bytes(range(0x80, 0x100)),
    "two-blanks": b"a  b",
    "4k": b"a" * 4096,
}


def cases() -> Iterator[Case]:
    """All of them."""
    for name, line in _BAD_LINES.items():
        statuses = (400, 405, 505) if name.startswith("version-") else (400,)
        yield _case(f"line/{name}", line + b"\r\n" + _REST, refused(*statuses))
    for name, (version, statuses) in _VERSIONS.items():
        yield _case(f"version/{name}", request(version=version), refused(*statuses))
    yield _case("version/http-2-preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", refused(400, 505))
    yield _case("version/1.0", request(version=b"HTTP/1.0"), forwarded(target=ITEM, closes=True))
    keep = request(b"Connection: keep-alive", version=b"HTTP/1.0")
    yield _case("version/1.0-keep-alive", keep + NEXT_REQUEST, in_turn(ITEM, NEXT), methods=("GET", "GET"))
    yield _case(
        "version/1.0-without-host",
        lines(b"GET /@@/items/1 HTTP/1.0", AUTH),
        forwarded(target=ITEM, closes=True),
    )
    yield _case("version/1.1-close", request(b"Connection: close"), forwarded(target=ITEM, closes=True))
    for name, field in _BAD_FIELDS.items():
        yield _case(f"field/{name}", request(field), refused(400))
        if name.startswith(("bare", "nul", "fold", "blank-b")):
            yield _case(
                f"field-first/{name}", lines(b"GET " + ITEM + b" HTTP/1.1", field, HOST, AUTH), refused(400)
            )
    for name, value in _GOOD_VALUES.items():
        yield _case(f"value/{name}", request(b"X-Kept: " + value), forwarded(has=((b"X-Kept", value),)))
    yield _case("value/blanks-around", request(b"X-Kept: \t a \t"), forwarded(has=((b"X-Kept", b"a"),)))
    twice = forwarded(has=((b"X-Kept", b"a"), (b"X-Kept", b"b"), (b"x-kept", b"c")))
    yield _case("value/repeats", request(b"X-Kept: a", b"x-kept: c", b"X-Kept: b"), twice)
    for odd in (b"X!#$%&'*+-.^`|~9", b"1", b"x-lower", b"X-UPPER"):
        yield _case(f"name/{odd.decode()}", request(odd + b": v"), forwarded(has=((odd, b"v"),)))
    yield from _line_ends()


def _line_ends() -> Iterator[Case]:
    whole = request(b"X-A: b")
    yield _case("line-end/lf-everywhere", whole.replace(b"\r\n", b"\n"), refused(400))
    yield _case("line-end/cr-everywhere", whole.replace(b"\r\n", b"\r") + b"\r\n\r\n", refused(400))
    yield _case("line-end/lf-after-request-line", whole.replace(b"\r\n", b"\n", 1), refused(400))
    yield _case("line-end/lf-lf-at-end", whole[:-4] + b"\n\n" + NEXT_REQUEST, refused(400))
    yield _case("line-end/crlf-lf-at-end", whole[:-2] + b"\n" + NEXT_REQUEST, refused(400))
    yield _case("line-end/lf-crlf-at-end", whole[:-4] + b"\n\r\n" + NEXT_REQUEST, refused(400))
    yield _case("line-end/crlf-cr-at-end", whole[:-2] + b"\r" + NEXT_REQUEST, refused(400))
    yield _case("line-end/cr-cr-lf-at-end", whole[:-2] + b"\r\r\n" + NEXT_REQUEST, refused(400))
    for count in (1, 2, 5):
        yield _case(
            f"line-end/{count}-empty-lines-before",
            b"\r\n" * count + whole,
            forwarded(target=ITEM, optional=True),
        )
    yield _case("line-end/lf-before", b"\n" + whole, refused(400))
    yield _case("line-end/cr-before", b"\r" + whole, refused(400))
    yield _case("line-end/nul-before", b"\0" + whole, refused(400))
    yield _case("line-end/bom-before", b"\xef\xbb\xbf" + whole, refused(400))
    between = whole + b"\r\n" + NEXT_REQUEST
    yield _case("line-end/empty-line-between", between, in_turn(ITEM, NEXT), methods=("GET", "GET"))
    yield _case("line-end/byte-by-byte", (Trickle(whole),), forwarded(target=ITEM))
    half = whole.index(b"\r\n", 40) + 1
    yield _case("line-end/split-in-crlf", (whole[:half], Settled(), whole[half:]), forwarded(target=ITEM))
    split = (whole[:-1], Settled(), whole[-1:])
    yield _case("line-end/split-before-last-lf", split, forwarded(target=ITEM))
    bad = request(b"X-A: b\nX-B: c")
    at = bad.index(b"\nX-B")
    yield _case("line-end/bare-lf-in-later-packet", (bad[:at], Settled(), bad[at:]), refused(400))
    bad = request(b"X-A: b\0c")
    at = bad.index(b"\0")
    yield _case("line-end/nul-in-later-packet", (bad[:at], Settled(), bad[at:]), refused(400))
    no_blank = lines(b"GET " + LANE + b"/items/1 HTTP/1.1", b"Host:gateway.test", AUTH)
    yield _case("line-end/no-blank-after-colon", no_blank, forwarded(target=ITEM))
    yield _case("line-end/no-fields-at-all", bare(), refused(400))
