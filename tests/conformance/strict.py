"""Reads HTTP/1.1 the way the strictest server and the strictest client would: what they see, and what they mind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from tests.conformance.case import Answer, Arrival

_REQUEST_LINE: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP/1\.[01]")
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([0-9]{3}) ?([^\x00\r\n]*)")
# Other control characters than these may be kept (RFC 9110 section 5.5).
_FIELD: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00\r\n]*?)[ \t]*")
_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?")
Fields = tuple[tuple[bytes, bytes], ...]


class Incomplete(Exception):
    """More bytes are needed."""


class Fault(Exception):
    """What a strict reader refuses."""


def read_arrival(head: bytes) -> Arrival:
    """A request's head, with its faults."""
    arrival = Arrival(raw=head)
    first, *rest = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    line = _REQUEST_LINE.fullmatch(first)
    if line is None:
        arrival.faults.append(f"request line {first!r}")
        words = first.split(b" ")
        arrival.method, arrival.target = words[0], words[1] if len(words) > 1 else b""
    else:
        arrival.method, arrival.target = line[1], line[2]
    arrival.fields = _fields(rest, arrival.faults)
    hosts = arrival.values(b"Host")
    if len(hosts) > 1:
        arrival.faults.append(f"{len(hosts)} Host fields")
    try:
        framing(arrival.fields)
    except Fault as fault:
        arrival.faults.append(str(fault))
    return arrival


def _fields(rest: Sequence[bytes], faults: list[str]) -> Fields:
    fields = []
    for line in rest:
        match = _FIELD.fullmatch(line)
        if match is None:
            faults.append(f"field line {line[:80]!r}")
        else:
            fields.append((match[1], match[2]))
    return tuple(fields)


def framing(fields: Fields) -> int | None:
    """The length of the body that fields announce; None: chunked. Raises Fault. Without any, 0 is answered."""
    lengths = [value for name, value in fields if name.lower() == b"content-length"]
    codings = [value for name, value in fields if name.lower() == b"transfer-encoding"]
    if len(lengths) + len(codings) > 1:
        raise Fault(f"framed twice: {[*lengths, *codings]}")
    if codings:
        if codings[0].lower() != b"chunked":
            raise Fault(f"Transfer-Encoding {codings[0]!r}")
        return None
    if lengths:
        if re.fullmatch(rb"[0-9]+", lengths[0]) is None:
            raise Fault(f"Content-Length {lengths[0]!r}")
        return int(lengths[0])
    return 0


def read_chunks(data: bytes) -> tuple[bytes, int]:
    """The content of a chunked body and where it ends. Raises Fault, or Incomplete with the content so far."""
    content, at = b"", 0
    while True:
        line, at = _line(data, at, content)
        match = _SIZE.fullmatch(line)
        if match is None:
            raise Fault(f"chunk size line {line[:40]!r}")
        size = int(match[1], 16)
        if not size:
            break
        if len(data) < at + size + 2:
            raise Incomplete(content + data[at : at + size])
        content += data[at : at + size]
        at += size
        if data[at : at + 2] != b"\r\n":
            raise Fault("chunk data without CRLF")
        at += 2
    while True:
        line, at = _line(data, at, content)
        if not line:
            return content, at
        if _FIELD.fullmatch(line) is None:
            raise Fault(f"trailer {line[:40]!r}")


def _line(data: bytes, at: int, content: bytes) -> tuple[bytes, int]:
    end = data.find(b"\r\n", at)
    if end < 0:
        raise Incomplete(content)
    return data[at:end], end + 2


def read_answers(
    data: bytes, methods: Sequence[str], *, closed: bool, reset: bool = False
) -> tuple[tuple[Answer, ...], bytes, tuple[str, ...]]:
    """The responses to requests of these methods, the bytes that belong to none of them, and faults.

    `closed`: the connection has ended, by a reset if `reset`.
    """
    answers: list[Answer] = []
    at = 0
    try:
        while at < len(data) and len(answers) < len(methods):
            answer, at = _read_answer(data, at, methods[len(answers)], closed=closed, reset=reset)
            answers.append(answer)
            if answer.status == 101 or not answer.whole:
                break
    except Incomplete:
        return tuple(answers), data[at:], ()
    except Fault as fault:
        return tuple(answers), data[at:], (str(fault),)
    return tuple(answers), data[at:], ()


def _read_answer(data: bytes, at: int, method: str, *, closed: bool, reset: bool) -> tuple[Answer, int]:
    interim: list[int] = []
    while True:
        end = data.find(b"\r\n\r\n", at)
        if end < 0:
            raise Incomplete
        first, *rest = data[at:end].split(b"\r\n")
        line = _STATUS_LINE.fullmatch(first)
        if line is None:
            raise Fault(f"status line {first[:60]!r}")
        faults: list[str] = []
        fields = _fields(rest, faults)
        if faults:
            raise Fault(faults[0])
        at, status = end + 4, int(line[1])
        if status >= 200 or status == 101:
            break
        interim.append(status)
    body, at, whole = _read_body(data, at, method, status, fields, closed=closed, reset=reset)
    return Answer(status=status, fields=fields, body=body, whole=whole, interim=tuple(interim)), at


def _read_body(
    data: bytes, at: int, method: str, status: int, fields: Fields, *, closed: bool, reset: bool
) -> tuple[bytes, int, bool]:
    length = framing(fields)
    if method == "HEAD" or status in (101, 204, 304):
        return b"", at, True
    named = {name.lower() for name, _ in fields}
    if length is None:
        try:
            content, taken = read_chunks(data[at:])
        except Incomplete as sofar:
            if not closed:
                raise
            return (sofar.args[0] if sofar.args else b""), len(data), False
        return content, at + taken, True
    if b"content-length" not in named:
        if not closed:
            raise Incomplete
        return data[at:], len(data), not reset
    if len(data) - at < length:
        if not closed:
            raise Incomplete
        return data[at:], len(data), False
    return data[at : at + length], at + length, True
