"""Requests made at random: most of them as clients write them, the others odd, wrong or hostile, in every part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from tests.ways.talk import Packet

_METHODS: Final = (b"GET",) * 8 + (b"POST",) * 5 + (b"PUT", b"PATCH", b"DELETE", b"HEAD", b"OPTIONS") * 2
_ODD_METHODS: Final = (b"get", b"TRACE", b"CONNECT", b"PROPFIND", b"G(T", b"QUERY", b"Post", b"")
_WITH_BODY: Final = {b"POST", b"PUT", b"PATCH"}
_TARGETS: Final[dict[bytes, tuple[bytes, ...]]] = {
    b"GET": (
        *(b"/contacts/c1",) * 6,
        b"/contacts/lookup",
        b"/contacts/either",
        b"/versioned",
        b"/shadowed/7",
        b"/watched/7",
        b"/denied/7",
        b"/agencies/a1",
        b"/public/ping",
        b"/oauth/keys",
        b"/hosted/9",
        b"/socket",
        b"/away/1",
    ),
    b"POST": (b"/contacts/", b"/contacts/", b"/contacts", b"/small", b"/small", b"/oauth/token"),
    b"PUT": (b"/contacts/c1",),
    b"PATCH": (b"/contacts/c-2.x~y",),
    b"DELETE": (b"/contacts/c1",),
    b"HEAD": (b"/contacts/c1", b"/hosted/9", b"/oauth/keys"),
    b"OPTIONS": (b"/contacts/c1", b"/versioned"),
}
# Whoever may do everything is not refused here, whatever the body.
_PLAIN_TARGETS: Final = {b"/contacts/c1", b"/contacts/", b"/contacts", b"/oauth/token", b"/hosted/9"}
_ODD_TARGETS: Final = (
    b"/nowhere",
    b"/contacts/a%2Fb",
    b"/contacts/%41b%7e",
    b"/contacts/%zz",
    b"/contacts/%252e",
    b"/contacts/..",
    b"/contacts/./x",
    b"//contacts/c1",
    b"/contacts//c1",
    b"/contacts/a;b",
    b"/contacts/a\\b",
    b"/contacts/caf\xc3\xa9",
    b"/contacts/c1#top",
    b"/Contacts/c1",
    b"/contacts/" + b"x" * 300,
    b"/contacts/" + b"y" * 8300,
    b"*",
    b"contacts/c1",
    b"http://gateway.test/contacts/c1",
    b"http://elsewhere.test/contacts/c1",
    b"HTTP://Gateway.Test:80/contacts/c1?x=y",
    b"https://gateway.test/contacts/c1",
    b"gateway.test:80",
)
_QUERIES: Final = (
    b"?",
    b"?a=b",
    b"?q=a%20b&r=%2F..%2f&s=//",
    b"?access_token=secret",
    b"?a?b=c/d",
    b'?[]{}|^`"<>\\',
    b"?a#b",
    b"?caf\xe9",
    b"?" + b"z" * 900,
)
# A name, and values that it may have. Most of these a client might send.
_FIELDS: Final[tuple[tuple[bytes, tuple[bytes, ...]], ...]] = (
    (b"Accept", (b"*/*", b"application/json", b"text/html, */*;q=0.1")),
    (b"User-Agent", (b"curl/8.5.0", b"Mozilla/5.0 (X11; Linux x86_64)")),
    (b"Accept-Encoding", (b"gzip, deflate, br", b"identity")),
    (b"Content-Type", (b"application/json", b"text/plain; charset=utf-8")),
    (b"Cookie", (b"a=b; c=d",)),
    (b"Version", (b"2021-07-28", b"2021-04-15", b"1999-01-01", b"2021-07-28, 2021-04-15")),
    (b"X-Request-Id", (b"mine-1", b"a" * 128, b"a" * 129, b"not one", b"")),
    (b"X-Custom", (b"one", b"two, three", b"", b"\xe4\xff", b"a\tb")),
    (b"If-None-Match", (b'"etag"',)),
    (b"Range", (b"bytes=0-1",)),
)
_ODD_FIELDS: Final[tuple[tuple[bytes, tuple[bytes, ...]], ...]] = (
    (
        b"Connection",
        (
            b"keep-alive",
            b"close",
            b"Close",
            b"keep-alive, X-Custom",
            b"X-Gateway-Account-Id, Authorization",
            b"Version, Accept",
            b"Host, Content-Length, Transfer-Encoding",
            b"Upgrade",
            b"keep-alive, close",
            b"",
            b", ,",
        ),
    ),
    (b"Keep-Alive", (b"timeout=5",)),
    (b"Upgrade", (b"websocket", b"h2c", b"WebSocket")),
    (b"Sec-WebSocket-Key", (b"dGhlIHNhbXBsZSBub25jZQ==",)),
    (b"HTTP2-Settings", (b"AAMAAABkAAQAAP__",)),
    (b"Expect", (b"100-continue", b"100-Continue", b"something")),
    (b"TE", (b"trailers",)),
    (b"Trailer", (b"X-Custom",)),
    (b"Proxy-Connection", (b"keep-alive",)),
    (b"Proxy-Authorization", (b"Basic YTpi",)),
    (b"Proxy", (b"http://evil.test",)),
    (b"X-Gateway-Account-Id", (b"evil",)),
    (b"x-gateway-scopes", (b"everything",)),
    (b"X_Gateway_Token_Id", (b"evil",)),
    (b"X.Gateway.Route", (b"/evil",)),
    (b"X-GatewayX", (b"fine",)),
    (b"X_Under_Score", (b"a",)),
    (b"X-Forwarded-For", (b"192.0.2.1", b"192.0.2.1, 192.0.2.2", b"unknown", b"")),
    (b"X-Forwarded-Proto", (b"https", b"ftp")),
    (b"X-Forwarded-Host", (b"evil.test",)),
    (b"X-Forwarded-Server", (b"evil.test",)),
    (b"Forwarded", (b"for=192.0.2.1",)),
    (b"X-Real-IP", (b"192.0.2.9",)),
    (b"X-HTTP-Method-Override", (b"DELETE",)),
    (b"X-Method-Override", (b"DELETE",)),
    (b"X-Original-URL", (b"/evil",)),
    (b"X-Rewrite-URL", (b"/evil",)),
    (b"Origin", (b"https://page.test", b"https://stranger.test", b"null")),
    (b"Access-Control-Request-Method", (b"GET", b"POST", b"NONE")),
    (b"Access-Control-Request-Headers", (b"authorization, version",)),
    (b"Host", (b"gateway.test", b"other.test")),
    (b"Content-Length", (b"0", b"5", b"-1", b"1, 1", b"05", b"+3", b"9999999999999999999", b"")),
    (b"Transfer-Encoding", (b"chunked", b"Chunked", b"gzip, chunked", b"identity", b"")),
    (b"X!#$%&'*+.^`|~", (b"token",)),
    (b"Authorization2", (b"Bearer x",)),
    (b"Content-Location", (b"/a",)),
    (b"ETag", (b'"a"',)),
    (b"Max-Forwards", (b"3",)),
    (b"Server", (b"client",)),
    (b"Sec-WebSocket-Key1", (b"4 @1  46546xW%0l 1 5",)),
    (b"X-Long", (b"v" * 2000, b"v" * 8300)),
)
_WRONG_LINES: Final = (
    b"X-A : b",
    b": b",
    b"X A: b",
    b"X(A): b",
    b"X-\xe4: b",
    b"no colon",
    b" X-A: b",
    b"X-A: b\r\n folded",
    b"X-A: b\r\n\tfolded",
    b"X-A: b\0c",
    b"X-A: b\rX-B: c",
    b"X-A: b\nX-B: c",
    b"X-A: \x01",
    b"X-A: \x7f",
    b"",
)
_HOSTS: Final = (b"gateway.test",) * 6 + (b"gateway.test:80", b"GATEWAY.test", b"127.0.0.1:8080", b"[::1]:80")
_BAD_HOSTS: Final = (b"", b"a b", b"a,b", b"gateway.test:99999", b"a/b", b"user@host", b"caf\xe9")
_VERSIONS: Final = (b"HTTP/1.0",) * 6 + (
    b"HTTP/1.2",
    b"HTTP/2.0",
    b"HTTP/0.9",
    b"http/1.1",
    b"HTTP/1.1 ",
    b"",
)
_LONG: Final = 8000
_BEFORE: Final = (b"\r\n", b"\r\n\r\n", b"\n", b"\r")
_EXPECT: Final = b"Expect: 100-continue"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `sound`: it is forwarded. `held`: its body goes out when its head has been read."""

    head: bytes
    body: bytes
    sound: bool
    held: bool = False
    framed: bool = False  # its body has a length of its own

    @property
    def data(self) -> bytes:
        return self.head + self.body


class Requests:
    """Makes them. `tokens` are good and bad ones by what is the matter with them; `full` may do everything."""

    def __init__(self, tokens: dict[str, str]) -> None:
        self._full = tokens["full"].encode("ascii")
        self._tokens = [token.encode("ascii") for token in tokens.values()]
        made = Random("blocks that clients send again and again")
        self._habits = [self._usual_fields(made) for _ in range(40)]

    def make(self, random: Random) -> Asked:
        """One request, as this source of chance decides."""
        draw = random.random()
        if draw < 0.65:
            return self._usual(random)
        asked = self._odd(random)
        return self._damaged(random, asked) if draw > 0.93 else asked

    def _usual(self, random: Random) -> Asked:
        """What a client sends that knows what it does; it may still be refused for want of a scope, or of a route."""
        method = random.choice(_METHODS)
        target = random.choice(_TARGETS[method]) + (
            random.choice(_QUERIES[:4]) if random.random() < 0.3 else b""
        )
        fields = list(random.choice(self._habits) if random.random() < 0.7 else self._usual_fields(random))
        token = self._full if random.random() < 0.85 else random.choice(self._tokens)
        fields.insert(random.randrange(len(fields) + 1), b"Authorization: Bearer " + token)
        fields.insert(
            0 if random.random() < 0.8 else random.randrange(len(fields) + 1), b"Host: gateway.test"
        )
        body, framing = b"", b""
        if method in _WITH_BODY or random.random() < 0.05:
            body, framing = _body(random)
            fields.append(framing)
        return Asked(
            _head(method + b" " + target + b" HTTP/1.1", fields),
            body,
            sound=token == self._full and target.partition(b"?")[0] in _PLAIN_TARGETS,
            framed=framing.startswith(b"Content-Length"),
        )

    def _usual_fields(self, random: Random) -> tuple[bytes, ...]:
        chosen = random.sample(_FIELDS, random.randrange(6))
        return tuple(_line(random, name, random.choice(values), odd=0.05) for name, values in chosen)

    def _odd(self, random: Random) -> Asked:
        """Anything may be odd, and several things at once; each of them seldom."""

        def seldom(share: float) -> bool:
            return random.random() < share

        method = random.choice(_ODD_METHODS if seldom(0.06) else _METHODS)
        targets = _TARGETS.get(method, _TARGETS[b"GET"])
        target = random.choice(_ODD_TARGETS if seldom(0.25) else targets)
        if seldom(0.3) and len(target) < _LONG:
            target += random.choice(_QUERIES)
        version = random.choice(_VERSIONS) if seldom(0.15) else b"HTTP/1.1"
        fields = [
            _line(random, name, random.choice(values), odd=0.25)
            for name, values in random.sample(_FIELDS, random.randrange(4))
            + random.sample(_ODD_FIELDS, random.choice((0, 1, 1, 2, 3)))
        ]
        if fields and seldom(0.15):
            fields.append(random.choice(fields))
        if seldom(0.05):
            fields.append(random.choice(_WRONG_LINES))
        fields += self._credentials(random)
        if seldom(0.02):
            fields += [b"X-%d: a" % number for number in range(random.choice((97, 120, 126, 127, 128, 130)))]
        random.shuffle(fields)
        if not seldom(0.03):
            host = random.choice(_BAD_HOSTS if seldom(0.05) else _HOSTS)
            fields.insert(
                0 if seldom(0.7) else random.randrange(len(fields) + 1), _line(random, b"Host", host, odd=0.1)
            )
        body, held = b"", False
        if method in _WITH_BODY or seldom(0.1):
            body, framing = _body(random, odd=True)
            fields.append(framing)
            if body and seldom(0.15):
                fields.append(_EXPECT)
                held = seldom(0.7)
        line = method + b" " + target + (b" " + version if version else b"")
        before = random.choice(_BEFORE) if seldom(0.04) else b""
        return Asked(before + _head(line, fields), body, sound=False, held=held)

    def _credentials(self, random: Random) -> list[bytes]:
        draw = random.random()
        if draw < 0.6:
            values = [b"Bearer " + self._full]
        elif draw < 0.75:
            values = [b"Bearer " + random.choice(self._tokens)]
        elif draw < 0.8:
            values = []
        elif draw < 0.85:
            values = [b"Bearer " + random.choice(self._tokens) for _ in range(2)]
        else:
            values = [random.choice(self._forms)(random.choice(self._tokens))]
        return [_line(random, b"Authorization", value, odd=0.3) for value in values]

    @property
    def _forms(self) -> Sequence[Callable[[bytes], bytes]]:
        return (
            lambda token: b"bearer " + token,
            lambda token: b"BEARER  " + token,
            lambda token: b"Bearer\t" + token,
            lambda token: b"Bearer",
            lambda token: b"",
            lambda token: token,
            lambda token: b"Basic " + token,
            lambda token: b"Bearer " + token + b", Bearer " + token,
            lambda token: b"Bearer " + token + b"," + token,
            lambda token: b"Bearer " + token[:-1],
            lambda token: b"Bearer " + token[:-1] + (b"0" if token[-1:] != b"0" else b"1"),
            lambda token: b"Bearer " + token.upper(),
            lambda token: b"Bearer " + token + b"=",
            lambda token: b"Bearer " + token + b"\xe9",
            lambda token: b"Bearer " + b"x" * 300,
            lambda token: b"Bearer pit_",
            lambda token: b"Bearer " + token + b" extra",
        )

    def _damaged(self, random: Random, asked: Asked) -> Asked:
        """One byte of the head is another, one too many, or missing: but in one that is too long already, for which of
        two faults is told depends on which comes first.
        """
        if len(asked.head) > _LONG:
            return asked
        return Asked(damaged(random, asked.head), asked.body, sound=False)


def damaged(random: Random, data: bytes) -> bytes:
    """The same bytes but for one."""
    at = random.randrange(len(data))
    byte = bytes((random.choice((0, 9, 10, 13, 32, 35, 44, 58, 127, 255, random.randrange(256))),))
    return random.choice(
        (data[:at] + byte + data[at + 1 :], data[:at] + byte + data[at:], data[:at] + data[at + 1 :])
    )


def _head(line: bytes, fields: Sequence[bytes]) -> bytes:
    return b"\r\n".join((line, *fields)) + b"\r\n\r\n"


def _line(random: Random, name: bytes, value: bytes, *, odd: float) -> bytes:
    """A field line; its name and the blanks around its value are odd with this probability."""
    if random.random() >= odd:
        return name + b": " + value
    name = random.choice((name.lower(), name.upper(), name.swapcase(), name))
    before, after = random.choice(((b"", b""), (b"  ", b""), (b"\t", b" "), (b" ", b"  "), (b" ", b"\t")))
    return name + b":" + before + value + after


def _body(random: Random, *, odd: bool = False) -> tuple[bytes, bytes]:
    """A body and the line that frames it."""
    size = random.choice((0, 1, 2, 20, 300, 1024, 1025, 3000))
    content = random.randbytes(size)
    if random.random() < 0.65:
        return content, b"Content-Length: %d" % size
    ends = sorted(random.sample(range(1, size), min(size - 1, random.randrange(4)))) if size > 1 else []
    pieces = [content[start:end] for start, end in zip((0, *ends), (*ends, size), strict=True) if start < end]
    coded = b"".join(
        b"%x%b\r\n%b\r\n"
        % (len(piece), random.choice((b"", b"", b";a=b", b' ;a="b;c"')) if odd else b"", piece)
        for piece in pieces
    )
    coded += (
        b"0\r\n"
        + (random.choice((b"", b"X-A: b\r\n", b"Authorization: Bearer x\r\n")) if odd else b"")
        + b"\r\n"
    )
    if odd and random.random() < 0.12:
        coded = damaged(random, coded)
    return coded, random.choice((b"Transfer-Encoding: chunked", b"transfer-encoding: Chunked"))


def packets(random: Random, requests: Sequence[Asked], *, missing: int = 0) -> tuple[Packet, ...]:
    """How these are sent: one behind the other in one packet, or one when the one before is over; and where they are cut.

    So many bytes of the last one are not sent; then no body is cut, for upstreams answer what they have of one.
    """
    found: list[Packet] = []
    data, cuts = b"", list[int]()
    for asked in requests:
        if data and random.random() < 0.35:
            found.append(Packet(data, tuple(cuts)))
            data, cuts = b"", []
        if random.random() < 0.9:
            # Within its head; behind it, pieces would become the pieces of a chunked body, or ask for its going on.
            cuts += sorted(len(data) + at for at in _places(random, len(asked.head) - 1))
        if not missing and asked.sound and asked.framed and len(asked.body) > 1 and random.random() < 0.3:
            cuts.append(len(data) + len(asked.head) + random.randrange(1, len(asked.body)))
        data += asked.head
        if asked.held:
            found.append(Packet(data, tuple(cuts)))
            data, cuts = b"", []
        data += asked.body
    found.append(Packet(data[: len(data) - missing], tuple(cuts)))
    return tuple(packet for packet in found if packet.data)


def _places(random: Random, size: int) -> list[int]:
    return random.sample(range(1, size), min(size - 1, random.choice((1, 1, 2)))) if size > 1 else []
