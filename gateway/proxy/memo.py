"""What a connection remembers of its last head: a caller that sends the same fields again means the same again.

A kept-alive caller repeats its fields byte for byte and changes only the request line. Fields that were judged once
need not be judged twice: what is remembered is the very bytes, and one that differs makes it a new head. Nothing is
remembered of who may do what; every request is authorised.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.core.policy import Deny
from gateway.core.request import RequestHead, retarget
from gateway.proxy.gate import Limits

# The methods whose grammar depends on nothing else; llhttp knows them all. Others are read the long way.
_LINE: Final = re.compile(rb"(GET|POST|PUT|DELETE|PATCH|HEAD|OPTIONS) ([\x21-\x7e]+) HTTP/1\.1\r\n")


class HeadMemo:
    """The field lines of the last HTTP/1.1 head and what they mean."""

    __slots__ = ("_block", "_head")

    def __init__(self, head: RequestHead, raw: bytes) -> None:
        """`raw` are all the bytes that `head` was read from."""
        self._head = head
        self._block = raw[raw.index(b"\r\n") + 2 :]

    def __repr__(self) -> str:
        return f"HeadMemo({len(self._block)} bytes)"

    def read(self, buffer: bytes, *, limits: Limits, scheme: str) -> tuple[RequestHead, int] | None:
        """The head at the beginning of `buffer` and its size, when only its request line is new; else None.

        None also where that line is to be refused: whoever reads the head the long way has all there is to say.
        """
        line = _LINE.match(buffer)
        if line is None or not buffer.startswith(self._block, line.end()):
            return None
        target = line[2]
        size = line.end() + len(self._block)
        if len(target) > limits.target or size > limits.head:
            return None
        head = retarget(self._head, line[1].decode("ascii"), target.decode("ascii"), scheme=scheme)
        return None if isinstance(head, Deny) else (head, size)
