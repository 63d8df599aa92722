"""What may happen to any message: a byte that is wrong, and pieces that end anywhere."""

from __future__ import annotations

from random import Random


def damaged(random: Random, data: bytes) -> bytes:
    """The same bytes but for one."""
    at = random.randrange(len(data))
    byte = bytes((random.choice((0, 9, 10, 13, 32, 35, 44, 58, 127, 255, random.randrange(256))),))
    return random.choice(
        (data[:at] + byte + data[at + 1 :], data[:at] + byte + data[at:], data[:at] + data[at + 1 :])
    )


def places(random: Random, size: int) -> list[int]:
    """One or two places within so many bytes, in order; none where there is no room."""
    return sorted(random.sample(range(1, size), min(size - 1, random.choice((1, 1, 2))))) if size > 1 else []
