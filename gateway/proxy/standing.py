"""Whether a request that is still under way would be let in again: streams and sockets obey revocation too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from gateway.core.model import Route, TokenRecord
from gateway.core.policy import Credential, Deny, authenticate, authorize
from gateway.core.reasons import Code
from gateway.index.cache import MISS
from gateway.proxy.pipeline import Clock, Index
from gateway.storage.errors import StoreUnavailable

CHECK_SECONDS: Final = 1.0
# A token that the index no longer knows and the store cannot tell about is trusted no longer than this.
UNKNOWN_SECONDS: Final = 4.0


class Standing:
    """Judges the token of one request again and again, and tells once when it is no longer good."""

    __slots__ = (
        "_clock",
        "_credential",
        "_index",
        "_next",
        "_on_end",
        "_route",
        "_task",
        "_unknown_since",
        "_versions",
    )

    def __init__(
        self,
        credential: Credential,
        route: Route,
        versions: Sequence[str],
        *,
        index: Index,
        clock: Clock,
        on_end: Callable[[Deny], None],
        now: float,
    ) -> None:
        self._credential = credential
        self._route = route
        self._versions = versions
        self._index = index
        self._clock = clock
        self._on_end = on_end
        self._next = now + CHECK_SECONDS
        self._unknown_since: float | None = None
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"Standing({self._route.method} {self._route.template})"

    def check(self, now: float) -> None:
        """Judge again when it is time. `now` is monotonic seconds."""
        if now < self._next or self._task is not None:
            return
        self._next = now + CHECK_SECONDS
        record = self._index.find(self._credential.digest)
        if record is MISS:
            self._task = asyncio.get_running_loop().create_task(self._load(now))
        else:
            self._judge(record)

    def stop(self) -> None:
        """The request has ended."""
        if self._task is not None:
            self._task.cancel()

    async def _load(self, now: float) -> None:
        try:
            record = await self._index.load(self._credential.token)
        except StoreUnavailable as error:
            if self._unknown_since is None:
                self._unknown_since = now
            elif now - self._unknown_since > UNKNOWN_SECONDS:
                self._on_end(Deny(Code.STORE_UNAVAILABLE, detail=str(error)))
        else:
            self._unknown_since = None
            self._judge(record)
        finally:
            self._task = None

    def _judge(self, record: TokenRecord | None) -> None:
        caller = authenticate(record, self._clock.now())
        verdict = caller if isinstance(caller, Deny) else authorize(caller, self._route, self._versions)
        if isinstance(verdict, Deny):
            self._on_end(verdict)
