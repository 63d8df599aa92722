"""Which members belong together: the digests of an integration, the integrations of an account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T", str, bytes)


class Groups(Generic[T]):
    """group → its members. A group is there as long as it has one.

    Most groups have a single member, which is kept as it is: a set for each would take 200 bytes, a million times.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[str, T | set[T]] = {}

    def __repr__(self) -> str:
        return f"Groups({len(self._held)})"

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def add(self, group: str, member: T) -> None:
        """From now on `member` is one of them."""
        held = self._held.setdefault(group, member)
        if isinstance(held, set):
            held.add(member)
        elif held != member:
            self._held[group] = {held, member}

    def discard(self, group: str, member: T) -> None:
        """From now on `member` is none of them, if it was one."""
        held = self._held.get(group)
        if isinstance(held, set):
            held.discard(member)
            if len(held) == 1:
                self._held[group] = held.pop()
        elif held == member:
            del self._held[group]

    def of(self, group: str) -> tuple[T, ...]:
        """The members, in no order; none of a group that is not there."""
        held = self._held.get(group)
        if held is None:
            return ()
        return tuple(held) if isinstance(held, set) else (held,)

    def clear(self) -> None:
        """No group is there any more."""
        self._held.clear()
