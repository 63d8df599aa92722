"""Responses made at random: most of them as servers write them, the others odd or wrong, in every part."""

from __future__ import annotations

from random import Random
from typing import Final

from tests.ways.chance import damaged, places
from tests.ways.talk import Packet, Reply

_STATUSES: Final = (
    (b"200 OK",) * 8
    + (b"201 Created", b"202 Accepted", b"206 Partial Content", b"301 Moved Permanently", b"302 Found")
    + (
        b"400 Bad Request",
        b"401 Unauthorized",
        b"404 Not Found",
        b"422 No",
        b"429 Slow",
        b"500 Oh",
        b"503 Busy",
    )
)
_ODD_STATUSES: Final = (
    b"200 ",
    b"200",
    b"200  OK",
    b"200 OK ",
    b"200 Gr\xc3\xb6\xc3\x9fe",
    b"200 a\tb",
    b"599 Odd",
    b"418 I'm a teapot",
    b"600 Odd",
    b"099 Odd",
    b"2000 Odd",
    b"200 O\x01K",
)
_FIELDS: Final = (
    b"Content-Type: application/json",
    b"content-type: text/plain",
    b"Date: Tue, 24 Nov 2026 12:00:00 GMT",
    b"Server: upstream/1.0",
    b'ETag: "abc"',
    b"Cache-Control: no-store, max-age=0",
    b"Set-Cookie: a=b; Path=/",
    b"Set-Cookie: c=d",
    b"Vary: Accept-Encoding",
    b"Location: /elsewhere?a=b",
    b"X-Custom: one, two",
    b"X-RateLimit-Remaining: 9",
)
_ODD_FIELDS: Final = (
    b"X-Request-Id: of-the-upstream",
    b"x-request-id: of-the-upstream",
    b"Connection: keep-alive",
    b"connection: Keep-Alive",
    b"Connection: X-Custom",
    b"Connection: Content-Length",
    b"Connection: keep-alive, Set-Cookie",
    b"Connection: ",
    b"Keep-Alive: timeout=5",
    b"Proxy-Authenticate: Basic",
    b"Proxy-Connection: keep-alive",
    b"TE: a",
    b"Trailer: X-A",
    b"Upgrade: h2c",
    b"Access-Control-Allow-Origin: *",
    b"access-control-expose-headers: X-A",
    b"WWW-Authenticate: Bearer",
    b"X-Gateway-Account-Id: theirs",
    b"X_Under: a",
    b"X!#$%&'*+.^`|~: token",
    b"X-A:no-blank",
    b"X-A:  two-blanks",
    b"X-A:\ttab",
    b"X-A: blanks-behind  ",
    b"X-A:",
    b"X-A: ",
    b"X-A: caf\xe9 \xff",
    b"X-A: a\tb",
    b"X-Long: " + b"v" * 600,
)
_WRONG_LINES: Final = (
    b"X-A : b",
    b": b",
    b"X A: b",
    b"X-\xe4: b",
    b"no colon",
    b" X-A: b",
    b"X-A: b\r\n folded",
    b"X-A: b\0c",
    b"X-A: b\rc",
    b"X-A: \x01",
    b"X-A: \x7f",
    b"Content-Length: 1",
    b"Transfer-Encoding: gzip",
    b"Transfer-Encoding: chunked",
)
_LENGTHS: Final = (
    b"content-length: %d",
    b"CONTENT-LENGTH: %d",
    b"Content-Length:%d",
    b"Content-Length:  %d ",
    b"Content-Length: 0%d",
    b"Content-Length: 000000000000%d",
)
_INTERIM: Final = (
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 102 Processing\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nConnection: X-A\r\nX-A: b\r\nContent-Length: 0\r\n\r\n",
)
_BROKEN: Final = (
    b"",
    b"hello",
    b"hello\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n",
    b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n",
)


def make_reply(random: Random, method: bytes) -> Reply:
    """One response to a request of this method, as this source of chance decides."""
    draw = random.random()
    if draw < 0.63:
        return _sized(random, method, odd=False)
    if draw < 0.8:
        return _sized(random, method, odd=True)
    if draw < 0.86:
        return _chunked(random, method)
    if draw < 0.89:
        return _without_content(random)
    if draw < 0.92 and method != b"HEAD":
        return _until_the_end(random)
    if draw < 0.95:
        return _after_interim(random, method)
    return _wrong(random, method)


def _sized(random: Random, method: bytes, *, odd: bool) -> Reply:
    content = random.randbytes(random.choice((0, 1, 2, 50, 700, 5000)))
    status = random.choice(_ODD_STATUSES if odd and random.random() < 0.2 else _STATUSES)
    fields = random.sample(_FIELDS, random.randrange(6))
    if odd:
        fields += random.sample(_ODD_FIELDS, random.randrange(4))
        random.shuffle(fields)
    line = random.choice(_LENGTHS) if odd and random.random() < 0.3 else b"Content-Length: %d"
    fields.insert(random.randrange(len(fields) + 1), line % len(content))
    closes = random.random() < 0.06
    if closes:
        fields.insert(
            random.randrange(len(fields) + 1), random.choice((b"Connection: close", b"connection: Close"))
        )
    version = b"HTTP/1.0" if odd and random.random() < 0.1 else b"HTTP/1.1"
    head = _head(version + b" " + status, fields)
    body = b"" if method == b"HEAD" else content
    cuts = set(places(random, len(head) - 1))
    if len(body) > 1 and random.random() < 0.5:
        cuts.add(len(head) + random.randrange(len(body)))
    return Reply(Packet(head + body, tuple(sorted(cuts))), closes=closes and random.random() < 0.7)


def _chunked(random: Random, method: bytes) -> Reply:
    fields = [*random.sample(_FIELDS, random.randrange(4)), b"Transfer-Encoding: chunked"]
    random.shuffle(fields)
    head = _head(b"HTTP/1.1 " + random.choice(_STATUSES), fields)
    if method == b"HEAD":
        return Reply(Packet(head, tuple(places(random, len(head) - 1))))
    data, ends = head, places(random, len(head) - 1)
    for _ in range(random.randrange(4)):
        if random.random() < 0.5:
            ends.append(len(data))  # between two chunks: within one, each piece would be a chunk of its own
        content = random.randbytes(random.choice((1, 2, 300)))
        data += b"%x%b\r\n%b\r\n" % (len(content), random.choice((b"", b"", b";a=b")), content)
    data += b"0\r\n" + random.choice((b"", b"", b"X-Trailer: a\r\nSet-Cookie: b=c\r\n")) + b"\r\n"
    return Reply(Packet(data, tuple(ends)))


def _without_content(random: Random) -> Reply:
    status = random.choice((b"204 No Content", b"304 Not Modified"))
    fields = random.sample(_FIELDS, random.randrange(4))
    if random.random() < 0.4:
        fields.append(b"Content-Length: %d" % (0 if status.startswith(b"204") else random.choice((0, 7))))
    head = _head(b"HTTP/1.1 " + status, fields)
    return Reply(Packet(head, tuple(places(random, len(head) - 1))))


def _until_the_end(random: Random) -> Reply:
    head = _head(
        random.choice((b"HTTP/1.1 ", b"HTTP/1.0 ")) + random.choice(_STATUSES),
        random.sample(_FIELDS, random.randrange(4)),
    )
    body = random.randbytes(random.choice((0, 5, 400)))
    return Reply(Packet(head + body, tuple(places(random, len(head) - 1))), closes=True)


def _after_interim(random: Random, method: bytes) -> Reply:
    before = b"".join(random.choice(_INTERIM) for _ in range(random.choice((1, 1, 2))))
    final = _sized(random, method, odd=False)
    cuts = [len(before)] if random.random() < 0.5 else []
    cuts += [len(before) + cut for cut in final.packet.cuts]
    return Reply(Packet(before + final.packet.data, tuple(cuts)), final.closes)


def _wrong(random: Random, method: bytes) -> Reply:
    """Cut within its first head alone: what is seen before something is found to be wrong depends on where the pieces end."""
    draw = random.random()
    sound = _sized(random, method, odd=False).packet.data
    closes = random.random() < 0.6
    if closes:
        # Said, so that the next request is not on its way over this connection while it ends; twice, so that damage to
        # one does not unsay it.
        sound = sound.replace(b"\r\n", b"\r\nConnection: close\r\nConnection: close\r\n", 1)
    head = sound[: sound.index(b"\r\n\r\n") + 4]
    if draw < 0.25:
        data = random.choice(_BROKEN)
        closes = closes or not data
    elif draw < 0.5:
        lines = head[:-4].split(b"\r\n")
        lines.insert(random.randrange(1, len(lines) + 1), random.choice(_WRONG_LINES))
        data = b"\r\n".join(lines) + b"\r\n\r\n" + sound[len(head) :]
    elif draw < 0.75:
        data = damaged(random, head) + sound[len(head) :]
    elif draw < 0.9:
        data = sound + random.choice((b"\r\n", b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned"))
    else:
        data, closes = sound[: random.randrange(1, len(sound))], True
    end = data.find(b"\r\n\r\n")
    return Reply(Packet(data, tuple(places(random, end + 3)) if end > 0 else ()), closes=closes)


def _head(line: bytes, fields: list[bytes]) -> bytes:
    return b"\r\n".join((line, *fields)) + b"\r\n\r\n"
