"""The fields of a request: one meaning, or a refusal. Framing, Host and connection options are judged here.

Follows RFC 9112 sections 5 and 6, and refuses wherever that leaves two readings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.core.fields import Field, FieldRules
from gateway.core.policy import Deny
from gateway.core.reasons import Code

MAX_CONTENT_LENGTH: Final = 2**53
_DIGITS: Final = re.compile(rb"[0-9]{1,17}")
# RFC 3986 section 3.2.2 without the comma: in X-Forwarded-Host it would make two hosts of one.
_HOST: Final = re.compile(
    rb"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9\-._~!$&'()*+;=]|%[0-9A-Fa-f]{2})+)(?::([0-9]{0,5}))?"
)
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._\-]{1,128}")
# Bound once: on Python 3.11 a member of an enum costs as much to look up as to compare a short string.
_F_KEEP: Final = Field.KEEP
_F_DROP: Final = Field.DROP
_F_HOST: Final = Field.HOST
_F_AUTHORIZATION: Final = Field.AUTHORIZATION
_F_CONNECTION: Final = Field.CONNECTION
_F_VERSION: Final = Field.VERSION
_F_CONTENT_LENGTH: Final = Field.CONTENT_LENGTH
_F_TRANSFER_ENCODING: Final = Field.TRANSFER_ENCODING
_F_REQUEST_ID: Final = Field.REQUEST_ID
_F_EXPECT: Final = Field.EXPECT
_F_UPGRADE: Final = Field.UPGRADE
_F_FORWARDED_FOR: Final = Field.FORWARDED_FOR
_F_FORWARDED_PROTO: Final = Field.FORWARDED_PROTO
_F_FORWARDED_HOST: Final = Field.FORWARDED_HOST
_F_ORIGIN: Final = Field.ORIGIN


@dataclass(slots=True)
class RequestFields:
    """What the fields of a request say, once they have one meaning. Not frozen for its cost alone; nobody changes it.

    A caller that sends the same bytes again says the same again, so one of these may serve many requests.

    `kept` are the lines `name: value` that travel on as they came; `lines` are the same as one block, each begun by CRLF,
    with our framing behind them. `content_length` is None without that field;
    `chunked` and a length exclude each other. `api_versions` are the values of `Version`. The values of `Authorization`
    are not among them: those are each request's own.
    """

    http_minor: int
    host: bytes
    kept: list[bytes]
    lines: bytes
    content_length: int | None
    chunked: bool
    keep_alive: bool
    expects_continue: bool
    upgrade: bytes
    request_id: bytes
    api_versions: list[str]
    forwarded_for: list[bytes]
    forwarded_proto: bytes
    forwarded_host: bytes
    origin: bytes
    has_body: bool


def bad(detail: str) -> Deny:
    """The refusal of what is no valid HTTP."""
    return Deny(Code.BAD_REQUEST, detail=detail)


def read_fields(
    fields: Sequence[tuple[bytes, bytes]], http_minor: int, rules: FieldRules
) -> tuple[RequestFields, list[bytes]] | Deny:
    """Judge fields, and set the values of `Authorization` apart.

    `fields` are names and values as they came, surrounding blanks stripped. The refusal is `bad_request`.
    """
    kept: list[bytes] = []
    authorization: list[bytes] = []
    forwarded_for: list[bytes] = []
    api_versions: list[str] = []
    hosts = lengths = codings = request_ids = 0
    host = length = coding = request_id = upgrade = expect = b""
    forwarded_proto = forwarded_host = origin = b""
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
        elif kind is _F_HOST:
            hosts += 1
            host = value
        elif kind is _F_AUTHORIZATION:
            authorization.append(value)
        elif kind is _F_CONNECTION:
            connection.append(value)
        elif kind is _F_VERSION:
            api_versions.append(value.decode("latin-1"))
            kept.append(name + b": " + value)
        elif kind is _F_CONTENT_LENGTH:
            lengths += 1
            length = value
        elif kind is _F_TRANSFER_ENCODING:
            codings += 1
            coding = value
        elif kind is _F_REQUEST_ID:
            request_ids += 1
            request_id = value
        elif kind is _F_EXPECT:
            expect = value
        elif kind is _F_UPGRADE:
            upgrade = upgrade + b", " + value if upgrade else value
        elif kind is _F_FORWARDED_FOR:
            forwarded_for.append(value)
        elif kind is _F_FORWARDED_PROTO:
            forwarded_proto = value
        elif kind is _F_FORWARDED_HOST:
            forwarded_host = value
        elif kind is _F_ORIGIN:
            origin = value
            kept.append(name + b": " + value)
        else:
            return bad("a field name is not a token")

    if hosts != 1 and (hosts or http_minor):
        return bad("there must be exactly one Host field")
    if hosts and not valid_host(host):
        return bad("the Host field is malformed")
    framing = _read_framing(lengths, length, codings, coding, http_minor)
    if isinstance(framing, Deny):
        return framing
    if connection:
        options = _connection_options(connection)
        nominated = options - _PLAIN_OPTIONS
        if nominated:
            kept = [line for line in kept if line[: line.index(b":")].lower() not in nominated]
            if b"version" in nominated:
                api_versions = []
        keep_alive = b"close" not in options and (http_minor == 1 or b"keep-alive" in options)
        if b"upgrade" not in options:
            upgrade = b""
    else:
        keep_alive = http_minor == 1
        upgrade = b""
    if request_ids != 1 or _REQUEST_ID.fullmatch(request_id) is None:
        request_id = b""
    content_length, chunked = framing
    found = RequestFields(
        http_minor,
        host,
        kept,
        _as_block(kept, content_length, chunked=chunked),
        content_length,
        chunked,
        keep_alive,
        http_minor == 1 and expect.lower() == b"100-continue",
        upgrade,
        request_id,
        api_versions,
        forwarded_for,
        forwarded_proto,
        forwarded_host,
        origin,
        chunked or bool(content_length),
    )
    return found, authorization


def _as_block(kept: list[bytes], content_length: int | None, *, chunked: bool) -> bytes:
    lines = [b"", *kept]
    if content_length is not None:
        lines.append(b"Content-Length: %d" % content_length)
    elif chunked:
        lines.append(b"Transfer-Encoding: chunked")
    return b"\r\n".join(lines)


def given_request_id(fields: Sequence[tuple[bytes, bytes]], rules: FieldRules) -> bytes:
    """The request id in the fields of a head that is refused as a whole; empty where there is none to be repeated."""
    given = [value for name, value in fields if (rules.known.get(name) or rules.judge(name)) is _F_REQUEST_ID]
    return given[0] if len(given) == 1 and _REQUEST_ID.fullmatch(given[0]) is not None else b""


_PLAIN_OPTIONS: Final = frozenset({b"close", b"keep-alive", b"upgrade", b""})
_KEEP_ALIVE: Final = frozenset({b"keep-alive"})


def _connection_options(values: list[bytes]) -> frozenset[bytes]:
    if len(values) == 1 and values[0] == b"keep-alive":
        return _KEEP_ALIVE
    return frozenset(option.strip(b" \t").lower() for option in b",".join(values).split(b","))


def valid_host(host: bytes) -> bool:
    """Whether this may stand in Host."""
    match = _HOST.fullmatch(host)
    return match is not None and (not match[1] or int(match[1]) <= 65535)


def _read_framing(
    lengths: int, length: bytes, codings: int, coding: bytes, http_minor: int
) -> tuple[int | None, bool] | Deny:
    if not lengths and not codings:
        return None, False
    if lengths and codings:
        return bad("Content-Length together with Transfer-Encoding")
    if lengths:
        if lengths > 1 or _DIGITS.fullmatch(length) is None or int(length) > MAX_CONTENT_LENGTH:
            return bad("Content-Length is not one number of bytes")
        return int(length), False
    if codings > 1 or coding.lower() != b"chunked":
        return bad("Transfer-Encoding is not chunked alone")
    if http_minor == 0:
        return bad("Transfer-Encoding in HTTP/1.0")
    return None, True
