"""A form with a file as browsers send it (RFC 7578): fields and files, from a body that was read whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Final

_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_NAMED: Final = re.compile(
    rb'^content-disposition: *form-data; *name="([^"\r\n]*)"(?:; *(filename\*?=[^\r\n]*))?',
    re.IGNORECASE | re.MULTILINE,
)
# What is sent where no file was chosen.
_NO_FILE: Final = re.compile(rb'filename=""', re.IGNORECASE)


class MalformedParts(ValueError):
    """What was sent is no form with parts."""


@dataclass(frozen=True, slots=True)
class Part:
    """A field, or a file that was chosen; the repr does not show what is in it."""

    name: str
    content: bytes
    is_file: bool

    def __repr__(self) -> str:
        return f"Part({self.name!r}, {len(self.content)} bytes)"


def boundary_of(content_type: str) -> bytes:
    """What stands between the parts. Raises MalformedParts when the header names none."""
    header = Message()
    header["Content-Type"] = content_type
    found = header.get_boundary("")
    if _BOUNDARY.fullmatch(found) is None:
        raise MalformedParts("no boundary")
    return found.encode("ascii")


def parts(body: bytes, boundary: bytes, *, most: int) -> Iterator[Part]:
    """The parts in their order, without files that were not chosen. Raises MalformedParts for what no browser sends."""
    _, *pieces = (b"\r\n" + body).split(b"\r\n--" + boundary, most + 2)
    if not pieces or len(pieces) > most + 1 or not pieces[-1].startswith(b"--"):
        raise MalformedParts("not whole, or too much")
    for piece in pieces[:-1]:
        head, blank, content = piece.partition(b"\r\n\r\n")
        named = _NAMED.search(head)
        if not (head.startswith(b"\r\n") and blank) or named is None:
            raise MalformedParts("a part without a name")
        filename = named[2]
        if filename is None or _NO_FILE.match(filename) is None:
            yield Part(_text(named[1]), content, is_file=filename is not None)


def _text(name: bytes) -> str:
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedParts("a name that is not UTF-8") from None
