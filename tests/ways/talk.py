"""One connection's worth of requests, and all that was seen of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.ways.record import Record


@dataclass(frozen=True, slots=True)
class Packet:
    """Bytes that go out at once, or in pieces that end at `cuts`."""

    data: bytes
    cuts: tuple[int, ...] = ()

    def pieces(self) -> list[bytes]:
        """The same bytes, each piece to be sent when the one before has been read."""
        ends = (*self.cuts, len(self.data))
        return [self.data[start:end] for start, end in zip((0, *self.cuts), ends, strict=True)]


@dataclass(frozen=True, slots=True)
class Reply:
    """What an upstream says to a request, and whether it then ends the connection."""

    packet: Packet
    closes: bool = False


@dataclass(frozen=True, slots=True)
class Talk:
    """`packets` are sent in turn, each when nothing more comes of those before. `count` requests are in them.

    `reply` says what is said to the request of this number that arrives, counted from 0, and of this method. `early`: to its
    head alone, for the last one's body never ends.
    """

    name: str
    packets: tuple[Packet, ...]
    count: int
    reply: Callable[[int, bytes], Reply]
    early: bool = False


@dataclass(frozen=True, slots=True)
class Arrived:
    """A request as it came to the upstream: its bytes from the first to the last, and whether its connection was new."""

    data: bytes
    is_first: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What both sides saw, and what was written down. `ended`: the gateway ended the caller's connection of itself."""

    received: bytes
    ended: str
    arrived: tuple[Arrived, ...]
    unfinished: tuple[bytes, ...]
    records: tuple[Record, ...]
