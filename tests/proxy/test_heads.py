"""A head means the same however it is cut, and no parser decides by itself what a gateway passes on."""

from __future__ import annotations

import asyncio
from unittest.mock import Mock

import pytest
from aiohttp.base_protocol import BaseProtocol

from gateway.core.policy import Deny
from gateway.core.reasons import Code
from gateway.proxy.gate import Limits
from gateway.proxy.heads import Head, HeadReader


def reader() -> HeadReader:
    loop = Mock(spec=asyncio.AbstractEventLoop)
    return HeadReader(BaseProtocol(loop), loop, Limits(head=4000, headers=20, field=400, target=400))


def read(data: bytes, at: int, found: HeadReader | None = None) -> Head | Deny | None:
    """What is made of these bytes when the first `at` of them come before the others."""
    found = found or reader()
    first = found.read(data[:at]) if at else None
    return found.read(data) if first is None else first


REPEATED = (
    b"GET /contacts/c1 HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nUser-Agent: one\r\nX-A: xxxxxxxxxxxx\r\n"
    b"content-type: c/d\r\nUSER-AGENT: two\r\nUser-Agent: three\r\nSec-WebSocket-Key1: 4\r\nETag: x\r\nEtag: y\r\n\r\n"
)
FIELDS = (
    (b"Host", b"a"),
    (b"Content-Type", b"a/b"),
    (b"User-Agent", b"one"),
    (b"X-A", b"xxxxxxxxxxxx"),
    (b"content-type", b"c/d"),
    (b"USER-AGENT", b"two"),
    (b"User-Agent", b"three"),
    (b"Sec-WebSocket-Key1", b"4"),
    (b"ETag", b"x"),
    (b"Etag", b"y"),
)


def test_repeats_are_kept_in_their_order_however_the_head_is_cut() -> None:
    for at in range(len(REPEATED)):
        found = read(REPEATED, at)
        assert isinstance(found, Head), at
        assert (found.message.raw_headers, found.size) == (FIELDS, len(REPEATED))


def test_a_head_with_repeats_leaves_nothing_for_the_next() -> None:
    found = reader()
    for data in (REPEATED, REPEATED.replace(b"User-Agent", b"X-Agent-No"), REPEATED):
        head = read(data, 100, found)
        assert isinstance(head, Head)
        assert head.message.path == "/contacts/c1"
        assert len(head.message.raw_headers) == len(FIELDS)


@pytest.mark.parametrize(
    "line", [b"Host: b", b"Content-Length: 1\r\nContent-Length: 1", b"X A: b", b"X-A: \0", b" c"]
)
def test_what_has_a_second_meaning_is_refused_also_beside_repeats(line: bytes) -> None:
    data = REPEATED.replace(b"ETag: x", line)
    for at in range(len(data)):
        found = read(data, at)
        assert isinstance(found, Deny), at
        assert found.code is Code.BAD_REQUEST


def test_a_head_with_repeats_may_not_be_longer_than_others() -> None:
    found = read(REPEATED[:-2] + b"X-B: b\r\n" * 500, len(REPEATED))
    assert isinstance(found, Deny)
    assert found.code is Code.HEAD_TOO_LARGE


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"GET / HTTP/1.2", Code.PROTOCOL_UNSUPPORTED),
        (b"GET / HTTP/2.0", Code.PROTOCOL_UNSUPPORTED),
        (b"POST / HTTP/0.9", Code.PROTOCOL_UNSUPPORTED),
        (b"get / HTTP/0.9", Code.BAD_REQUEST),
        (b"GET contacts HTTP/0.9", Code.BAD_REQUEST),
        (b"GET / HTTP/1.1 ", Code.BAD_REQUEST),
    ],
)
def test_a_version_is_refused_alike_however_the_line_is_cut(line: bytes, code: Code) -> None:
    data = line + b"\r\nHost: a\r\n\r\n"
    for at in range(len(data)):
        found = read(data, at)
        assert isinstance(found, Deny), at
        assert (at, found.code) == (at, code)
