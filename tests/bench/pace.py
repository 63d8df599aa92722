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
from dataclasses import asdict
from typing import Final

from tests.bench.figures import percentile
from tests.bench.load import Paced

_PR_SET_TIMERSLACK: Final = 29
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked", re.IGNORECASE)
_GRACE_SECONDS: Final = 5.0


class Line:
    """A kept connection and the request under way on it."""

    __slots__ = ("due", "received", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_GRACE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.due = 0.0

    def fileno(self) -> int:
        """For select."""
        return self.socket.fileno()

    def send(self, request: bytes, due: float) -> None:
        """Send the request that was due then."""
        self.due = due
        self.received = b""
        self.socket.sendall(request)

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


def run(port: int, request: bytes, *, rate: float, connections: int, seconds: float) -> Paced:
    """Send `rate` requests a second for so long. Raises OSError when a connection breaks or answers stop."""
    idle = deque(Line(port) for _ in range(connections))
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
            line.send(request, waiting.popleft())
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
    return Paced(
        requests=count, not_2xx=not_2xx, p50=percentile(latencies, 50), p99=percentile(latencies, 99)
    )


def main() -> None:
    """Print what was measured as JSON."""
    port, path, credential, rate, connections, seconds = sys.argv[1:]
    # The kernel may otherwise wake a sleeper 50 µs late, which is as long as some contenders take.
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: {credential}\r\n\r\n"
    paced = run(
        int(port), request.encode(), rate=float(rate), connections=int(connections), seconds=float(seconds)
    )
    print(json.dumps(asdict(paced)))


if __name__ == "__main__":
    main()
