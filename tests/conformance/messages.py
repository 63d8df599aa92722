"""Writes requests and responses, byte for byte as they are told: nothing here makes a message valid."""

from __future__ import annotations

from typing import Final

from tests.conformance.case import HIDDEN, LANE, NEXT, TOKEN

ITEM: Final = LANE + b"/items/1"
HOST: Final = b"Host: gateway.test"
AUTH: Final = b"Authorization: Bearer " + TOKEN


def lines(*parts: bytes) -> bytes:
    """A head of these lines."""
    return b"\r\n".join(parts) + b"\r\n\r\n"


def request(
    *fields: bytes,
    method: bytes = b"GET",
    target: bytes = ITEM,
    version: bytes = b"HTTP/1.1",
    body: bytes = b"",
) -> bytes:
    """A request with Host and a good token, these fields, and what follows the head."""
    return lines(method + b" " + target + b" " + version, HOST, AUTH, *fields) + body


def bare(*fields: bytes, method: bytes = b"GET", target: bytes = ITEM, body: bytes = b"") -> bytes:
    """A request with these fields and no others."""
    return lines(method + b" " + target + b" HTTP/1.1", *fields) + body


def post(*fields: bytes, body: bytes = b"", target: bytes = ITEM, version: bytes = b"HTTP/1.1") -> bytes:
    """A POST without any framing but that in `fields`."""
    return request(*fields, method=b"POST", target=target, version=version, body=body)


def sized(content: bytes, *fields: bytes, method: bytes = b"POST", target: bytes = ITEM) -> bytes:
    """A request with a body and its length."""
    return request(b"Content-Length: %d" % len(content), *fields, method=method, target=target, body=content)


def chunked(coded: bytes, *fields: bytes, target: bytes = ITEM, method: bytes = b"POST") -> bytes:
    """A request in the chunked coding, with these bytes for its coded body."""
    return request(b"Transfer-Encoding: chunked", *fields, method=method, target=target, body=coded)


def chunks(*pieces: bytes) -> bytes:
    """A well-formed chunked body."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


HIDDEN_REQUEST: Final = request(target=HIDDEN)
NEXT_REQUEST: Final = request(target=NEXT)


def response(
    *fields: bytes, status: bytes = b"200 OK", body: bytes = b"", version: bytes = b"HTTP/1.1"
) -> bytes:
    """A response of exactly these parts."""
    return lines(version + b" " + status, *fields) + body


OK: Final = response(b"Content-Length: 2", body=b"ok")
POISON: Final = response(b"Content-Length: 8", body=b"poisoned")
