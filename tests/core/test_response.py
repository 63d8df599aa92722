"""An upstream's answer has one end that both sides agree on, or it is a bad answer."""

from __future__ import annotations

from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.fields import ResponseFieldRules
from gateway.core.response import BadResponse, Framing, ResponseHead, read_response

Fields = list[tuple[bytes, bytes]]
RULES = ResponseFieldRules()
LENGTH, CODING = b"Content-Length", b"Transfer-Encoding"


def judge(
    *fields: tuple[bytes, bytes],
    status: int = 200,
    reason: bytes = b"OK",
    minor: int = 1,
    method: str = "GET",
) -> ResponseHead:
    return read_response(status, reason, minor, fields, rules=RULES, request_method=method)


@pytest.mark.parametrize(
    ("fields", "framing", "length"),
    [
        ([], Framing.CLOSE, None),
        ([(LENGTH, b"0")], Framing.LENGTH, 0),
        ([(LENGTH, b"5")], Framing.LENGTH, 5),
        ([(b"content-length", b"005")], Framing.LENGTH, 5),
        ([(LENGTH, b"9007199254740992")], Framing.LENGTH, 2**53),
        ([(CODING, b"chunked")], Framing.CHUNKED, None),
        ([(b"transfer-encoding", b"Chunked")], Framing.CHUNKED, None),
    ],
)
@pytest.mark.parametrize("status", [200, 201, 203, 206, 301, 400, 401, 404, 500, 503, 599])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "head"])
def test_the_end_of_a_body_is_known(
    fields: Fields, framing: Framing, length: int | None, status: int, method: str
) -> None:
    found = judge(*fields, status=status, method=method)
    assert (found.framing, found.content_length) == (framing, length)
    assert found.reusable == (framing is not Framing.CLOSE)
    assert found.kept == ([] if length is None else [b"%b: %d" % (fields[0][0], length)])


@pytest.mark.parametrize(
    ("status", "method"), [(200, "HEAD"), (404, "HEAD"), (304, "GET"), (304, "HEAD"), (304, "POST")]
)
def test_no_body_follows_though_a_length_speaks_of_one(status: int, method: str) -> None:
    found = judge((LENGTH, b"1000"), status=status, method=method)
    assert (found.framing, found.content_length, found.reusable) == (Framing.NONE, 1000, True)
    assert found.kept == [b"Content-Length: 1000"]
    assert judge((CODING, b"chunked"), status=status, method=method).framing is Framing.NONE
    bare = judge(status=status, method=method)
    assert (bare.framing, bare.content_length, bare.reusable) == (Framing.NONE, None, True)


@pytest.mark.parametrize("status", [100, 101, 102, 103, 199, 204])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_status_without_a_body_announces_none(status: int, method: str) -> None:
    assert judge(status=status, method=method).framing is Framing.NONE
    zero = judge((b"X-A", b"b"), (b"content-LENGTH", b"0"), status=status, method=method)
    assert (zero.framing, zero.kept) == (Framing.NONE, [b"X-A: b"])
    for field in ((LENGTH, b"5"), (CODING, b"chunked")):
        with pytest.raises(BadResponse, match=str(status)):
            judge(field, status=status, method=method)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"+5",
        b"-1",
        b"5, 5",
        b"5,5",
        b"5 5",
        b"0x5",
        b"5.0",
        b"5\0",
        b"a",
        "٥".encode(),
        b"9007199254740993",
        b"1" * 18,
    ],
)
def test_a_length_is_one_number(value: bytes) -> None:
    with pytest.raises(BadResponse, match="Content-Length"):
        judge((LENGTH, value))


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"identity",
        b"gzip",
        b"gzip, chunked",
        b"chunked, chunked",
        b"chunked;a=b",
        b"xchunked",
        b"chunked\0",
    ],
)
def test_a_coding_is_chunked_alone(value: bytes) -> None:
    with pytest.raises(BadResponse, match="Transfer-Encoding"):
        judge((CODING, value))


def test_framing_is_never_said_twice() -> None:
    twice: list[Fields] = [
        [(LENGTH, b"5"), (LENGTH, b"5")],
        [(LENGTH, b"5"), (b"content-length", b"6")],
        [(CODING, b"chunked"), (CODING, b"chunked")],
        [(CODING, b"chunked"), (LENGTH, b"5")],
        [(CODING, b"chunked"), (LENGTH, b"0")],
    ]
    for fields, method, status in product(twice, ("GET", "HEAD"), (200, 304)):
        for order in permutations(fields):
            with pytest.raises(BadResponse):
                judge(*order, method=method, status=status)


def test_an_older_upstream_does_not_speak_chunked_and_is_not_used_again() -> None:
    with pytest.raises(BadResponse):
        judge((CODING, b"chunked"), minor=0)
    found = judge((LENGTH, b"5"), (b"Connection", b"keep-alive"), minor=0)
    assert (found.framing, found.reusable) == (Framing.LENGTH, False)


@pytest.mark.parametrize("status", [-1, 0, 20, 99, 600, 999, 1000])
def test_a_status_is_one_of_the_five_classes(status: int) -> None:
    with pytest.raises(BadResponse, match="status"):
        judge(status=status)


@pytest.mark.parametrize("reason", [b"", b"OK", b"Not\tFound", b"S\xc3\xa9", b"\xff"])
def test_a_reason_is_text(reason: bytes) -> None:
    assert judge(reason=reason).reason == reason


@pytest.mark.parametrize("reason", [b"O\0K", b"O\rK", b"OK\n", b"OK\r\nX: y", b"\x1b[31m", b"\x7f"])
def test_a_reason_carries_no_second_line(reason: bytes) -> None:
    with pytest.raises(BadResponse, match="reason"):
        judge(reason=reason)


@pytest.mark.parametrize("name", [b"", b"a b", b"a:", b"\xe9", b"Content-Length "])
def test_a_field_name_that_is_no_token_is_a_bad_answer(name: bytes) -> None:
    with pytest.raises(BadResponse, match="name"):
        judge((name, b"v"))


def test_fields_keep_their_bytes_order_and_repeats() -> None:
    fields = [
        (b"Set-Cookie", b"a=b"),
        (b"x_y", b"caf\xe9"),
        (b"set-cookie", b"c=d"),
        (b"X", b""),
        (b"Date", b"x"),
    ]
    assert judge(*fields).kept == [name + b": " + value for name, value in fields]


def test_what_is_about_the_connection_stops_here() -> None:
    found = judge(
        *(
            (name, b"1")
            for name in (b"Keep-Alive", b"X-Request-Id", b"Proxy-Authenticate", b"TE", b"Trailer")
        ),
        (b"Connection", b"X-Hop, keep-alive"),
        (b"X-Hop", b"1"),
        (b"x-hop", b"2"),
        (b"X-Hope", b"3"),
        (b"Upgrade", b"websocket"),
    )
    assert found.kept == [b"X-Hope: 3"]
    assert found.upgrade == b"websocket"


@pytest.mark.parametrize(
    ("values", "reusable"),
    [
        ([], True),
        ([b"keep-alive"], True),
        ([b"close"], False),
        ([b"Close"], False),
        ([b"keep-alive", b"close"], False),
        ([b"x,\tCLOSE "], False),
        ([b"closed"], True),
        ([b""], True),
    ],
)
def test_an_upstream_that_closes_is_not_used_again(values: list[bytes], reusable: bool) -> None:
    assert judge(*((b"Connection", value) for value in values), (LENGTH, b"0")).reusable is reusable


def test_nominating_the_framing_does_not_take_it_away() -> None:
    found = judge((b"Connection", b"content-length, transfer-encoding"), (LENGTH, b"5"))
    assert (found.framing, found.content_length, found.kept) == (Framing.LENGTH, 5, [b"Content-Length: 5"])


def test_a_length_stands_where_it_stood() -> None:
    """The way of a response that comes whole leaves it there: nobody shall see which it was."""
    found = judge((b"A", b"1"), (LENGTH, b"5"), (b"B", b"2"))
    assert found.kept == [b"A: 1", b"Content-Length: 5", b"B: 2"]


names = st.sampled_from(
    [b"Content-Length", b"Transfer-Encoding", b"Connection", b"X-A", b"x-a", b"Keep-Alive", b"bad name"]
)
values = st.one_of(st.sampled_from([b"0", b"5", b"chunked", b"close", b"x-a", b""]), st.binary(max_size=8))


@given(
    st.lists(st.tuples(names, values), max_size=8),
    st.integers(90, 610),
    st.integers(0, 1),
    st.sampled_from(["GET", "HEAD"]),
)
def test_whatever_comes_is_bad_or_ends_in_one_way(
    fields: Fields, status: int, minor: int, method: str
) -> None:
    try:
        found = judge(*fields, status=status, minor=minor, method=method)
    except BadResponse:
        return
    none = method == "HEAD" or status < 200 or status in {204, 304}
    assert (found.framing is Framing.NONE) == none
    if found.framing is Framing.LENGTH:
        assert found.content_length is not None
    assert not (found.reusable and (minor == 0 or found.framing is Framing.CLOSE))
    assert {line.partition(b":")[0].lower() for line in found.kept} <= {b"x-a", b"content-length"}
