"""Bodies of 1 KiB, 64 KiB and 10 MiB, in both directions, beside nginx."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.bench.peers.nginx import Nginx
from tests.bench.scale.readings import Reading
from tests.bench.scale.stand import Stand, pressed
from tests.bench.upstream import BODY_PATH

PART: Final = "bodies"
SIZES: Final = {"1 KiB": 1024, "64 KiB": 64 * 1024, "10 MiB": 10 * 1024 * 1024}
_CONNECTIONS: Final = 8


class _Streaming(Nginx):
    """nginx as it is fast: with its buffers, but no files on disk, and uploads passed on as they come."""

    extra = "proxy_max_temp_file_size 0; proxy_request_buffering off;"


def _request(size: int, credential: str, *, upwards: bool) -> bytes:
    method = "PUT" if upwards else "GET"
    length = f"Content-Type: text/plain\r\nContent-Length: {size}\r\n" if upwards else ""
    head = f"{method} {BODY_PATH}{size} HTTP/1.1\r\nHost: api.example.com\r\n{length}Authorization: {credential}\r\n\r\n"
    return head.encode() + (b"x" * size if upwards else b"")


def measure(stand: Stand) -> Iterator[Reading]:
    """The gateway and nginx in turn, for each size and direction."""
    credential = stand.job.callers[0].credential
    for size in SIZES.values():
        stand.upstream.offer(size)
    nginx = stand.started(_Streaming("nginx", stand.job))
    gateway = stand.gateway("gateway")
    cases = {
        f"{name} {direction}": (
            size,
            stand.load(
                f"body-{size}-{direction}",
                [[_request(size, credential, upwards=direction == "up")]],
                _CONNECTIONS,
            ),
        )
        for direction in ("down", "up")
        for name, size in SIZES.items()
    }
    for number in stand.rounds:
        for case, (size, load) in cases.items():
            theirs, ours = (pressed(load, each, stand.seconds) for each in (nginx, gateway))
            seen = {
                "MB/s": (ours.per_second * size / 1e6, 1),
                "nginx, MB/s": (theirs.per_second * size / 1e6, 1),
                "MB/s, × nginx": (ours.per_second / theirs.per_second, 2),
                "µs CPU per request": (ours.microseconds, 1),
                "CPU, × nginx": (ours.microseconds / theirs.microseconds, 2),
            }
            for name, (value, digits) in seen.items():
                yield Reading(
                    part=PART,
                    case=case,
                    figure=name,
                    round=number,
                    value=value,
                    digits=digits,
                    compared=False,
                )
