"""An open-loop load: requests become due at a fixed rate, whether or not the last ones were answered.

Latency counts from when a request was due, so a stall is felt by all that came due in it. `select` is used directly:
its time-out is exact to microseconds, where the event loops round to a millisecond.
"""

from __future__ import annotations

import ctypes
import gc
import json
import re
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import cycle
from pathlib import Path
from typing import Final

from tests.bench.figures import percentile
from tests.bench.load import Paced

_PR_SET_TIMERSLACK: Final = 29
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked", re.IGNORECASE)
_GRACE_SECONDS: Final = 5.0


class Line:
    """A kept connection and the request under way on it."""

    __slots__ = ("_requests", "due", "received", "socket")

    def __init__(self, port: int, requests: Iterator[bytes]) -> None:
        self._requests = requests
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_GRACE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.due = 0.0

    def fileno(self) -> int:
        """For select."""
        return self.socket.fileno()

    def send(self, due: float) -> None:
        """Send the request that was due then."""
        self.due = due
        self.received = b""
        self.socket.sendall(next(self._requests))

    def receive(self) -> bytes | None:
        """Read what is there; the whole response once it is."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the connection was closed")
        self.received += data
        return self.received if is_whole(self.received) else None


def is_whole(received: bytes) -> bool:
    """Whether a response that began here has ended."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = received[: end + 2]
    length = _LENGTH.search(head)
    if length is not None:
        return len(received) >= end + 4 + int(length[1])
    if _CHUNKED.search(head):
        return received.endswith(b"0\r\n\r\n")
    return head[9:12] in (b"204", b"304")


def run(
    port: int, requests: Sequence[Sequence[bytes]], *, rate: float, connections: int, seconds: float
) -> Paced:
    """Send `rate` requests a second for so long. Raises OSError when a connection breaks or answers stop."""
    lists = [cycle(each) for each in requests]
    idle = deque(Line(port, lists[number % len(lists)]) for number in range(connections))
    busy: list[Line] = []
    waiting: deque[float] = deque()
    latencies: list[float] = []
    not_2xx = started = 0
    count = round(rate * seconds)
    gc.disable()  # a collection would be measured as the contender's
    begun = time.perf_counter()
    while len(latencies) < count:
        now = time.perf_counter()
        if now > begun + seconds + _GRACE_SECONDS:
            raise TimeoutError(f"{count - len(latencies)} of {count} requests were not answered")
        while started < count and begun + started / rate <= now:
            waiting.append(begun + started / rate)
            started += 1
        while waiting and idle:
            line = idle.popleft()
            line.send(waiting.popleft())
            busy.append(line)
        next_due = begun + started / rate if started < count else now + 1
        ready, _, _ = select.select(busy, (), (), max(0.0, next_due - time.perf_counter()))
        for line in ready:
            answer = line.receive()
            if answer is not None:
                latencies.append((time.perf_counter() - line.due) * 1000)
                not_2xx += answer[9:10] != b"2"
                busy.remove(line)
                idle.append(line)
    for line in idle:
        line.socket.close()
    p50, p99, p999 = (percentile(latencies, percent) for percent in (50, 99, 99.9))
    return Paced(requests=count, not_2xx=not_2xx, p50=p50, p99=p99, p999=p999)


def main() -> None:
    """Print what was measured as JSON."""
    port, lists, rate, connections, seconds = sys.argv[1:]
    # The kernel may otherwise wake a sleeper 50 µs late, which is as long as some contenders take.
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    place = Path(lists)
    files = sorted(place.parent.glob(f"{place.name}[0-9]"))
    requests = [file.read_bytes().split(b"\0")[:-1] for file in files]
    paced = run(int(port), requests, rate=float(rate), connections=int(connections), seconds=float(seconds))
    print(json.dumps(asdict(paced)))


if __name__ == "__main__":
    main()
