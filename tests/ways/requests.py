"""Requests made at random: most of them as clients write them, the others odd, wrong or hostile, in every part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from tests.ways.chance import damaged, places
from tests.ways.parts import (
    BAD_HOSTS,
    BEFORE,
    EXPECT,
    FIELDS,
    HOSTS,
    METHODS,
    ODD_FIELDS,
    ODD_METHODS,
    ODD_TARGETS,
    PLAIN_TARGETS,
    QUERIES,
    TARGETS,
    VERSIONS,
    WITH_BODY,
    WRONG_LINES,
)
from tests.ways.talk import Packet

_LONG: Final = 8000


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `sound`: it is forwarded. `held`: its body goes out when its head has been read."""

    head: bytes
    body: bytes
    sound: bool
    held: bool = False
    framed: bool = False  # its body has a length of its own


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
        method = random.choice(METHODS)
        target = random.choice(TARGETS[method]) + (
            random.choice(QUERIES[:4]) if random.random() < 0.3 else b""
        )
        fields = list(random.choice(self._habits) if random.random() < 0.7 else self._usual_fields(random))
        token = self._full if random.random() < 0.85 else random.choice(self._tokens)
        fields.insert(random.randrange(len(fields) + 1), b"Authorization: Bearer " + token)
        fields.insert(
            0 if random.random() < 0.8 else random.randrange(len(fields) + 1), b"Host: gateway.test"
        )
        body, framing = b"", b""
        if method in WITH_BODY or random.random() < 0.05:
            body, framing = _body(random)
            fields.append(framing)
        return Asked(
            _head(method + b" " + target + b" HTTP/1.1", fields),
            body,
            sound=token == self._full and target.partition(b"?")[0] in PLAIN_TARGETS,
            framed=framing.startswith(b"Content-Length"),
        )

    def _usual_fields(self, random: Random) -> tuple[bytes, ...]:
        chosen = random.sample(FIELDS, random.randrange(6))
        return tuple(_line(random, name, random.choice(values), odd=0.05) for name, values in chosen)

    def _odd(self, random: Random) -> Asked:
        """Anything may be odd, and several things at once; each of them seldom."""

        def seldom(share: float) -> bool:
            return random.random() < share

        method = random.choice(ODD_METHODS if seldom(0.06) else METHODS)
        targets = TARGETS.get(method, TARGETS[b"GET"])
        target = random.choice(ODD_TARGETS if seldom(0.25) else targets)
        if seldom(0.3) and len(target) < _LONG:
            target += random.choice(QUERIES)
        version = random.choice(VERSIONS) if seldom(0.15) else b"HTTP/1.1"
        fields = [
            _line(random, name, random.choice(values), odd=0.25)
            for name, values in random.sample(FIELDS, random.randrange(4))
            + random.sample(ODD_FIELDS, random.choice((0, 1, 1, 2, 3)))
        ]
        if fields and seldom(0.15):
            fields.append(random.choice(fields))
        if seldom(0.05):
            fields.append(random.choice(WRONG_LINES))
        fields += self._credentials(random)
        if seldom(0.02):
            fields += [b"X-%d: a" % number for number in range(random.choice((97, 120, 126, 127, 128, 130)))]
        random.shuffle(fields)
        if not seldom(0.03):
            host = random.choice(BAD_HOSTS if seldom(0.05) else HOSTS)
            fields.insert(
                0 if seldom(0.7) else random.randrange(len(fields) + 1), _line(random, b"Host", host, odd=0.1)
            )
        body, held = b"", False
        if method in WITH_BODY or seldom(0.1):
            body, framing = _body(random, odd=True)
            fields.append(framing)
            if body and seldom(0.15):
                fields.append(EXPECT)
                held = seldom(0.7)
        line = method + b" " + target + (b" " + version if version else b"")
        before = random.choice(BEFORE) if seldom(0.04) else b""
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
            cuts += [len(data) + at for at in places(random, len(asked.head) - 1)]
        if not missing and asked.sound and asked.framed and len(asked.body) > 1 and random.random() < 0.3:
            cuts.append(len(data) + len(asked.head) + random.randrange(1, len(asked.body)))
        data += asked.head
        if asked.held:
            found.append(Packet(data, tuple(cuts)))
            data, cuts = b"", []
        data += asked.body
    found.append(Packet(data[: len(data) - missing], tuple(cuts)))
    return tuple(packet for packet in found if packet.data)
