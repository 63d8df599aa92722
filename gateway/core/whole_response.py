"""A small response that came in one piece: judged and made ready for the caller line by line, without a parser.

Only the ordinary case: its grammar is RFC 9112's without any leniency, and whatever is not of it, malformed, longer or
merely unusual, is nothing here and left to the parser and `core.response`. Upstreams say the same lines again and
again, so a line is judged once and what it was is remembered, in a bounded memory.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from gateway.core.fields import ResponseField, ResponseFieldRules

_STATUS: Final = re.compile(rb"HTTP/1\.1 ([2-5][0-9]{2}) [\t\x20-\x7e\x80-\xff]*")
_FIELD: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
_DIGITS: Final = re.compile(rb"0|[1-9][0-9]{0,8}")
_MAX_HEAD: Final = 16 * 1024
_MAX_LINES: Final = 101
_WITHOUT_CONTENT: Final = frozenset({204, 304})

# What a line is, as one number: from 0 on the length that a Content-Length gives, or a status.
_KEEP: Final = -1
_DROP: Final = -2
_CLOSE: Final = -3
_UNUSUAL: Final = -4

_MEMORY: Final = 4096
# Longer lines, and those that hold a secret of somebody's, are judged each time.
_REMEMBERED_LENGTH: Final = 512
_SECRET: Final = b"set-cookie"
_FIELDS: Final = ResponseFieldRules()


@dataclass(slots=True, eq=False)
class WholeResponse:
    """A response of known length. `lines` are the status line and the fields for the caller, `Content-Length` among
    them, without their ends. `reusable`: the connection may carry another request. Not frozen for its cost alone.
    """

    status: int
    lines: list[bytes]
    body: bytes
    reusable: bool


class LineMemory:
    """What the lines of responses were found to be."""

    __slots__ = ("fields", "statuses")

    def __init__(self) -> None:
        self.statuses: dict[bytes, int] = {}
        self.fields: dict[bytes, int] = {}

    def __repr__(self) -> str:
        return f"LineMemory({len(self.fields)} field lines, {len(self.statuses)} status lines)"

    def judge_status(self, line: bytes) -> int:
        """The status that a status line gives, or `_UNUSUAL`."""
        match = _STATUS.fullmatch(line)
        status = int(match[1]) if match is not None else _UNUSUAL
        return _remember(self.statuses, line, _UNUSUAL if status in _WITHOUT_CONTENT else status)

    def judge_field(self, line: bytes) -> int:
        """What a field line is."""
        match = _FIELD.fullmatch(line)
        if match is None:
            found = _UNUSUAL
        else:
            name, value = match[1], match[2].rstrip(b" \t")
            found = _judge_field(name, value)
            if found >= _KEEP and line != name + b": " + value:
                found = _UNUSUAL  # `core.response` puts the blanks in order: the caller shall not see which it was
        if line[: len(_SECRET)].lower() == _SECRET:
            return found
        return _remember(self.fields, line, found)


def _remember(memory: dict[bytes, int], line: bytes, found: int) -> int:
    if len(line) <= _REMEMBERED_LENGTH:
        if len(memory) >= _MEMORY:
            memory.clear()
        memory[line] = found
    return found


def _judge_field(name: bytes, value: bytes) -> int:
    match _FIELDS.judge(name):
        case ResponseField.KEEP:
            return _KEEP
        case ResponseField.DROP:
            return _DROP
        case ResponseField.CONTENT_LENGTH:
            return int(value) if _DIGITS.fullmatch(value) is not None else _UNUSUAL
        case ResponseField.CONNECTION:
            return {b"keep-alive": _DROP, b"close": _CLOSE}.get(value.lower(), _UNUSUAL)
        case _:
            return _UNUSUAL


_LINES: Final = LineMemory()


def read_whole(data: bytes, *, request_method: str, memory: LineMemory = _LINES) -> WholeResponse | None:
    """What `data` is, if it is an ordinary response to a request other than HEAD, and nothing else; otherwise None."""
    end = data.find(b"\r\n\r\n", 0, _MAX_HEAD)
    if end < 0 or request_method == "HEAD":
        return None
    lines = data[:end].split(b"\r\n")
    if len(lines) > _MAX_LINES:
        return None
    status = memory.statuses.get(lines[0]) or memory.judge_status(lines[0])
    length = _KEEP
    reusable = True
    dropped: list[bytes] = []
    known = memory.fields.get
    for line in lines[1:]:
        kind = known(line)
        if kind is None:
            kind = memory.judge_field(line)
        if kind == _KEEP:
            continue
        if kind >= 0:
            if length >= 0:
                return None
            length = kind
        elif kind == _UNUSUAL:
            return None
        else:
            dropped.append(line)
            if kind == _CLOSE:
                reusable = False
    body = data[end + 4 :]
    if status < 0 or length != len(body):
        return None
    for line in dropped:
        lines.remove(line)
    return WholeResponse(status, lines, body, reusable)
