"""Which header fields travel, which stop here, and which mean something to the gateway itself: one table.

A name is judged once per distinct spelling and remembered, in a bounded memory.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Final


class Field(IntEnum):
    """What a request field is to the gateway. From `HOST` on, its value is looked at."""

    KEEP = 0
    DROP = 1
    INVALID = 2
    HOST = 3
    CONTENT_LENGTH = 4
    TRANSFER_ENCODING = 5
    CONNECTION = 6
    AUTHORIZATION = 7
    EXPECT = 8
    UPGRADE = 9
    REQUEST_ID = 10
    FORWARDED_FOR = 11
    FORWARDED_PROTO = 12
    FORWARDED_HOST = 13
    VERSION = 14
    ORIGIN = 15


# RFC 9110 section 5.6.2.
TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

_SPECIAL: Final[dict[bytes, Field]] = {
    b"host": Field.HOST,
    b"content-length": Field.CONTENT_LENGTH,
    b"transfer-encoding": Field.TRANSFER_ENCODING,
    b"connection": Field.CONNECTION,
    b"authorization": Field.AUTHORIZATION,
    b"expect": Field.EXPECT,
    b"upgrade": Field.UPGRADE,
    b"x-request-id": Field.REQUEST_ID,
    b"x-forwarded-for": Field.FORWARDED_FOR,
    b"x-forwarded-proto": Field.FORWARDED_PROTO,
    b"x-forwarded-host": Field.FORWARDED_HOST,
    b"version": Field.VERSION,
    b"origin": Field.ORIGIN,
}

# RFC 9110 section 7.6.1, and what older relays treat the same way.
HOP_BY_HOP: Final = frozenset(
    {b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)

# `proxy` becomes the variable HTTP_PROXY in CGI-like upstreams; the others claim an address, a method or a URL.
_DROPPED: Final = HOP_BY_HOP | {
    b"proxy",
    b"forwarded",
    b"x-real-ip",
    b"x-client-ip",
    b"true-client-ip",
    b"x-rewrite-url",
    b"x-method-override",
}
_DROPPED_PREFIXES: Final = (b"proxy-", b"x-forwarded-", b"x-original-", b"x-http-method")

# Names that CGI, FastCGI and PHP make one of: some servers turn only `-` into `_`, others `.` too or all that is no
# letter or digit.
_ALIKE: Final = bytes(
    code if chr(code).isascii() and chr(code).isalnum() else ord("-") for code in range(256)
)

_MEMORY: Final = 4096
# Longer names are judged each time: callers shall not fill the memory with them.
_REMEMBERED_LENGTH: Final = 64


class FieldRules:
    """Judges request field names for one identity prefix (such as `X-Gateway-`) and one policy for underscores."""

    __slots__ = ("_identity_prefix", "_pass_underscores", "known")

    def __init__(self, *, identity_prefix: bytes, pass_underscores: bool = False) -> None:
        self._identity_prefix = identity_prefix.lower().translate(_ALIKE)
        self._pass_underscores = pass_underscores
        self.known: dict[bytes, Field] = {}

    def __repr__(self) -> str:
        return f"FieldRules({self._identity_prefix!r}, {len(self.known)} names known)"

    def judge(self, name: bytes) -> Field:
        """What the field of this name is, in whatever spelling."""
        found = self.known.get(name)
        if found is None:
            found = self._classify(name)
            if len(name) <= _REMEMBERED_LENGTH:
                if len(self.known) >= _MEMORY:
                    self.known.clear()
                self.known[name] = found
        return found

    def _classify(self, name: bytes) -> Field:
        if TOKEN.fullmatch(name) is None:
            return Field.INVALID
        lower = name.lower()
        # A look-alike is the thing itself (CVE-2025-64484 was this).
        alike = lower.translate(_ALIKE)
        if alike.startswith(self._identity_prefix):
            return Field.DROP
        special = _SPECIAL.get(alike)
        if special is not None:
            return special if lower == alike else Field.DROP
        if alike in _DROPPED or alike.startswith(_DROPPED_PREFIXES):
            return Field.DROP
        if b"_" in lower and not self._pass_underscores:
            return Field.DROP
        return Field.KEEP


class ResponseField(IntEnum):
    """What a response field of an upstream is to the gateway."""

    KEEP = 0
    DROP = 1
    INVALID = 2
    CONTENT_LENGTH = 3
    TRANSFER_ENCODING = 4
    CONNECTION = 5
    UPGRADE = 6


_RESPONSE_SPECIAL: Final[dict[bytes, ResponseField]] = {
    b"content-length": ResponseField.CONTENT_LENGTH,
    b"transfer-encoding": ResponseField.TRANSFER_ENCODING,
    b"connection": ResponseField.CONNECTION,
    b"upgrade": ResponseField.UPGRADE,
    # The gateway's own id stands in the answer.
    b"x-request-id": ResponseField.DROP,
    b"keep-alive": ResponseField.DROP,
    b"proxy-connection": ResponseField.DROP,
    b"proxy-authenticate": ResponseField.DROP,
    b"te": ResponseField.DROP,
    b"trailer": ResponseField.DROP,
}


class ResponseFieldRules:
    """Judges response field names, each distinct spelling once."""

    __slots__ = ("known",)

    def __init__(self) -> None:
        self.known: dict[bytes, ResponseField] = {}

    def __repr__(self) -> str:
        return f"ResponseFieldRules({len(self.known)} names known)"

    def judge(self, name: bytes) -> ResponseField:
        """What the field of this name is, in whatever case."""
        found = self.known.get(name)
        if found is None:
            valid = TOKEN.fullmatch(name) is not None
            found = (
                _RESPONSE_SPECIAL.get(name.lower(), ResponseField.KEEP) if valid else ResponseField.INVALID
            )
            if len(name) <= _REMEMBERED_LENGTH:
                if len(self.known) >= _MEMORY:
                    self.known.clear()
                self.known[name] = found
        return found


def response_specials() -> frozenset[bytes]:
    """The response field names, in lower case, that are not simply passed on."""
    return frozenset(_RESPONSE_SPECIAL)
