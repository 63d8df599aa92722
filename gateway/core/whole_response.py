"""A small response that came in one piece: judged and made ready for the caller without taking its head apart.

Only the ordinary case: its grammar is RFC 9112's without any leniency, and whatever is not of it, malformed, longer or
merely unusual, is nothing here and left to the parser and `core.response`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from gateway.core.fields import response_specials

_WHOLE: Final = re.compile(
    rb"(HTTP/1\.[01] ([2-5][0-9]{2}) [\t\x20-\x7e\x80-\xff]*\r\n)"
    rb"((?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*)\r\n"
)
# Every field that `core.response` does not simply pass on.
_SPECIAL: Final = re.compile(
    rb"^(%b):[ \t]*([^\r\n]*)\r\n" % b"|".join(sorted(response_specials())), re.IGNORECASE | re.MULTILINE
)
_DIGITS: Final = re.compile(rb"[0-9]{1,9}")
_MAX_HEAD: Final = 16 * 1024
_MAX_FIELDS: Final = 100
_WITHOUT_CONTENT: Final = frozenset({b"204", b"304"})


@dataclass(slots=True, eq=False)
class WholeResponse:
    """A response of known length. `lines` are the status line and the fields for the caller, each ended by CRLF,
    `Content-Length` among them. `reusable`: the connection may carry another request. Not frozen for its cost alone.
    """

    status: int
    lines: bytes
    body: bytes
    reusable: bool


def read_whole(data: bytes, *, request_method: str) -> WholeResponse | None:
    """What `data` is, if it is an ordinary response to a request other than HEAD, and nothing else; otherwise None."""
    match = _WHOLE.match(data, 0, _MAX_HEAD)
    if match is None or request_method == "HEAD" or match[2] in _WITHOUT_CONTENT:
        return None
    fields = match[3]
    if fields.count(b"\n") > _MAX_FIELDS:
        return None
    length: bytes | None = None
    reusable = True
    kept_from = 0
    kept: list[bytes] = []
    for special in _SPECIAL.finditer(fields):
        name = special[1].lower()
        if name == b"content-length":
            if length is not None:
                return None
            length = special[2]
            continue
        if name == b"connection":
            option = special[2].lower()
            if option == b"close":
                reusable = False
            elif option != b"keep-alive":
                return None
        elif name in (b"transfer-encoding", b"upgrade"):
            return None
        kept.append(fields[kept_from : special.start()])
        kept_from = special.end()
    body = data[match.end() :]
    if length is None or _DIGITS.fullmatch(length) is None or int(length) != len(body):
        return None
    if kept:
        kept.append(fields[kept_from:])
        fields = b"".join(kept)
    line = match[1]
    if line[7] != 0x31:  # an answer in HTTP/1.0: ours is in HTTP/1.1, and the connection is not kept
        return None
    return WholeResponse(int(match[2]), line + fields, body, reusable)
