"""Asking the store for tokens: each once however many wait, many at once, and again when a change overtook the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from gateway.core.model import TokenRecord
from gateway.index.counts import IndexCounts
from gateway.storage.errors import StoreUnavailable


class Loaded(Protocol):
    """Rows and the revision of the snapshot they were read in."""

    @property
    def revision(self) -> int: ...

    @property
    def records(self) -> Sequence[TokenRecord | None]: ...


class TokenSource(Protocol):
    """Where records come from. `load` raises StoreUnavailable when it cannot answer."""

    async def load(self, digests: Sequence[Sequence[bytes]]) -> Loaded: ...


class _Wanted:
    __slots__ = ("candidates", "future")

    def __init__(self, candidates: tuple[bytes, ...], future: asyncio.Future[TokenRecord | None]) -> None:
        self.candidates = candidates
        self.future = future


_BATCH: Final = 500
_PARALLEL_LOADS: Final = 4
_ATTEMPTS: Final = 5


class Loads:
    """The loads of one index.

    `keep` is given what was read at one revision, by the current digest, and returns what is handed out. `held` is what may be
    handed out where the store does not answer.
    """

    def __init__(
        self,
        source: TokenSource,
        *,
        keep: Callable[[Mapping[bytes, TokenRecord | None], int], Mapping[bytes, TokenRecord | None]],
        held: Callable[[bytes], TokenRecord | None],
        counts: IndexCounts,
    ) -> None:
        self._source = source
        self._keep = keep
        self._held = held
        self._counts = counts
        self._wanted: dict[bytes, _Wanted] = {}
        self._in_flight: dict[bytes, _Wanted] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        # What a load that is under way may have read too early: revision of the newest change, by what it named.
        self._changed: dict[str, int] = {}
        # Counts how often what is under way came into doubt: what was asked for before that is not kept.
        self._epoch = 0

    def __repr__(self) -> str:
        return f"Loads({len(self._tasks)} under way, {len(self._wanted)} wanted)"

    def __len__(self) -> int:
        """How many tokens are asked for, or wait to be."""
        return len(self._wanted) + len(self._in_flight)

    async def load(self, candidates: tuple[bytes, ...]) -> TokenRecord | None:
        """The record of a token with these digests, the current one first. Raises StoreUnavailable."""
        key = candidates[0]
        wanted = self._in_flight.get(key) or self._wanted.get(key)
        if wanted is None:
            wanted = _Wanted(candidates, asyncio.get_running_loop().create_future())
            self._wanted[key] = wanted
            self._start()
        # One caller that leaves must not take the answer from the others.
        return await asyncio.shield(wanted.future)

    def overtake(self, subject: str, revision: int) -> None:
        """An account or integration was changed: what was read of it before this revision is asked for again."""
        if self._tasks:
            self._changed[subject] = max(revision, self._changed.get(subject, 0))

    def begin_anew(self) -> None:
        """Ask again for all that is under way, and compare no revision told from now on with one told before."""
        self._epoch += 1
        self._changed.clear()

    async def close(self) -> None:
        """End the loads under way and start none of those that wait for one; who waits is cancelled."""
        for wanted in self._wanted.values():
            wanted.future.cancel()
        self._wanted.clear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self) -> None:
        while self._wanted and len(self._tasks) < _PARALLEL_LOADS:
            keys = list(self._wanted)[:_BATCH]
            batch = {key: self._wanted.pop(key) for key in keys}
            self._in_flight.update(batch)
            task = asyncio.get_running_loop().create_task(self._load_batch(batch))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not self._tasks and not self._wanted:
            self._changed.clear()
        self._start()

    async def _load_batch(self, batch: dict[bytes, _Wanted]) -> None:
        try:
            waiting = batch
            for _ in range(_ATTEMPTS):
                waiting = await self._load_once(waiting)
                if not waiting:
                    return
            raise StoreUnavailable("the store changes faster than it can be read")  # noqa: TRY301
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to those who wait
            failure = error if isinstance(error, StoreUnavailable) else StoreUnavailable(repr(error))
            for key, wanted in batch.items():
                self._in_flight.pop(key, None)
                self._fail(key, wanted, failure)
        finally:
            for key, wanted in batch.items():
                self._in_flight.pop(key, None)
                if not wanted.future.done():
                    wanted.future.cancel()

    def _fail(self, key: bytes, wanted: _Wanted, failure: StoreUnavailable) -> None:
        """The store did not answer. A known token whose freshness ended just now is served all the same."""
        if wanted.future.done():
            return
        held = self._held(key)
        if held is not None:
            wanted.future.set_result(held)
            return
        wanted.future.set_exception(failure)
        wanted.future.exception()  # those who still wait see it; nobody else needs a warning

    async def _load_once(self, batch: dict[bytes, _Wanted]) -> dict[bytes, _Wanted]:
        """Load, keep and hand out what is current; return what was overtaken by a change meanwhile."""
        self._counts.loads += 1
        epoch = self._epoch
        loaded = await self._source.load([wanted.candidates for wanted in batch.values()])
        if epoch != self._epoch:
            self._counts.stale_loads += len(batch)
            return batch
        current: dict[bytes, TokenRecord | None] = {}
        overtaken: dict[bytes, _Wanted] = {}
        for (key, wanted), record in zip(batch.items(), loaded.records, strict=True):
            if self._is_overtaken(record, loaded.revision):
                self._counts.stale_loads += 1
                overtaken[key] = wanted
            else:
                current[key] = record
        for key, kept in self._keep(current, loaded.revision).items():
            wanted = self._in_flight.pop(key)
            if not wanted.future.done():
                wanted.future.set_result(kept)
        return overtaken

    def _is_overtaken(self, record: TokenRecord | None, revision: int) -> bool:
        if record is None:
            return bool(self._changed) and revision < max(self._changed.values())
        caller = record.caller
        changed = max(self._changed.get(caller.integration_id, 0), self._changed.get(caller.account_id, 0))
        return revision < changed
