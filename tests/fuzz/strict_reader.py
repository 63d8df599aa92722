"""A second reading of a caller's bytes, written from RFC 9112 alone: which complete requests are in them at most.

It shares no code with the gateway. Whatever it cannot read, and all that follows, is no request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_LINE: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) HTTP/1\.([01])")
_FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?")


@dataclass(frozen=True, slots=True)
class Complete:
    """A request that is there from its first byte to its last."""

    method: bytes
    target: bytes
    body: bytes


def complete_requests(data: bytes) -> list[Complete]:
    """The complete requests at the beginning of what one caller sent, in their order."""
    found: list[Complete] = []
    while True:
        while data.startswith(b"\r\n"):
            data = data[2:]
        head, end, rest = data.partition(b"\r\n\r\n")
        if not end:
            return found
        read = _head(head)
        if read is None:
            return found
        method, target, minor, fields = read
        framed = _body(fields, minor, rest)
        if framed is None:
            return found
        body, data = framed
        found.append(Complete(method, target, body))
        if not _goes_on(fields, minor):
            return found


def _head(head: bytes) -> tuple[bytes, bytes, int, list[tuple[bytes, bytes]]] | None:
    first, *lines = head.split(b"\r\n")
    line = _LINE.fullmatch(first)
    if line is None:
        return None
    fields = []
    for each in lines:
        field = _FIELD.fullmatch(each)
        if field is None:
            return None
        fields.append((field[1].lower(), field[2].rstrip(b" \t")))
    hosts = [value for name, value in fields if name == b"host"]
    if len(hosts) > 1 or (not hosts and line[3] == b"1"):
        return None
    return line[1], line[2], int(line[3]), fields


def _body(fields: list[tuple[bytes, bytes]], minor: int, rest: bytes) -> tuple[bytes, bytes] | None:
    """The content and what follows it; None when the body has no end here, or no single meaning."""
    lengths = [value for name, value in fields if name == b"content-length"]
    codings = [value for name, value in fields if name == b"transfer-encoding"]
    if codings:
        if lengths or minor == 0 or [coding.lower() for coding in codings] != [b"chunked"]:
            return None
        return _chunks(rest)
    if not lengths:
        return b"", rest
    if len(lengths) > 1 or re.fullmatch(rb"[0-9]{1,1000}", lengths[0]) is None or int(lengths[0]) > len(rest):
        return None
    return rest[: int(lengths[0])], rest[int(lengths[0]) :]


def _chunks(rest: bytes) -> tuple[bytes, bytes] | None:
    content = b""
    while True:
        line, end, rest = rest.partition(b"\r\n")
        size = _CHUNK.fullmatch(line)
        if not end or size is None:
            return None
        length = int(size[1], 16)
        if not length:
            break
        if rest[length : length + 2] != b"\r\n":
            return None
        content, rest = content + rest[:length], rest[length + 2 :]
    while True:
        line, end, rest = rest.partition(b"\r\n")
        if not end or (line and _FIELD.fullmatch(line) is None):
            return None
        if not line:
            return content, rest


def _goes_on(fields: list[tuple[bytes, bytes]], minor: int) -> bool:
    options = b",".join(value for name, value in fields if name == b"connection").lower().split(b",")
    stripped = {option.strip(b" \t") for option in options}
    return b"close" not in stripped and (minor == 1 or b"keep-alive" in stripped)
