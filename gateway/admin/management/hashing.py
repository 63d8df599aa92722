"""Passwords hashed and compared off the loop, two at a time: each takes tens of milliseconds of a core and 19 MiB."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from gateway.admin.management.refusals import Throttled
from gateway.admin.passwords import hash_password, is_outdated, verify_password

_AT_ONCE: Final = 2
_MAX_WAITING: Final = 64


class PasswordHashing:
    """Raises Throttled where more wait than could be answered in a few seconds."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        self._decoy: str | None = None

    def __repr__(self) -> str:
        return f"PasswordHashing({self._waiting} waiting)"

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._waiting >= _MAX_WAITING:
            raise Throttled("Too many people log in at once; try again in a moment.", retry_after_seconds=5)
        self._waiting += 1
        try:
            async with self._turns:
                yield
        finally:
            self._waiting -= 1

    async def hash(self, password: str) -> str:
        """The encoded hash of a password."""
        async with self._turn():
            return await asyncio.to_thread(hash_password, password)

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is the right one. Without a hash it is not, and finding that out takes as long."""
        async with self._turn():
            if password_hash is None:
                if self._decoy is None:
                    self._decoy = await asyncio.to_thread(hash_password, secrets.token_urlsafe(16))
                await asyncio.to_thread(verify_password, self._decoy, password)
                return False
            return await asyncio.to_thread(verify_password, password_hash, password)

    async def renewed(self, password_hash: str, password: str) -> str | None:
        """A new hash of the same password, where the parameters have grown since; else None."""
        return await self.hash(password) if is_outdated(password_hash) else None
