"""Members' passwords: argon2id (RFC 9106), 19 MiB, 2 passes, 1 lane, as OWASP recommends for interactive logins."""

from __future__ import annotations

from typing import Final

from argon2 import PasswordHasher

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def hash_password(password: str) -> str:
    """The encoded hash. Takes about 50 ms of one core: call it in a thread."""
    return _HASHER.hash(password)
