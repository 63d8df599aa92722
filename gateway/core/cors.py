"""Cross-origin calls from browsers: which preflights are answered, and what answers carry (the Fetch standard, 3.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_HEADER_LIST: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z, \t]{0,4096}")
_METHOD: Final = re.compile(rb"[A-Z]{1,32}")
# What a page may read of an answer besides the few fields that every page may.
_EXPOSED: Final = (
    b"X-Request-Id, Retry-After, WWW-Authenticate, X-RateLimit-Max, X-RateLimit-Remaining, "
    b"X-RateLimit-Interval-Milliseconds, X-RateLimit-Limit-Daily, X-RateLimit-Daily-Remaining"
)
_MAX_AGE_SECONDS: Final = 600
_PREFIX: Final = b"access-control-"


def _allowing(origin: bytes) -> bytes:
    return b"Access-Control-Allow-Origin: %b\r\nAccess-Control-Expose-Headers: %b\r\n" % (origin, _EXPOSED)


def without_cors(lines: Iterable[bytes]) -> list[bytes]:
    """The field lines of an upstream without what it says of origins: where the operator does, it does not."""
    return [line for line in lines if line[: len(_PREFIX)].lower() != _PREFIX]


@dataclass(frozen=True, slots=True)
class CorsPolicy:
    """The allowed origins, as browsers write them; `*` is all. Credentials such as cookies are never allowed."""

    origins: frozenset[bytes]

    def allows(self, origin: bytes) -> bool:
        """Whether pages of this origin may call."""
        return bool(origin) and (b"*" in self.origins or origin in self.origins)

    def lines(self, origin: bytes) -> bytes:
        """The lines of an answer to a page of this origin, or to no page, each ended by CRLF."""
        if b"*" in self.origins:
            return _allowing(b"*") if origin else b""
        # Caches must keep apart what each origin was told, strangers included.
        return (_allowing(origin) if self.allows(origin) else b"") + b"Vary: Origin\r\n"

    def preflight(self, origin: bytes, method: bytes, headers: bytes | None) -> bytes | None:
        """The lines that answer a preflight, or None when it asks for what cannot be."""
        if not self.allows(origin) or _METHOD.fullmatch(method) is None:
            return None
        if headers is not None and _HEADER_LIST.fullmatch(headers) is None:
            return None
        lines = self.lines(origin) + b"Access-Control-Allow-Methods: %b\r\n" % method
        if headers:
            lines += b"Access-Control-Allow-Headers: %b\r\n" % headers
        return lines + b"Access-Control-Max-Age: %d\r\n" % _MAX_AGE_SECONDS
