"""A request head of the ordinary kind, at the beginning of what a caller sent: judged without a parser.

Its grammar is RFC 9112's without any leniency, and what is not of it, malformed, incomplete or merely unusual, is
nothing here and left to the parser and `core.request`, also where it is to be refused. Callers repeat their fields byte
for byte, so a block of field lines is judged once and what it means is remembered, in a bounded memory. Nothing is
remembered of who may do what, and no credential is: the `Authorization` line is set apart before.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.core.fields import FieldRules
from gateway.core.policy import Deny
from gateway.core.request import RequestHead
from gateway.core.request_fields import RequestFields, read_fields

# The methods whose grammar depends on nothing else, and an ordinary target in origin-form: all of the line that
# `core.request` has nothing to say about.
_LINE: Final = re.compile(
    rb"(GET|POST|PUT|DELETE|PATCH|HEAD|OPTIONS) "
    rb"(/(?!/)[\x21\x22\x24-\x3e\x40-\x7e]*)(\?[\x21\x22\x24-\x7e]*)? HTTP/1\.1(?=\r\n)"
)
_FIELD: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t\x20-\x7e\x80-\xff]*)")
# The parser refuses some of the blanks that may stand around the coding: what has any but the usual one is left to it.
_CODING: Final = re.compile(rb"\r\ntransfer-encoding: chunked(?:\r\n|\Z)", re.IGNORECASE)
_VALUE_BYTES: Final = bytes((0x09, *range(0x20, 0x7F), *range(0x80, 0x100)))
# The spellings that clients use. Any other is judged with the rest, and then nothing is remembered.
_AUTHORIZATION: Final = (b"\r\nAuthorization:", b"\r\nauthorization:")
_NAME_LENGTH: Final = len(_AUTHORIZATION[0])

_MEMORY: Final = 2048
_REMEMBERED_LENGTH: Final = 2048
# Credentials of other servers' are none of ours to keep.
_PRIVATE: Final = re.compile(
    rb"^(?:cookie|proxy-authorization|[^:]*(?:key|token|secret))[^:]*:", re.IGNORECASE | re.MULTILINE
)


class OrdinaryHeads:
    """Reads heads under one set of rules. Limits are bytes of the head, of a field and of a target, and a count of fields."""

    __slots__ = ("_fields", "_head", "_known", "_rules", "_target", "_widest", "size")

    def __init__(self, rules: FieldRules, *, head: int, fields: int, field: int, target: int) -> None:
        self._rules = rules
        self._head = head
        self._fields = fields
        self._widest = field
        self._target = target
        self._known: dict[bytes, RequestFields] = {}
        # Bytes of the head that was read last.
        self.size = 0

    def __repr__(self) -> str:
        return f"OrdinaryHeads({len(self._known)} blocks known)"

    def read(self, buffer: bytes) -> RequestHead | None:
        """The head at the beginning of `buffer`, if it is whole and ordinary; `size` is its length."""
        line = _LINE.match(buffer)
        if line is None:
            return None
        start = line.end()
        end = buffer.find(b"\r\n\r\n", start)
        if end < 0:
            return None
        self.size = size = end + 4
        method, path, query = line.groups(b"")
        if size > self._head or len(path) + len(query) > self._target:
            return None
        block = buffer[start:end]  # each line with its CRLF before it
        authorization: list[bytes] = []
        at = block.find(_AUTHORIZATION[0])
        if at < 0:
            at = block.find(_AUTHORIZATION[1])
        if at >= 0:
            begin = at + _NAME_LENGTH
            stop = block.find(b"\r\n", begin)
            value = block[begin:] if stop < 0 else block[begin:stop]
            if len(value) > self._widest or value.translate(None, _VALUE_BYTES):
                return None
            authorization.append(value.strip(b" \t"))
            block = block[:at] if stop < 0 else block[:at] + block[stop:]
        fields = self._known.get(block)
        if fields is None:
            fields = self._judge(block, authorization)
            if fields is None:
                return None
        return RequestHead(
            method.decode("ascii"), path.decode("ascii"), query.decode("ascii"), fields, authorization
        )

    def _judge(self, block: bytes, authorization: list[bytes]) -> RequestFields | None:
        """What these lines mean; further credentials found among them go to `authorization`."""
        pairs = []
        for line in block.split(b"\r\n")[1:]:
            match = _FIELD.fullmatch(line)
            if match is None or len(line) > self._widest:
                return None
            pairs.append((match[1], match[2].strip(b" \t")))
        if len(pairs) >= self._fields:  # with a credential, one more
            return None
        read = read_fields(pairs, 1, self._rules)
        if isinstance(read, Deny):
            return None
        fields, further = read
        if fields.chunked and _CODING.search(block) is None:
            return None
        if further:
            authorization += further
        elif len(block) <= _REMEMBERED_LENGTH and _PRIVATE.search(block) is None:
            if len(self._known) >= _MEMORY:
                self._known.clear()
            self._known[block] = fields
        return fields
