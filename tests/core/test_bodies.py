"""Where a body ends is known to the byte, however its bytes arrive, and a broken body never becomes a whole one."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.core.bodies import (
    MAX_EXTENSIONS,
    MAX_SIZE_LINE,
    MAX_TRAILERS,
    BodyError,
    ChunkedBody,
    LengthBody,
)

# What a body came to: content, what followed, and whether it was whole; None where it broke.
Outcome = tuple[bytes, bytes, bool] | None


def outcome(pieces: list[bytes]) -> Outcome:
    body, content, rest = ChunkedBody(), b"", b""
    for piece in pieces:
        try:
            more, behind = body.feed(piece)
        except BodyError:
            assert not body.complete
            return None
        content += more
        rest += behind
        assert not behind or body.complete
    return content, rest, body.complete


def cut(data: bytes, places: list[int]) -> list[bytes]:
    return [data[start:end] for start, end in pairwise([0, *sorted(places), len(data)])]


def bytewise(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


GOOD: list[tuple[bytes, bytes]] = [
    (b"0\r\n\r\n", b""),
    (b"000\r\n\r\n", b""),
    (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
    (b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", b"hello world"),
    (b"a\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    (b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    (b"00000000000000A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    (b"2\r\n\r\n\r\n0\r\n\r\n", b"\r\n"),
    (b"7\r\n0\r\n\r\nGE\r\n0\r\n\r\n", b"0\r\n\r\nGE"),
    (b"1;a\r\nx\r\n0\r\n\r\n", b"x"),
    (b"1;a=b\r\nx\r\n0;c\r\n\r\n", b"x"),
    (b"1 ; a = b\r\nx\r\n0\r\n\r\n", b"x"),
    (b"1\t;\ta\t=\tb;c;d=e\r\nx\r\n0\r\n\r\n", b"x"),
    (b'1;a="b c\t;=\\"\\\\"\r\nx\r\n0\r\n\r\n', b"x"),
    (b'1;a="\xe9"\r\nx\r\n0\r\n\r\n', b"x"),
    (b'1;a=""\r\nx\r\n0\r\n\r\n', b"x"),
    (b"0\r\nX: y\r\n\r\n", b""),
    (b"0\r\nX:\r\nY:y \t\xe9\r\n\r\n", b""),
    (b"1\r\nx\r\n0;a\r\nContent-Length: 5\r\nX-Gateway-Scopes: all\r\n\r\n", b"x"),
]

BAD = [
    *(b"\r\n", b"\n", b"\r", b" ", b"g\r\n", b"-1\r\n", b"+1\r\n", b"0x1\r\n", b"1_0\r\n", b"1.0\r\n"),
    *(b" 1\r\n", b"\t1\r\n"),
    *(b"1 \r\n", b"1\t\r\n", b"1 1\r\n", b"1,1\r\n", b"\xb2\r\n", b"\0\r\n", b"1\0\r\n", b"1\x0b\r\n"),
    *(b";a\r\n", b"h\r\n"),
    *(b"0\n\n", b"0\r\r", b"0\n\r\n", b"1\nx\r\n", b"1\rx\r\n", b"1\r\rx", b"1\r\r\nx", b"\r0\r\n\r\n"),
    *(b"1;\r\n", b"1; \r\n", b"1;;a\r\n", b"1;a;\r\n", b"1;=b\r\n", b"1;a=\r\n", b"1;a b\r\n"),
    *(b"1;a=b c\r\n", b"1;a\0\r\n"),
    *(b'1;a="\r\n', b'1;a="b\r\n', b'1;a="b"c\r\n', b'1;a="\\"\r\n', b'1;a="\n"\r\n', b'1;a="\r"\r\n'),
    b'1;a="\0"\r\n',
    *(b"1;a\nx\r\n", b"1;a\rb\r\n", b"1;a=b\r;c\r\n", b"1;\xe9\r\n"),
    *(b"1\r\nxx", b"1\r\n\r\n0\r\n\r\n", b"1\r\nx0\r\n\r\n", b"1\r\nx\n", b"1\r\nx\r0", b"1\r\nx\r\r\n"),
    b"1\r\nx\n\r\n",
    *(b"1\r\nx \r\n", b"5\r\nhello!\r\n"),
    *(b"1\r\nx\r\n\r\n", b"1\r\nx\r\n\n", b"1\r\nx\r\ng\r\n", b"1\r\nx\r\nGET / HTTP/1.1\r\n"),
    *(b"0\r\n\n", b"0\r\n\r\r", b"0\r\n\rX", b"0\r\n \r\n", b"0\r\nX\r\n", b"0\r\n: y\r\n"),
    *(b"0\r\nX : y\r\n", b"0\r\n X: y\r\n"),
    *(b"0\r\nX: y\r\n z\r\n\r\n", b"0\r\nX: y\n\r\n", b"0\r\nX: y\r\r\n", b"0\r\nX: a\rb\r\n"),
    *(b"0\r\nX: \0\r\n", b"0\r\nX: \x7f\r\n"),
    *(b"0\r\n\xe9: y\r\n", b"0\r\nX: y\r\n\n", b"0\r\nX y: z\r\n", b"0\r\nGET / HTTP/1.1\r\n"),
    *(b"0000000000000001\r\n", b"10000000000000000\r\n", b"ffffffffffffffff\r\n", b"1" * 300),
    *(b"1;" + b"a" * MAX_SIZE_LINE, b"1;a=" + b"b" * MAX_SIZE_LINE + b"\r\nx\r\n"),
    *(b"0\r\nX: " + b"y" * MAX_TRAILERS, b"0\r\n" + b"X: y\r\n" * 2000 + b"\r\n"),
]


@pytest.mark.parametrize(("data", "content"), GOOD)
@pytest.mark.parametrize("behind", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\r\n", b"0\r\n\r\n"])
def test_a_good_body_ends_at_its_last_byte(data: bytes, content: bytes, behind: bytes) -> None:
    assert outcome([data + behind]) == (content, behind, True)
    assert outcome(bytewise(data + behind)) == (content, behind, True)
    assert outcome([data, behind]) == (content, behind, True)


@pytest.mark.parametrize(("data", "content"), GOOD)
def test_a_body_cut_short_is_never_whole(data: bytes, content: bytes) -> None:
    for end in range(len(data)):
        found = outcome([data[:end]])
        assert found is not None
        assert content.startswith(found[0])
        assert found[1:] == (b"", False)


@pytest.mark.parametrize("data", BAD)
def test_a_bad_body_breaks_however_it_arrives(data: bytes) -> None:
    assert outcome([data]) is None
    assert outcome(bytewise(data)) is None


@pytest.mark.parametrize("data", BAD)
def test_nothing_makes_a_broken_body_whole(data: bytes) -> None:
    body = ChunkedBody()
    with pytest.raises(BodyError):
        body.feed(data)
    for more in (b"", b"\r\n", b"0\r\n\r\n"):
        with pytest.raises(BodyError):
            body.feed(more)
        assert not body.complete


@pytest.mark.parametrize(
    "data", [b"x", b"\r", b"\n", b" ", b"-", b"1\r\nxy", b"1\r\nx\n", b"0\r\n\n", b"1\r\nx\r\nZ"]
)
def test_a_byte_that_no_further_byte_can_mend_breaks_at_once(data: bytes) -> None:
    """A peer that waits for the rest of the line would wait for ever."""
    assert outcome([data]) is None


@st.composite
def chunked(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A valid body and its content, made by the grammar."""
    token = st.text("abcXYZ019!#$%&'*+-.^_`|~", min_size=1, max_size=4).map(str.encode)
    blank = st.sampled_from([b"", b"", b" ", b"\t", b" \t"])
    quoted = st.lists(
        st.sampled_from([b"a", b" ", b"\t", b";", b"=", b"\\\\", b'\\"', b"\\a", b"\xe9", b"]", b"!"]),
        max_size=4,
    ).map(lambda parts: b'"' + b"".join(parts) + b'"')

    def extensions() -> bytes:
        out = b""
        for _ in range(draw(st.integers(0, 2))):
            out += draw(blank) + b";" + draw(blank) + draw(token)
            if draw(st.booleans()):
                out += draw(blank) + b"=" + draw(blank) + draw(st.one_of(token, quoted))
        return out

    data = content = b""
    for piece in draw(st.lists(st.binary(min_size=1, max_size=20), max_size=4)):
        size = b"%x" % len(piece)
        size = size.upper() if draw(st.booleans()) else size
        data += b"0" * draw(st.integers(0, 3)) + size + extensions() + b"\r\n" + piece + b"\r\n"
        content += piece
    data += b"0" * draw(st.integers(1, 3)) + extensions() + b"\r\n"
    for _ in range(draw(st.integers(0, 2))):
        data += draw(token) + b":" + draw(st.sampled_from([b"", b" v", b"\t\xe9 "])) + b"\r\n"
    return data + b"\r\n", content


@given(chunked(), st.binary(max_size=8), st.data())
def test_what_the_grammar_makes_is_read(
    made: tuple[bytes, bytes], behind: bytes, data: st.DataObject
) -> None:
    text, content = made
    places = data.draw(st.lists(st.integers(0, len(text) + len(behind)), max_size=8))
    assert outcome([text + behind]) == (content, behind, True)
    assert outcome(cut(text + behind, places)) == (content, behind, True)


# Text made of what bodies break on.
fragments = st.sampled_from(
    [
        *(b"\r\n", b"\r", b"\n", b"0", b"1", b"2", b"a", b"f", b"x", b" ", b"\t", b";", b"=", b'"', b"\\"),
        *(b":", b"\0", b"\xe9"),
        *(b"0\r\n", b"\r\n\r\n", b"1\r\nx\r\n", b"0\r\n\r\n", b"3;a=b\r\n", b"X: y\r\n", b"abc\r\n", b"g"),
    ]
)
streams = st.one_of(
    st.lists(fragments, max_size=14).map(b"".join),
    st.tuples(chunked(), st.integers(0, 200), fragments).map(
        lambda made: (
            made[0][0][: made[1] % (len(made[0][0]) + 1)]
            + made[2]
            + made[0][0][made[1] % (len(made[0][0]) + 1) :]
        )
    ),
)


@given(streams, st.lists(st.integers(0, 120), max_size=10))
@example(b"1\r\nx\r\n0\r\n\r\n", [6, 7, 8])
@example(b"0\r\n" + b"X: " + b"y" * (MAX_TRAILERS - 5) + b"\r\n\r\n", [MAX_TRAILERS])
@example(b"0\r\n" + b"X: " + b"y" * (MAX_TRAILERS - 4) + b"\r\n\r\n", [MAX_TRAILERS + 3])
@example(b"0\r\n" + b"X: " + b"y" * (MAX_TRAILERS - 3) + b"\r\n\r\n", [MAX_TRAILERS + 4])
def test_how_the_bytes_were_cut_changes_nothing(data: bytes, places: list[int]) -> None:
    """A proxy that reads a split body otherwise than a whole one can be made to disagree with its neighbour."""
    whole = outcome([data])
    assert outcome(cut(data, [min(place, len(data)) for place in places])) == whole
    assert outcome(bytewise(data)) == whole


def test_a_size_line_is_bounded() -> None:
    fits = b"1;" + b"a" * (MAX_SIZE_LINE - 2) + b"\r\nx\r\n0\r\n\r\n"
    assert outcome([fits]) == outcome(bytewise(fits)) == (b"x", b"", True)
    over = b"1;" + b"a" * (MAX_SIZE_LINE - 1) + b"\r\nx\r\n0\r\n\r\n"
    assert outcome([over]) is None
    assert outcome(bytewise(over)) is None


def test_extensions_are_bounded_in_the_whole_of_a_body() -> None:
    line = b"1;" + b"a" * 99 + b"\r\nx\r\n"
    fits = MAX_EXTENSIONS // 100
    assert outcome([line * fits + b"0\r\n\r\n"]) == (b"x" * fits, b"", True)
    assert outcome([line * (fits + 1)]) is None
    assert outcome([line] * (fits + 1)) is None


def test_trailers_are_bounded_in_the_whole_of_a_body() -> None:
    line = b"X: 345678\r\n"
    fits = MAX_TRAILERS // len(line)
    assert outcome([b"0\r\n" + line * fits + b"\r\n"]) == (b"", b"", True)
    assert outcome([b"0\r\n" + line * (fits + 2) + b"\r\n"]) is None


def test_memory_does_not_grow_with_the_body() -> None:
    """What is kept between feeds is an unfinished line, never content."""
    body = ChunkedBody()
    body.feed(b"fffffffffff\r\n")
    for _ in range(1000):
        content, rest = body.feed(b"x" * 1000)
        assert (len(content), rest, len(body._buffer)) == (1000, b"", 0)
    assert not body.complete
    assert repr(body) == "ChunkedBody(expects data)"


def test_an_empty_feed_changes_nothing() -> None:
    body = ChunkedBody()
    for piece in (b"1", b"\r\n", b"x", b"\r", b"\n0\r\n\r", b"\n"):
        assert body.feed(b"") == (b"", b"")
        body.feed(piece)
    assert body.complete
    assert body.feed(b"next") == (b"", b"next")


@given(st.binary(max_size=40), st.integers(0, 40), st.lists(st.integers(0, 40), max_size=5))
def test_a_body_of_known_length_ends_at_its_last_byte(data: bytes, length: int, places: list[int]) -> None:
    body, content, rest = LengthBody(length), b"", b""
    for piece in cut(data, [min(place, len(data)) for place in places]):
        more, behind = body.feed(piece)
        content += more
        rest += behind
        assert body.complete == (len(content) == length)
        assert body.remaining == length - len(content)
        assert not behind or body.complete
    assert (content, rest) == (data[:length], data[length:])


def test_a_body_of_no_length_is_whole_from_the_start() -> None:
    body = LengthBody(0)
    assert body.complete
    assert body.feed(b"GET /") == (b"", b"GET /")
