"""Bytes made from the corpus: pieces of it joined, broken in ways that parsers are known to disagree about, and cut."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Final

from hypothesis import strategies as st

_CORPUS: Final = Path(__file__).parent / "corpus"
_BYTES: Final = (
    b"\r",
    b"\n",
    b"\x00",
    b" ",
    b"\t",
    b":",
    b";",
    b",",
    b"0",
    b"-",
    b"%",
    b"/",
    b"\xff",
    b"\x0b",
    b"g",
)
_LINES: Final = (
    b"Content-Length: 0",
    b"Content-Length: 3",
    b"Content-Length: 5, 5",
    b"Content-Length: +3",
    b"Content-Length: 18446744073709551619",
    b"content-length : 3",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding:\x0bchunked",
    b"Transfer_Encoding: chunked",
    b" folded",
    b"Host: other.example.com",
    b"Connection: close",
    b"Connection: Content-Length, Host, Transfer-Encoding, X-Gateway-Account-Id",
    b"Expect: 100-continue",
    b"Upgrade: websocket",
    b"Authorization: Bearer TOKEN",
    b"X-Gateway-Account-Id: forged",
    b"X-A: \xff\xfe",
    b": nameless",
    b"nothing",
    b"0",
    b'5;a="\\"',
    b"FFFFFFFFFFFFFFFF",
    b"HTTP/1.1 200 OK",
    b"GET /contacts/line HTTP/1.1",
    b"",
)
_ENDS: Final = (b"\n", b"\r", b"\r\r\n", b"\r\n\r\n", b"\n\r\n", b" \r\n", b"\r\n ")

Mutation = tuple[int, int, int]
_MUTATION: Final = st.tuples(st.integers(0, 10), st.integers(0, 4095), st.integers(0, 255))
# Mostly none or one: what is broken twice is refused for the first thing, and hides the second.
MUTATIONS: Final[st.SearchStrategy[list[Mutation]]] = (
    st.just([]) | st.lists(_MUTATION, min_size=1, max_size=1) | st.lists(_MUTATION, max_size=4)
)
CUTS: Final = st.lists(st.integers(0, 4095), max_size=10)


def seeds(kind: str) -> dict[str, bytes]:
    """The corpus of one kind, `request` or `response`, by name."""
    return {path.stem: path.read_bytes() for path in sorted(_CORPUS.glob(f"{kind}-*.bin"))}


def mutated(data: bytes, mutations: list[Mutation]) -> bytes:
    """The bytes after each mutation: a kind, a place (taken modulo the length), an argument."""
    for kind, place, argument in mutations:
        data = _KINDS[kind](data, place, argument)
    return data


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The bytes in pieces, none of them empty."""
    if not data:
        return []
    at = sorted({0, len(data), *(place % len(data) for place in places)})
    return [data[start:end] for start, end in pairwise(at)]


def _replace(data: bytes, place: int, argument: int) -> bytes:
    at = place % (len(data) + 1)
    return data[:at] + _BYTES[argument % len(_BYTES)] + data[at + 1 :]


def _insert(data: bytes, place: int, argument: int) -> bytes:
    at = place % (len(data) + 1)
    return data[:at] + _BYTES[argument % len(_BYTES)] * (1 + argument // 128) + data[at:]


def _remove(data: bytes, place: int, argument: int) -> bytes:
    at = place % (len(data) + 1)
    return data[:at] + data[at + 1 + argument % 8 :]


def _truncate(data: bytes, place: int, argument: int) -> bytes:
    return data[: len(data) - place % (len(data) + 1)]


def _lines(change: Callable[[list[bytes], int, int], None]) -> Callable[[bytes, int, int], bytes]:
    def mutate(data: bytes, place: int, argument: int) -> bytes:
        lines = data.split(b"\r\n")
        change(lines, place % len(lines), argument)
        return b"\r\n".join(lines)

    return mutate


def _add_line(lines: list[bytes], at: int, argument: int) -> None:
    lines.insert(max(1, at), _LINES[argument % len(_LINES)])


def _drop_line(lines: list[bytes], at: int, argument: int) -> None:
    del lines[at]


def _double_line(lines: list[bytes], at: int, argument: int) -> None:
    lines.insert(argument % (len(lines) + 1), lines[at])


def _swap_lines(lines: list[bytes], at: int, argument: int) -> None:
    other = argument % len(lines)
    lines[at], lines[other] = lines[other], lines[at]


def _spoil_line(lines: list[bytes], at: int, argument: int) -> None:
    """A byte into a line, long or short: the shortest are those that frame bodies."""
    line, place = lines[at], argument // len(_BYTES)
    place = place % (len(line) + 1) if argument % 2 else len(line)
    lines[at] = line[:place] + _BYTES[argument % len(_BYTES)] + line[place:]


def _end_line(data: bytes, place: int, argument: int) -> bytes:
    lines = data.split(b"\r\n")
    at = place % len(lines)
    end = _ENDS[argument % len(_ENDS)]
    head, tail = b"\r\n".join(lines[: at + 1]), b"\r\n".join(lines[at + 1 :])
    return head + end + tail


def _grow(data: bytes, place: int, argument: int) -> bytes:
    at = place % (len(data) + 1)
    return data[:at] + data[at : at + 1] * (argument * 64) + data[at:]


_KINDS: Final[tuple[Callable[[bytes, int, int], bytes], ...]] = (
    _replace,
    _insert,
    _remove,
    _truncate,
    _lines(_add_line),
    _lines(_drop_line),
    _lines(_double_line),
    _lines(_swap_lines),
    _lines(_spoil_line),
    _end_line,
    _grow,
)
