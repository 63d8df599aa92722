"""An upstream's bytes fed to its connection in two ways of cutting them: the caller must see the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.core.response import Framing, ResponseHead
from gateway.core.whole_response import WholeResponse
from gateway.proxy.upstream import UpstreamConnection

NEXT = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext"


class _Wire:
    """Where the connection believes to be connected to."""

    def __init__(self) -> None:
        self.closing = False

    def set_write_buffer_limits(self, high: int) -> None:
        pass

    def get_extra_info(self, name: str) -> None:
        return None

    def write(self, data: bytes) -> None:
        pass

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.closing = True


@dataclass
class Seen:
    """What an exchange would have passed on: all up to the last complete batch."""

    interim: list[tuple[object, ...]] = field(default_factory=list)
    head: tuple[object, ...] | None = None
    content: bytes = b""
    ended: bool = False
    failed: bool = False
    tunnel: bytes | None = None
    _batch: list[tuple[str, object]] = field(default_factory=list)

    def view(self) -> tuple[object, ...]:
        return tuple(self.interim), self.head, self.content, self.ended, self.failed, self.tunnel

    # As the connection's receiver.

    def whole(self, response: WholeResponse) -> None:
        assert not self._over(), "a response after the end"
        assert self.head is None, "two final heads"
        assert not self._batch, "a whole response behind a part of one"
        self.head, self.content, self.ended = _key_of_whole(response), response.body, True

    def interim_head(self, head: ResponseHead) -> None:
        self._batch.append(("interim", _key(head)))

    def response(self, head: ResponseHead) -> None:
        assert not self._over(), "a head after the end"
        assert self.head is None, "two final heads"
        assert not any(kind == "head" for kind, _ in self._batch), "two final heads"
        self._batch.append(("head", _key(head)))

    def content_bytes(self, data: bytes) -> None:
        assert not self._over(), "content after the end"
        self._batch.append(("content", data))

    def fed(self, *, ended: bool) -> None:
        assert not self._over(), "fed after the end"
        for kind, value in self._batch:
            if kind == "interim":
                assert isinstance(value, tuple)
                self.interim.append(value)
            elif kind == "head":
                assert isinstance(value, tuple)
                self.head = value
            else:
                assert isinstance(value, bytes)
                assert self.head is not None, "content before a head"
                self.content += value
        self._batch.clear()
        self.ended = ended
        assert not ended or self.head is not None or self.tunnel is not None

    def switched(self, head: ResponseHead, first: bytes) -> None:
        self.head, self.tunnel = _key(head), first

    def tunnelled(self, data: bytes) -> None:
        assert self.tunnel is not None
        self.tunnel += data

    def broke(self, detail: str, *, bad: bool) -> None:
        assert not self._over(), "failed after the end"
        self._batch.clear()
        self.failed = True

    def upstream_full(self) -> None:
        pass

    def upstream_drained(self) -> None:
        pass

    def _over(self) -> bool:
        return self.ended or self.failed


class _Receiver:
    """`Seen` under the names that the connection calls."""

    def __init__(self, seen: Seen) -> None:
        self.whole = seen.whole
        self.interim = seen.interim_head
        self.response = seen.response
        self.content = seen.content_bytes
        self.fed = seen.fed
        self.switched = seen.switched
        self.tunnelled = seen.tunnelled
        self.failed = seen.broke
        self.upstream_full = seen.upstream_full
        self.upstream_drained = seen.upstream_drained


def _key(head: ResponseHead) -> tuple[object, ...]:
    kept = tuple(_field(line) for line in head.kept)
    return head.status, head.reason, kept, head.framing, head.content_length, head.reusable


def _key_of_whole(response: WholeResponse) -> tuple[object, ...]:
    """The same of a response that was not taken apart."""
    first, *lines = response.lines
    assert first.startswith(b"HTTP/1.1 %d " % response.status)
    kept = tuple(_field(line) for line in lines)
    (length,) = [int(value) for name, value in kept if name.lower() == b"content-length"]
    return response.status, first[13:], kept, Framing.LENGTH, length, response.reusable


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b": ")
    return name, value


@dataclass
class Reading:
    """One way of feeding: what was seen, after how many bytes it was whole, whether the connection may go on."""

    seen: Seen
    whole_after: int | None
    reusable: bool


def read(method: str, pieces: Iterable[bytes]) -> Reading:
    """Feed a connection and then close it from the other side, unless it has ended before."""
    connection, wire, seen = UpstreamConnection(), _Wire(), Seen()
    connection.connection_made(wire)  # type: ignore[arg-type]
    connection.begin(_Receiver(seen), method)
    whole_after, fed = None, 0
    for piece in pieces:
        if wire.closing:
            break
        fed += len(piece)
        connection.data_received(piece)
        if seen.ended and whole_after is None:
            # The exchange gives the connection back at once; the pool closes it where it may not go on.
            whole_after = fed
            if not connection.release():
                connection.abort()
    reusable = whole_after is not None and not wire.closing
    if reusable:
        _check_next(connection)
    elif not seen.ended and not seen.failed:
        connection.eof_received()
        connection.connection_lost(None)
    return Reading(seen, whole_after, reusable)


def _check_next(connection: UpstreamConnection) -> None:
    """The next response on the same connection is seen as it is, and nothing of the one before."""
    seen = Seen()
    connection.begin(_Receiver(seen), "GET")
    connection.data_received(NEXT)
    assert (seen.ended, seen.content, seen.failed) == (True, b"next", False), "the next response is poisoned"
    assert seen.head is not None
    assert seen.head[0] == 200


def check(method: str, pieces: list[bytes]) -> None:
    """Compare the pieces with the same bytes one by one. Raises AssertionError when the caller could tell."""
    data = b"".join(pieces)
    single = read(method, (data[at : at + 1] for at in range(len(data))))
    other = read(method, pieces)
    surplus = data[single.whole_after :] if single.whole_after is not None else b""
    if surplus:
        # Empty lines say nothing. All else makes a response doubtful as long as nobody has seen any of it.
        assert not other.reusable or not surplus.strip(b"\r\n"), "unasked bytes, and the connection goes on"
        doubted = other.seen.failed and other.seen.head is None
        assert doubted or other.seen.view() == single.seen.view()
    elif single.seen.failed:
        assert other.seen.failed, "what is malformed in single bytes is not in pieces"
        assert single.seen.content.startswith(other.seen.content)
        assert other.seen.head in (None, single.seen.head)
    else:
        assert other.seen.view() == single.seen.view()
        assert other.reusable == single.reusable
