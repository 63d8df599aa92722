"""One reading of a request path: canonical, or refused with the class that made it ambiguous.

What comes out is what the policy matches and what the upstream receives, byte for byte. The rules are RFC 3986 sections
2.2, 2.4 and 6.2.2, narrowed by the classes below, each of which some server reads in another way than its neighbour.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class PathClass(StrEnum):
    """A kind of path that two servers may read differently. An operator may permit single ones (`proxy.path_allow`)."""

    EMPTY_SEGMENT = "empty_segment"
    DOT_SEGMENT = "dot_segment"
    ENCODED_SLASH = "encoded_slash"
    ENCODED_BACKSLASH = "encoded_backslash"
    ENCODED_SEMICOLON = "encoded_semicolon"
    ENCODED_QUESTION = "encoded_question"
    ENCODED_HASH = "encoded_hash"
    ENCODED_NUL = "encoded_nul"
    ENCODED_CONTROL = "encoded_control"
    DOUBLE_ENCODING = "double_encoding"
    RAW_BACKSLASH = "raw_backslash"
    RAW_SEMICOLON = "raw_semicolon"


@dataclass(frozen=True, slots=True)
class RefusedPath:
    """Why a path was refused. `path_class` None: it is no URI path at all, and no setting permits it."""

    path_class: PathClass | None
    detail: str


_NOTHING_ALLOWED: Final[frozenset[PathClass]] = frozenset()
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# A path of plain pchars is canonical as it stands, unless it has an empty or a dot segment (RFC 3986 section 3.3).
_PLAIN: Final = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,=:@/]*")
_WELL_FORMED: Final = re.compile(r"/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/\\]|%[0-9A-Fa-f]{2})*")
_ESCAPE: Final = re.compile("%([0-9A-Fa-f]{2})")
_DOUBLE: Final = re.compile("%25[0-9A-Fa-f]{2}")
# Whatever else is permitted, `..` stays refused where a server would find it after its own reading: behind a slash or
# backslash in either form, and before path parameters (`..;x`), a decoded `?` or `#`, or a NUL that ends a C string.
_DOT_SEGMENT: Final = re.compile(r"(?:[/\\]|%2F|%5C)\.\.?(?:[/\\;]|%2F|%5C|%3B|%3F|%23|%00|\Z)")

_REFUSED_ESCAPES: Final[dict[str, PathClass]] = {
    "%2F": PathClass.ENCODED_SLASH,
    "%5C": PathClass.ENCODED_BACKSLASH,
    "%3B": PathClass.ENCODED_SEMICOLON,
    "%3F": PathClass.ENCODED_QUESTION,
    "%23": PathClass.ENCODED_HASH,
    "%00": PathClass.ENCODED_NUL,
    **{f"%{code:02X}": PathClass.ENCODED_CONTROL for code in (*range(1, 0x20), 0x7F)},
}


def canonical_path(path: str, allow: frozenset[PathClass] = _NOTHING_ALLOWED) -> str | RefusedPath:
    """Return `path` in its one canonical form, or why there is none.

    `path` is the request target up to the first `?`, not decoded. Escapes of unreserved characters are decoded and
    the hex digits of the others upper-cased (RFC 3986 section 6.2.2). Applying it to its own result changes nothing.
    """
    if _PLAIN.fullmatch(path) is not None and "//" not in path and "/." not in path:
        return path
    return _examine(path, allow)


def _examine(path: str, allow: frozenset[PathClass]) -> str | RefusedPath:
    if _WELL_FORMED.fullmatch(path) is None:
        return RefusedPath(None, _malformation(path))
    canonical = _ESCAPE.sub(_canonical_escape, path)
    for path_class, detail in _classes_of(canonical):
        if path_class not in allow:
            return RefusedPath(path_class, detail)
    return canonical


def _malformation(path: str) -> str:
    if not path.startswith("/"):
        return "the path does not begin with /"
    if re.search(r"%(?![0-9A-Fa-f]{2})", path):
        return "the path holds an invalid percent escape"
    return "the path holds a character that a URI path cannot hold"


def _canonical_escape(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else f"%{match[1].upper()}"


def _classes_of(canonical: str) -> list[tuple[PathClass, str]]:
    found: list[tuple[PathClass, str]] = []
    if "\\" in canonical:
        found.append((PathClass.RAW_BACKSLASH, "the path holds a backslash"))
    if ";" in canonical:
        found.append((PathClass.RAW_SEMICOLON, "the path holds a semicolon"))
    # Looked for after decoding: %25%32F is %252F.
    if _DOUBLE.search(canonical):
        found.append((PathClass.DOUBLE_ENCODING, "the path is percent-encoded twice"))
    for match in _ESCAPE.finditer(canonical):
        refused = _REFUSED_ESCAPES.get(match[0])
        if refused is not None:
            found.append((refused, f"the path holds {match[0]}"))
    if _DOT_SEGMENT.search(canonical):
        found.append((PathClass.DOT_SEGMENT, "the path holds a dot segment"))
    if "//" in canonical:
        found.append((PathClass.EMPTY_SEGMENT, "the path holds an empty segment"))
    return found
