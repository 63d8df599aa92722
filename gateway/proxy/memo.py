"""What a connection remembers of its last head: a caller that sends the same fields again means the same again.

A kept-alive caller repeats its fields byte for byte and changes only the request line. Fields that were judged once
need not be judged twice: what is remembered is the very bytes, and one that differs makes it a new head. Nothing is
remembered of who may do what; every request is authorised.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.core.request import RequestFields, RequestHead
from gateway.proxy.gate import Limits

# The methods whose grammar depends on nothing else, and an ordinary target in origin-form: all of the line that
# `core.request` has nothing to say about. Others are read the long way, also where they are to be refused.
_LINE: Final = re.compile(
    rb"(GET|POST|PUT|DELETE|PATCH|HEAD|OPTIONS) "
    rb"(/(?!/)[\x21\x22\x24-\x3e\x40-\x7e]*)(\?[\x21\x22\x24-\x7e]*)? HTTP/1\.1\r\n"
)


class HeadMemo:
    """The field lines of the last HTTP/1.1 head and what they mean."""

    __slots__ = ("_block", "_fields", "size")

    def __init__(self, fields: RequestFields, raw: bytes) -> None:
        """`raw` are all the bytes of the head that `fields` were read from."""
        self._fields = fields
        self._block = raw[raw.index(b"\r\n") + 2 :]
        # Of the head that was read last.
        self.size = 0

    def __repr__(self) -> str:
        return f"HeadMemo({len(self._block)} bytes)"

    def read(self, buffer: bytes, limits: Limits) -> RequestHead | None:
        """The head at the beginning of `buffer`, when only its request line is new; else None."""
        line = _LINE.match(buffer)
        if line is None:
            return None
        end = line.end()
        if not buffer.startswith(self._block, end):
            return None
        self.size = size = end + len(self._block)
        method, path, query = line.groups(b"")
        if size > limits.head or len(path) + len(query) > limits.target:
            return None
        return RequestHead(method.decode("ascii"), path.decode("ascii"), query.decode("ascii"), self._fields)
