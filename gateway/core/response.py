"""The head of an upstream's response: how it is framed and which of its fields travel on, or what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from gateway.core.fields import ResponseField, ResponseFieldRules
from gateway.core.request_fields import MAX_CONTENT_LENGTH


class Framing(Enum):
    """How the end of a response body is known (RFC 9112 section 6.3)."""

    NONE = "none"
    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"


@dataclass(slots=True, eq=False)
class ResponseHead:
    """A final or interim response that has one meaning. Not frozen for its cost alone; nobody changes it.

    `kept` are the lines `name: value` that travel on, `Content-Length` among them where it may be said. `content_length`
    is the field's value, which in an answer to HEAD and in a 304 speaks of a body that does not follow. `reusable`: the
    connection may carry another request.
    """

    status: int
    reason: bytes
    kept: list[bytes]
    framing: Framing
    content_length: int | None
    reusable: bool
    upgrade: bytes


_NONE: Final = Framing.NONE
_LENGTH: Final = Framing.LENGTH
_CHUNKED: Final = Framing.CHUNKED
_CLOSE: Final = Framing.CLOSE


class BadResponse(Exception):
    """The upstream's answer is malformed or ambiguous. The text is for the log."""


# Bound once: see `core.request`.
_F_KEEP: Final = ResponseField.KEEP
_F_DROP: Final = ResponseField.DROP
_F_CONTENT_LENGTH: Final = ResponseField.CONTENT_LENGTH
_F_TRANSFER_ENCODING: Final = ResponseField.TRANSFER_ENCODING
_F_CONNECTION: Final = ResponseField.CONNECTION
_F_UPGRADE: Final = ResponseField.UPGRADE
_DIGITS: Final = re.compile(rb"[0-9]{1,17}")
# What a connection says of itself, and the framing that a nomination cannot take away.
_PLAIN_OPTIONS: Final = frozenset({b"close", b"keep-alive", b"upgrade", b"content-length", b""})
_CONTROLS: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


def read_response(
    status: int,
    reason: bytes,
    http_minor: int,
    fields: Sequence[tuple[bytes, bytes]],
    *,
    rules: ResponseFieldRules,
    request_method: str,
) -> ResponseHead:
    """Judge a parsed response head. Raises BadResponse when it has no meaning, or two."""
    if not 100 <= status <= 599:
        raise BadResponse(f"status {status}")
    kept: list[bytes] = []
    content_length: int | None = None
    codings = 0
    coding = upgrade = b""
    connection: list[bytes] = []
    known = rules.known.get
    for name, value in fields:
        kind = known(name)
        if kind is None:
            kind = rules.judge(name)
        if kind is _F_KEEP:
            kept.append(name + b": " + value)
        elif kind is _F_DROP:
            continue
        elif kind is _F_CONTENT_LENGTH:
            if content_length is not None:
                raise BadResponse("Content-Length is not one number of bytes")
            content_length = _read_length(value)
            kept.append(b"%b: %d" % (name, content_length))
        elif kind is _F_TRANSFER_ENCODING:
            codings += 1
            coding = value
        elif kind is _F_CONNECTION:
            connection.append(value)
        elif kind is _F_UPGRADE:
            upgrade = value
        else:
            raise BadResponse("a field name is not a token")
    if codings and (codings > 1 or coding.lower() != b"chunked" or http_minor == 0):
        raise BadResponse("Transfer-Encoding is not chunked alone")
    if content_length is not None and codings:
        raise BadResponse("Content-Length together with Transfer-Encoding")
    if _CONTROLS.search(reason):
        raise BadResponse("the reason phrase holds a control character")
    reusable = http_minor == 1
    if connection:
        options = {option.strip(b" \t").lower() for option in b",".join(connection).split(b",")}
        reusable = reusable and b"close" not in options
        nominated = options - _PLAIN_OPTIONS
        if nominated:
            kept = [line for line in kept if line[: line.index(b":")].lower() not in nominated]
    framing = _framing(status, request_method, content_length, chunked=bool(codings))
    if content_length is not None and (status < 200 or status == 204):
        kept = [line for line in kept if line[: line.index(b":")].lower() != b"content-length"]
    if framing is _CLOSE:
        reusable = False
    return ResponseHead(status, reason, kept, framing, content_length, reusable, upgrade)


def _read_length(value: bytes) -> int:
    if _DIGITS.fullmatch(value) is None or (length := int(value)) > MAX_CONTENT_LENGTH:
        raise BadResponse("Content-Length is not one number of bytes")
    return length


def _framing(status: int, method: str, content_length: int | None, *, chunked: bool) -> Framing:
    if status < 200 or status == 204:
        # RFC 9110 section 8.6, RFC 9112 section 6.1: neither field may stand here. A zero is a harmless habit.
        if chunked or content_length:
            raise BadResponse(f"a body was announced where status {status} has none")
        return _NONE
    if method == "HEAD" or status == 304:
        return _NONE
    if chunked:
        return _CHUNKED
    return _CLOSE if content_length is None else _LENGTH
