"""A head of the ordinary kind is read as the parser's reading is judged, or not at all."""

from __future__ import annotations

import asyncio
from unittest.mock import Mock

import pytest
from aiohttp.base_protocol import BaseProtocol
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.core.fields import FieldRules
from gateway.core.ordinary_head import OrdinaryHeads
from gateway.core.policy import Deny
from gateway.core.request import RequestHead, read_request
from gateway.proxy.gate import Limits
from gateway.proxy.heads import HeadReader

RULES = FieldRules(identity_prefix=b"X-Gateway-")
HEAD, FIELDS, FIELD, TARGET = 500, 8, 200, 60
PLAIN = (
    b"GET /contacts/c1?limit=20 HTTP/1.1\r\nHost: api.example.com\r\nAccept: */*\r\n"
    b"Authorization: Bearer x \r\nX-A: \xe9\r\nConnection: keep-alive\r\n\r\n"
)


def heads() -> OrdinaryHeads:
    return OrdinaryHeads(RULES, head=HEAD, fields=FIELDS, field=FIELD, target=TARGET)


def the_long_way(data: bytes) -> RequestHead | Deny | None:
    """What aiohttp's parser and `read_request` make of the same bytes."""
    loop = Mock(spec=asyncio.AbstractEventLoop)
    limits = Limits(head=HEAD, headers=FIELDS, field=FIELD, target=TARGET)
    head = HeadReader(BaseProtocol(loop), loop, limits).read(data)
    if head is None or isinstance(head, Deny):
        return head
    message = head.message
    return read_request(
        message.method, message.path, head.http_minor, message.raw_headers, rules=RULES, scheme="http"
    )


def test_the_ordinary_is_read() -> None:
    reader = heads()
    for method in (b"GET", b"POST", b"PUT", b"DELETE", b"PATCH", b"HEAD", b"OPTIONS"):
        for target in (b"/", b"/contacts/c1", b"/contacts/c1?locationId=x&limit=20", b"/%41?%zz", b"/?"):
            data = PLAIN.replace(b"GET /contacts/c1?limit=20", method + b" " + target)
            found = reader.read(data + b"next")
            assert found is not None
            assert found == the_long_way(data)
            assert reader.size == len(data)
            assert found.authorization == [b"Bearer x"]


@pytest.mark.parametrize(
    "data",
    [
        PLAIN[:-1],
        PLAIN[:-2],
        b" " + PLAIN,
        b"\r\n" + PLAIN,
        PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0"),
        PLAIN.replace(b"HTTP/1.1", b"HTTP/2.0"),
        PLAIN.replace(b"GET ", b"get "),
        PLAIN.replace(b"GET ", b"TRACE "),
        PLAIN.replace(b"GET ", b"PROPFIND "),
        PLAIN.replace(b"GET ", b"GET  "),
        PLAIN.replace(b" /contacts", b" //contacts"),
        PLAIN.replace(b" /contacts", b" http://api.example.com/contacts"),
        PLAIN.replace(b"limit=20", b"limit=#20"),
        PLAIN.replace(b"c1?", b"c1#?"),
        PLAIN.replace(b"\r\n", b"\n"),
        PLAIN.replace(b"Host: api.example.com\r\n", b""),
        PLAIN.replace(b"Accept: */*", b"Host: api.example.com"),
        PLAIN.replace(b"Accept: */*", b"Accept : */*"),
        PLAIN.replace(b"Accept: */*", b"Accept: */*\r\n folded"),
        PLAIN.replace(b"Accept: */*", b"Accept: a\0b"),
        PLAIN.replace(b"Accept: */*", b"Accept: a\rX: b"),
        PLAIN.replace(b"Accept: */*", b"Accept: a\nX: b"),
        PLAIN.replace(b"Accept: */*", b"Accept"),
        PLAIN.replace(b"Accept: */*", b": */*"),
        PLAIN.replace(b"Accept: */*", b"Content-Length: 1\r\nContent-Length: 1"),
        PLAIN.replace(b"Accept: */*", b"Content-Length: 1\r\nTransfer-Encoding: chunked"),
        PLAIN.replace(b"Accept: */*", b"Transfer-Encoding: gzip"),
        PLAIN.replace(b"Bearer x", b"Bearer \0"),
        PLAIN.replace(b"Bearer x", b"Bearer x\r y"),
        PLAIN.replace(b"Bearer x", b"Bearer x\nX: y"),
        PLAIN.replace(b"Bearer x", b"Bearer " + b"x" * FIELD),
        PLAIN.replace(b"Accept: */*", b"Accept: " + b"x" * FIELD),
        PLAIN.replace(b"Accept: */*", b"\r\n".join([b"A: b"] * FIELDS)),
        PLAIN.replace(b"Accept: */*", b"\r\n".join([b"A: " + b"b" * 150] * 4)),
        PLAIN.replace(b"/contacts/c1", b"/" + b"c" * TARGET),
        b"",
    ],
)
def test_anything_else_goes_the_long_way(data: bytes) -> None:
    assert heads().read(data) is None


NAMES = st.sampled_from(
    [
        *(b"Host", b"host", b"Authorization", b"authorization", b"AUTHORIZATION", b"Proxy-Authorization"),
        *(b"Content-Length", b"Transfer-Encoding", b"Connection", b"Upgrade", b"Expect", b"Version"),
        *(
            b"X-Request-Id",
            b"X-Forwarded-For",
            b"X-Gateway-Scopes",
            b"Accept",
            b"X_A",
            b"Origin",
            b"Content-Type",
            b"user-agent",
            b"Sec-WebSocket-Key1",
            b"A uthorization",
        ),
    ]
)
VALUES = st.one_of(
    st.sampled_from(
        [
            *(b"api.example.com", b"Bearer x", b"0", b"5", b"+5", b"chunked", b"close", b"keep-alive, x-a"),
            *(
                b"upgrade",
                b"websocket",
                b"100-continue",
                b"",
                b" \t",
                b"a, b",
                b"\xe9",
                b"a\r\nAuthorization: Bearer z",
                b"chunked\t",
                b"\t chunked",
            ),
        ]
    ),
    st.binary(max_size=6),
)
TARGETS = st.one_of(
    st.sampled_from(
        [b"/", b"/a?b", b"//a", b"*", b"/a#b", b"/?\x7f", b"/?", b"/a??b=/?", b"/%zz", b"a", b"/;"]
    ),
    st.binary(max_size=6).map(lambda data: b"/" + data),
)


@given(
    method=st.sampled_from([b"GET", b"POST", b"HEAD", b"OPTIONS", b"CONNECT", b"M-SEARCH", b"get"]),
    target=TARGETS,
    version=st.sampled_from([b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.2"]),
    fields=st.lists(st.tuples(NAMES, st.sampled_from([b":", b": ", b" :"]), VALUES), max_size=6),
    host=st.booleans(),
)
@example(
    method=b"GET",
    target=b"/",
    version=b"HTTP/1.1",
    fields=[(b"Authorization", b":", b"Bearer x"), (b"AUTHORIZATION", b": ", b"Bearer y")],
    host=True,
)
@example(
    method=b"GET",
    target=b"/",
    version=b"HTTP/1.1",
    fields=[
        (b"Content-Type", b": ", b"a"),
        (b"content-type", b": ", b"b"),
        (b"Sec-WebSocket-Key1", b":", b""),
    ],
    host=True,
)
@example(
    method=b"GET",
    target=b"/",
    version=b"HTTP/1.1",
    fields=[(b"Transfer-Encoding", b": ", b"chunked\t")],
    host=True,
)
def test_it_agrees_with_the_long_way(
    method: bytes, target: bytes, version: bytes, fields: list[tuple[bytes, bytes, bytes]], host: bool
) -> None:
    lines = b"".join(name + colon + value + b"\r\n" for name, colon, value in fields)
    if host:
        lines = b"Host: api.example.com\r\n" + lines
    data = b"%b %b %b\r\n%b\r\n" % (method, target, version, lines)
    reader = heads()
    for _ in range(2):  # judged, and remembered
        found = reader.read(data)
        if found is None:
            return
        anew = the_long_way(data[: reader.size])
        assert isinstance(anew, RequestHead)
        assert sorted(found.authorization) == sorted(anew.authorization)
        found.authorization = anew.authorization
        assert found == anew


def test_no_credential_is_remembered() -> None:
    reader = heads()
    for spelling in (b"Authorization: ", b"authorization: ", b"AUTHORIZATION: ", b"Authorization:"):
        for more in (
            b"X-A: 1",
            b"aUthorization: Bearer second-secret",
            b"Cookie: second-secret",
            b"X-Api-Key: second-secret",
        ):
            data = PLAIN.replace(b"Authorization: Bearer x", spelling + b"Bearer first-secret\r\n" + more)
            found = reader.read(data)
            assert found is not None
            assert b"Bearer first-secret" in found.authorization
            assert not any(b"secret" in block for block in reader._known)
    assert len(reader._known) == 1


def test_another_credential_is_not_another_block() -> None:
    reader = heads()
    for number in range(100):
        found = reader.read(PLAIN.replace(b"Bearer x", b"Bearer %d" % number))
        assert found is not None
        assert found.authorization == [b"Bearer %d" % number]
    assert len(reader._known) == 1


def test_the_memory_is_bounded() -> None:
    reader = heads()
    for number in range(5000):
        assert reader.read(PLAIN.replace(b"X-A: \xe9", b"X-A: %d" % number)) is not None
    assert len(reader._known) <= 2048
