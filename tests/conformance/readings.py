"""Every way in which a server may read a path, and the part of the path space that each reading lands in."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes

_STEPS_DEEP: Final = 3
_AUTHORITY: Final = re.compile(rb"^[A-Za-z]+://[^/]*")
_UNRESERVED: Final = re.compile(rb"%(2[DdEe]|3[0-9]|4[1-9A-Fa-f]|5[0-9AaFf]|6[1-9A-Fa-f]|7[0-9AaEe])")


def _undotted(path: bytes) -> bytes:
    kept: list[bytes] = []
    for segment in path.split(b"/"):
        if segment == b"..":
            del kept[max(1, len(kept) - 1) :]
        elif segment != b".":
            kept.append(segment)
    return b"/".join(kept)


def _without_parameters(path: bytes) -> bytes:
    return re.sub(rb";[^/]*", b"", path)


_WAYS: Final = (
    unquote_to_bytes,
    _undotted,
    _without_parameters,
    lambda path: path.replace(b"\\", b"/"),
    lambda path: re.sub(rb"/{2,}", b"/", path),
    lambda path: path.partition(b"\0")[0],
    lambda path: path.partition(b"#")[0],
    lambda path: path.partition(b"?")[0],
)


def readings(path: bytes) -> frozenset[bytes]:
    """The path as it came, and all that servers make of it by decoding, resolving, cutting and joining, in any order."""
    found = {path}
    frontier = {path}
    for _ in range(_STEPS_DEEP):
        frontier = {way(known) for known in frontier for way in _WAYS} - found
        found |= frontier
    return frozenset(found)


def areas(path: bytes) -> frozenset[bytes]:
    """The first two segments of each reading: routes that need different scopes lie in different areas.

    An absolute URL is read without its authority; escapes of unreserved characters mean nothing but themselves.
    """
    path = _AUTHORITY.sub(b"", path)
    path = _UNRESERVED.sub(lambda match: bytes.fromhex(match[1].decode("ascii")), path)
    return frozenset(b"/".join(reading.split(b"/")[:3]) for reading in readings(path))
