"""A form does one thing, however often it is sent: who sends it again gets the same answer, for a short while.

Kept in this process alone. What must not happen twice across processes is guarded by versions and the state table.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

_REPLAY_SECONDS: Final = 30.0
_MAX_FORMS: Final = 10_000

A = TypeVar("A")


class SentBefore(Exception):
    """The form was used some time ago, and its answer is gone: it may have held a secret."""


class Once(Generic[A]):
    """`is_done` tells of an answer whether the form is used up; else it may be corrected and sent again."""

    def __init__(self, is_done: Callable[[A], bool]) -> None:
        self._is_done = is_done
        # None: done, and the answer was dropped.
        self._sent: OrderedDict[tuple[bytes, str], asyncio.Future[A] | None] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Once {len(self._sent)} forms>"

    async def run(self, session: bytes, form: str, do: Callable[[], Awaitable[A]]) -> A:
        """What `do` answers, or has answered to the same form of the same session. Raises SentBefore."""
        key = (session, form)
        if key in self._sent:
            under_way = self._sent[key]
            if under_way is None:
                raise SentBefore
            return await asyncio.shield(under_way)
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._sent[key] = future
        while len(self._sent) > _MAX_FORMS:
            self._sent.popitem(last=False)
        try:
            answer = await do()
        except BaseException as error:
            self._sent.pop(key, None)
            future.set_exception(error if isinstance(error, Exception) else SentBefore())
            future.exception()  # nobody need have waited
            raise
        future.set_result(answer)
        if self._is_done(answer):
            asyncio.get_running_loop().call_later(_REPLAY_SECONDS, self._drop, key)
        else:
            self._sent.pop(key, None)
        return answer

    def _drop(self, key: tuple[bytes, str]) -> None:
        if key in self._sent:
            self._sent[key] = None
