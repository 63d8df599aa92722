"""A response read in one piece says what the parser would have said, or nothing at all."""

from __future__ import annotations

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.fields import ResponseFieldRules
from gateway.core.response import Framing, read_response
from gateway.core.whole_response import LineMemory, read_whole

ORDINARY = b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nX-A: 1\r\nx-a: 2\r\n\r\nhello"


def test_an_ordinary_response_keeps_its_bytes() -> None:
    found = read_whole(ORDINARY, request_method="GET")
    assert found is not None
    assert (found.status, found.body, found.reusable) == (200, b"hello", True)
    assert b"\r\n".join([*found.lines, b"", found.body]) == ORDINARY


@pytest.mark.parametrize(
    "field",
    [
        b"Connection: keep-alive",
        b"connection:close",
        b"Keep-Alive: timeout=5",
        b"X-Request-ID: theirs",
        b"Proxy-Connection: keep-alive",
        b"TE: trailers",
        b"Trailer: X-A",
        b"Proxy-Authenticate: Basic",
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_ends_at_the_gateway_is_taken_out_wherever_it_stands(field: bytes, place: int) -> None:
    lines = [b"A: 1", b"Content-Length: 2"]
    lines.insert(place, field)
    found = read_whole(b"HTTP/1.1 201 Made\r\n" + b"\r\n".join(lines) + b"\r\n\r\nok", request_method="POST")
    assert found is not None
    assert found.lines == [b"HTTP/1.1 201 Made", b"A: 1", b"Content-Length: 2"]
    assert found.reusable is (b"close" not in field)


def test_what_is_remembered_is_the_very_line_and_no_secret() -> None:
    memory = LineMemory()
    cookie = b"Set-Cookie: id=1"
    data = ORDINARY.replace(b"Server: x", b"Server: x\r\n" + cookie)
    for _ in range(2):
        found = read_whole(data, request_method="GET", memory=memory)
        assert found is not None
        assert cookie in found.lines
        assert cookie not in memory.fields
    assert read_whole(data.replace(b"Server: x", b"Server:\0x"), request_method="GET", memory=memory) is None


def test_the_memory_of_lines_is_bounded() -> None:
    memory = LineMemory()
    for number in range(20_000):
        memory.judge_field(b"ETag: %d" % number)
        memory.judge_status(b"HTTP/1.1 200 %d" % number)
    assert max(len(memory.fields), len(memory.statuses)) <= 4096


@pytest.mark.parametrize(
    "data",
    [
        ORDINARY[:-1],
        ORDINARY + b"!",
        ORDINARY.replace(b"\r\n", b"\n"),
        ORDINARY.replace(b"Content-Length: 5", b"Content-Length: 5\r\nContent-Length: 5"),
        ORDINARY.replace(b"Content-Length: 5", b"Content-Length: +5"),
        ORDINARY.replace(b"Content-Length: 5", b"Content-Length: 5, 5"),
        ORDINARY.replace(b"Content-Length: 5", b"Content-Length : 5"),
        ORDINARY.replace(b"Content-Length: 5", b"Content-Length: 5\r\nTransfer-Encoding: chunked"),
        ORDINARY.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked"),
        ORDINARY.replace(b"Content-Length: 5\r\n", b""),
        ORDINARY.replace(b"Server: x", b"Server: x\r\n folded"),
        ORDINARY.replace(b"Server: x", b"Server: \0"),
        ORDINARY.replace(b"Server: x", b"Server:x"),
        ORDINARY.replace(b"Server: x", b"Server:  x"),
        ORDINARY.replace(b"Server: x", b"Server: x "),
        ORDINARY.replace(b"Server: x", b"Server:"),
        ORDINARY.replace(b"Content-Length: 5", b"Content-Length: 05"),
        ORDINARY.replace(b"Content-Length: 5", b"Content-Length:5"),
        ORDINARY.replace(b"Server: x", b"Connection: X-A"),
        ORDINARY.replace(b"Server: x", b"Connection: Upgrade\r\nUpgrade: h2c"),
        ORDINARY.replace(b"HTTP/1.1", b"HTTP/1.0"),
        ORDINARY.replace(b"HTTP/1.1", b"http/1.1"),
        ORDINARY.replace(b" 200 ", b" 100 "),
        ORDINARY.replace(b" 200 ", b" 101 "),
        ORDINARY.replace(b" 200 ", b" 204 "),
        ORDINARY.replace(b" 200 ", b" 304 "),
        ORDINARY.replace(b" 200 ", b" 600 "),
        ORDINARY.replace(b" 200 OK", b" 200"),
        ORDINARY.replace(b"Server: x", b"Server: x\rX-B: 1"),
        ORDINARY.replace(b"Server: x", b"Server: x\nX-B: 1"),
        ORDINARY.replace(b"Server: x", b"Server: x\r"),
        ORDINARY.replace(b"Server: x", b"Server"),
        ORDINARY.replace(b"Server: x", b": x"),
        ORDINARY.replace(b"Server: x", b"Transfer_Encoding chunked"),
        b"\r\n" + ORDINARY,
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + b"A: 1\r\n" * 101 + b"\r\n",
        b"",
    ],
)
def test_anything_else_is_left_to_the_parser(data: bytes) -> None:
    assert read_whole(data, request_method="GET") is None


def test_an_answer_to_a_head_is_left_to_the_parser() -> None:
    assert read_whole(ORDINARY, request_method="HEAD") is None


class Parsed:
    """What llhttp makes of the same bytes."""

    def __init__(self, data: bytes) -> None:
        self.fields: list[tuple[bytes, bytes]] = []
        self.reason = self.body = b""
        self.complete = 0
        parser = httptools.HttpResponseParser(self)
        parser.feed_data(data)
        self.status = parser.get_status_code()

    def on_status(self, status: bytes) -> None:
        self.reason += status

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name, value.strip(b" \t")))

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.complete += 1


NAMES = st.sampled_from(
    [
        b"Content-Length",
        b"content-length",
        b"Connection",
        b"X-Request-Id",
        b"Date",
        b"ETag",
        b"Keep-Alive",
        b"Vary",
    ]
)
VALUES = st.sampled_from(
    [b"0", b"2", b"3", b"close", b"keep-alive", b"Close", b"x", b"", b"a, b", b" 2", b"2 ", b"\xe9"]
)


@given(
    status=st.sampled_from([200, 201, 204, 301, 304, 404, 500]),
    fields=st.lists(st.tuples(NAMES, VALUES), max_size=5),
    length=st.booleans(),
    body=st.sampled_from([b"", b"ok", b"abc"]),
)
def test_it_agrees_with_the_parser(
    status: int, fields: list[tuple[bytes, bytes]], length: bool, body: bytes
) -> None:
    if length:
        fields = [*fields, (b"Content-Length", b"%d" % len(body))]
    head = b"".join(b"%b: %b\r\n" % field for field in fields)
    data = b"HTTP/1.1 %d Why\r\n%b\r\n%b" % (status, head, body)
    found = read_whole(data, request_method="GET")
    if found is None:
        return
    parsed = Parsed(data)
    judged = read_response(
        parsed.status, parsed.reason, 1, parsed.fields, rules=ResponseFieldRules(), request_method="GET"
    )
    assert parsed.complete == 1
    assert judged.framing is Framing.LENGTH
    assert (found.status, found.body, found.reusable) == (parsed.status, parsed.body, judged.reusable)
    assert found.lines[1:] == judged.kept
