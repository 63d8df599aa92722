"""Request targets in all their forms, methods, and the Host that goes with them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from tests.conformance.case import Case, Expectation, Kind, Observation, Problems
from tests.conformance.cases.writing import case
from tests.conformance.expect import denied, forwarded, in_time, refused
from tests.conformance.messages import AUTH, HOST, ITEM, bare, lines, request, sized

_case = partial(case, Kind.TARGET)

_AGREEING: Final = {
    "same": (b"http://gateway.test/@@/items/1", b"gateway.test"),
    "upper-scheme": (b"HTTP://gateway.test/@@/items/1", b"gateway.test"),
    "upper-host": (b"http://GATEWAY.test/@@/items/1", b"gateway.test"),
    "port": (b"http://gateway.test:8080/@@/items/1", b"gateway.test:8080"),
    "default-port-in-target": (b"http://gateway.test:80/@@/items/1", b"gateway.test"),
    "default-port-in-host": (b"http://gateway.test/@@/items/1", b"gateway.test:80"),
    "ipv6": (b"http://[::1]:8080/@@/items/1", b"[::1]:8080"),
}
_DISAGREEING: Final = {
    "other-host": (b"http://evil.test/@@/items/1", b"gateway.test"),
    "other-port": (b"http://gateway.test:81/@@/items/1", b"gateway.test"),
    "other-port-in-host": (b"http://gateway.test/@@/items/1", b"gateway.test:81"),
    "other-ports": (b"http://gateway.test:81/@@/items/1", b"gateway.test:82"),
    "subdomain": (b"http://a.gateway.test/@@/items/1", b"gateway.test"),
    "https": (b"https://gateway.test/@@/items/1", b"gateway.test"),
    "ftp": (b"ftp://gateway.test/@@/items/1", b"gateway.test"),
    "ws": (b"ws://gateway.test/@@/items/1", b"gateway.test"),
    "file": (b"file:///@@/items/1", b"gateway.test"),
    "javascript": (b"javascript://gateway.test/@@/items/1", b"gateway.test"),
    "userinfo": (b"http://user@gateway.test/@@/items/1", b"gateway.test"),
    "userinfo-password": (b"http://user:word@gateway.test/@@/items/1", b"gateway.test"),
    "userinfo-empty": (b"http://@gateway.test/@@/items/1", b"gateway.test"),
    "userinfo-hides-host": (b"http://gateway.test@evil.test/@@/items/1", b"gateway.test"),
    "userinfo-of-host": (b"http://evil.test@gateway.test/@@/items/1", b"evil.test@gateway.test"),
    "no-authority": (b"http:///@@/items/1", b"gateway.test"),
    "one-slash": (b"http:/@@/items/1", b"gateway.test"),
    "no-slash": (b"http:@@/items/1", b"gateway.test"),
    "backslashes": (b"http:\\\\gateway.test/@@/items/1", b"gateway.test"),
    "backslash-in-authority": (b"http://gateway.test\\@evil.test/@@/items/1", b"gateway.test"),
    "port-too-large": (b"http://gateway.test:99999/@@/items/1", b"gateway.test"),
    "port-word": (b"http://gateway.test:http/@@/items/1", b"gateway.test"),
    "port-negative": (b"http://gateway.test:-80/@@/items/1", b"gateway.test"),
    "escaped-host": (b"http://gateway%2Etest/@@/items/1", b"gateway.test"),
    "escaped-slash": (b"http://gateway.test%2f/@@/items/1", b"gateway.test"),
    "trailing-dot": (b"http://gateway.test./@@/items/1", b"gateway.test"),
    "empty-host": (b"http://gateway.test/@@/items/1", b""),
    "fragment": (b"http://gateway.test/@@/items/1#a", b"gateway.test"),
    "path-double-slash": (b"http://gateway.test//@@/items/1", b"gateway.test"),
}
_BAD_TARGETS: Final = {
    "asterisk": b"*",
    "asterisk-path": b"*/@@/items/1",
    "authority": b"gateway.test:80",
    "authority-without-port": b"gateway.test",
    "no-slash": b"@@/items/1",
    "double-slash": b"//gateway.test/@@/items/1",
    "double-slash-only": b"//",
    "triple-slash": b"///@@/items/1",
    "slash-backslash": b"/\\gateway.test/@@/items/1",
    "fragment": b"/@@/items/1#a",
    "fragment-in-query": b"/@@/items/1?a#b",
    "fragment-only": b"#",
    "fragment-admin": b"/@@/items/1#/../admin/1",
    "question-only": b"?a=b",
    "raw-blank": b"/@@/items/1 2",
    "raw-blank-query": b"/@@/items/1?a b",
    "raw-tab": b"/@@/items/1\t2",
    "raw-nul": b"/@@/items/1\0",
    "raw-nul-query": b"/@@/items/1?a=\0",
    "raw-bell": b"/@@/items/1\x07",
    "raw-escape": b"/@@/items/1\x1b",
    "raw-delete": b"/@@/items/1\x7f",
    "raw-utf-8": "/@@/items/ü".encode(),
    "raw-latin-1": b"/@@/items/\xfc",
    "raw-utf-8-query": "/@@/items/1?q=ü".encode(),
    "raw-high-query": b"/@@/items/1?q=\xff",
    "bare-cr": b"/@@/items/1\r2",
    "bare-lf": b"/@@/items/1\n2",
    "raw-bom": b"\xef\xbb\xbf/@@/items/1",
    "quoted": b'"/@@/items/1"',
    "angle": b"</@@/items/1>",
    "file": b"file:/etc/passwd",
    "windows": b"C:\\windows",
}
_BAD_HOSTS: Final = {
    "blank": b"gateway test",
    "list": b"gateway.test, evil.test",
    "list-tight": b"gateway.test,evil.test",
    "at": b"user@gateway.test",
    "slash": b"gateway.test/evil",
    "backslash": b"gateway.test\\evil",
    "question": b"gateway.test?a",
    "hash": b"gateway.test#a",
    "scheme": b"http://gateway.test",
    "two-colons": b"gateway.test:80:80",
    "port-word": b"gateway.test:http",
    "port-too-large": b"gateway.test:65536",
    "port-6-digits": b"gateway.test:000080",
    "port-negative": b"gateway.test:-1",
    "port-blank": b"gateway.test: 80",
    "colon-only": b":",
    "port-only": b":80",
    "quote": b'"gateway.test"',
    "angle": b"<gateway.test>",
    "pipe": b"gateway|test",
    "caret": b"gateway^test",
    "brace": b"{gateway.test}",
    "bracket-open": b"[::1",
    "bracket-close": b"::1]",
    "bracket-word": b"[gateway]",
    "bracket-empty": b"[]",
    "ipv6-bare": b"::1",
    "utf-8": "gätewäy.test".encode(),
    "high-byte": b"gateway\xff",
    "tab": b"gateway\ttest",
    "nul": b"gateway.test\0.evil.test",
    "control": b"gateway\x01test",
    "percent": b"gateway%test",
    "percent-short": b"gateway%4",
    "crlf-escape-raw": b"gateway.test\rX-A: b",
}
_GOOD_HOSTS: Final = {
    "name": b"gateway.test",
    "port": b"gateway.test:8080",
    "port-empty": b"gateway.test:",
    "port-zero": b"gateway.test:0",
    "port-leading-zero": b"gateway.test:00080",
    "ipv4": b"127.0.0.1",
    "ipv6": b"[::1]",
    "ipv6-port": b"[2001:db8::1]:443",
    "upper": b"GATEWAY.TEST",
    "trailing-dot": b"gateway.test.",
    "underscore": b"gate_way.test",
    "hyphen": b"a-b.test",
    "digits": b"1234",
    "long": b"a" * 200 + b".test",
    "punycode": b"xn--gtewy-bua.test",
}


def cases() -> Iterator[Case]:
    """All of them."""
    for name, (target, host) in _AGREEING.items():
        sent = bare(b"Host: " + host, AUTH, target=target)
        yield _case(
            f"absolute/{name}",
            sent,
            forwarded(target=ITEM, has=((b"X-Forwarded-Host", host),), rewritten=True),
        )
    yield _case(
        "absolute/query",
        request(target=b"http://gateway.test/@@/items/1?a=b"),
        forwarded(target=ITEM + b"?a=b", rewritten=True),
    )
    yield _case("absolute/no-path", request(target=b"http://gateway.test"), denied(404, "route_unknown"))
    yield _case(
        "absolute/no-path-query", request(target=b"http://gateway.test?a"), denied(404, "route_unknown")
    )
    for name, (target, host) in _DISAGREEING.items():
        sent = bare(b"Host: " + host, AUTH, target=target)
        closes = name != "path-double-slash"
        yield _case(f"absolute/{name}", sent, _refused_or_one(refused(400, closes=closes)))
    for name, target in _BAD_TARGETS.items():
        closes = not name.endswith("-slash") and name not in ("double-slash-only", "slash-backslash")
        yield _case(f"form/{name}", request(target=target), refused(400, closes=closes))
    yield _case("form/asterisk-options", request(method=b"OPTIONS", target=b"*"), refused(400))
    yield _case("form/empty", lines(b"GET  HTTP/1.1", HOST, AUTH), refused(400))
    yield _case("form/slash", request(target=b"/"), denied(404, "route_unknown"))
    yield from _methods()
    yield from _hosts()


def _methods() -> Iterator[Case]:
    for method in (b"CONNECT", b"TRACE"):
        label = method.decode("ascii").lower()
        yield _case(f"method/{label}", request(method=method), refused(405))
        yield _case(f"method/{label}-lower", request(method=method.lower()), _no_route())
        yield _case(
            f"method/{label}-authority", request(method=method, target=b"gateway.test:80"), refused(400, 405)
        )
        yield _case(f"method/{label}-with-body", sized(b"hello", method=method), refused(400, 405))
    yield _case(
        "method/connect-other-host", request(method=b"CONNECT", target=b"evil.test:443"), refused(400, 405)
    )
    for method in (
        b"get",
        b"Get",
        b"gET",
        b"GETT",
        b"GE",
        b"PROPFIND",
        b"M-SEARCH",
        b"X!",
        b"BREW",
        b"LINK",
        b"QUERY",
        b"A" * 60,
    ):
        yield _case(f"method/{method.decode('ascii')[:12]}", request(method=method), _no_route())
    yield _case("method/head", request(method=b"HEAD"), forwarded(method=b"HEAD", target=ITEM))
    yield _case("method/options", request(method=b"OPTIONS"), forwarded(method=b"OPTIONS", target=ITEM))
    yield _case("method/pri", request(method=b"PRI"), _refused_or_one(refused(400, 404, closes=False)))


def _no_route() -> Expectation:
    """A method that no route has, or that the parser does not know: nothing arrives."""
    return refused(404, 400, closes=False)


def _hosts() -> Iterator[Case]:
    yield _case("host/missing", bare(AUTH), refused(400))
    yield _case("host/missing-absolute", bare(AUTH, target=b"http://gateway.test/@@/items/1"), refused(400))
    yield _case("host/empty", bare(b"Host:", AUTH), refused(400))
    yield _case("host/twice-equal", bare(HOST, AUTH, HOST), refused(400))
    yield _case("host/twice-different", bare(HOST, AUTH, b"Host: evil.test"), refused(400))
    yield _case("host/twice-different-first", bare(b"Host: evil.test", HOST, AUTH), refused(400))
    yield _case("host/twice-lower", bare(HOST, AUTH, b"host: evil.test"), refused(400))
    yield _case("host/twice-empty", bare(HOST, AUTH, b"Host:"), refused(400))
    yield _case("host/twice-1.0", lines(b"GET " + ITEM + b" HTTP/1.0", HOST, HOST, AUTH), refused(400))
    yield _case("host/blank-before-colon", bare(b"Host : gateway.test", AUTH), refused(400))
    yield _case("host/folded", bare(b"Host:\r\n gateway.test", AUTH), refused(400))
    yield _case(
        "host/look-alike", bare(HOST, AUTH, b"Host_: evil.test"), forwarded(lacks=(b"Host_",), optional=True)
    )
    yield _case("host/first-line-blank", bare(b" Host: evil.test", HOST, AUTH), refused(400))
    for name, host in _BAD_HOSTS.items():
        yield _case(f"host-bad/{name}", bare(b"Host: " + host, AUTH), refused(400))
        if name in ("list", "at", "slash", "scheme", "port-word", "blank"):
            sent = lines(b"GET " + ITEM + b" HTTP/1.0", b"Host: " + host, AUTH)
            yield _case(f"host-bad-1.0/{name}", sent, refused(400))
    for name, host in _GOOD_HOSTS.items():
        served = forwarded(has=((b"X-Forwarded-Host", host),), target=ITEM)
        yield _case(f"host-good/{name}", bare(b"Host: " + host, AUTH), served)


def _refused_or_one(expectation: Expectation) -> Expectation:
    """Elsewhere safe too if it arrives with the path that was asked for, whatever is made of its authority."""

    def safety(seen: Observation) -> Problems:
        return [
            f"{arrival.target!r} arrived" for arrival in seen.arrivals if b"/items/1" not in arrival.target
        ]

    return Expectation(exact=expectation.exact, safety=safety, service=in_time, closes=expectation.closes)
