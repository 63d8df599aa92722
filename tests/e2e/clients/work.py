"""What a client is asked to do and what it says it saw, whichever library it is made of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class Unsupported(Exception):
    """The library has no way to do this. The text says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request. `chunked`: the body is sent without a length."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    chunked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One response as the library hands it over, its body as it came over the wire."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for other, value in self.headers if other.lower() == name.lower()]


class Client(Protocol):
    """An HTTP library. Redirects are not followed and bodies not decoded: that is the caller's choice everywhere."""

    name: str

    async def exchange(self, base: str, asks: Sequence[Ask]) -> list[Seen]:
        """One after the other, with whatever the library has to keep connections. Raises Unsupported."""

    def events(self, url: str, headers: dict[str, str]) -> AsyncIterator[bytes]:
        """The bytes of a stream as they come. Raises Unsupported."""
