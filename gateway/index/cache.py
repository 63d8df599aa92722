"""digest → what the store knows of the token: bounded, single-flight, never older than it may be.

It knows neither SQL nor HTTP. Whoever holds a hit still compares the record's deadline with the database's clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from cachetools import LRUCache

from gateway.core.model import TokenRecord
from gateway.core.tokens import Digester
from gateway.index.groups import Groups
from gateway.storage.errors import StoreUnavailable


class Miss(Enum):
    """The answer that is neither a record nor a known absence: the store must be asked."""

    MISS = "miss"


MISS: Final = Miss.MISS


class Loaded(Protocol):
    """Rows and the revision of the snapshot they were read in."""

    @property
    def revision(self) -> int: ...

    @property
    def records(self) -> Sequence[TokenRecord | None]: ...


class TokenSource(Protocol):
    """Where records come from. `load` raises StoreUnavailable when it cannot answer."""

    async def load(self, digests: Sequence[Sequence[bytes]]) -> Loaded: ...


@dataclass(slots=True)
class IndexCounts:
    """What the index did since the start."""

    hits: int = 0
    misses: int = 0
    loads: int = 0
    stale_loads: int = 0
    invalidations: int = 0


class _Entry:
    """A record as the store held it at `revision`."""

    __slots__ = ("fresh_until", "record", "revision")

    def __init__(self, record: TokenRecord, revision: int, fresh_until: float) -> None:
        self.record = record
        self.revision = revision
        self.fresh_until = fresh_until


class _Entries(LRUCache[bytes, _Entry]):
    """An LRU that says what it pushes out."""

    def __init__(self, maxsize: int, pushed_out: Callable[[bytes, _Entry], None]) -> None:
        super().__init__(maxsize)
        self._pushed_out = pushed_out

    def popitem(self) -> tuple[bytes, _Entry]:
        key, entry = super().popitem()
        self._pushed_out(key, entry)
        return key, entry


class _Wanted:
    __slots__ = ("candidates", "future")

    def __init__(self, candidates: tuple[bytes, ...], future: asyncio.Future[TokenRecord | None]) -> None:
        self.candidates = candidates
        self.future = future


_BATCH: Final = 500
_PARALLEL_LOADS: Final = 4
_ATTEMPTS: Final = 5
# Fewer new entries than that are nobody's burden.
_SETTLED_FROM: Final = 10_000


class TokenIndex:
    """The cached hash index of one node.

    An entry is served while it is fresh, and longer while the store is away, but never after `outage_grace_seconds`
    without a word from the store. Unknown tokens are remembered for `unknown_seconds` in a bounded cache of their own,
    so that guesses cannot push out real tokens.
    """

    def __init__(
        self,
        source: TokenSource,
        digester: Digester,
        *,
        max_entries: int,
        max_unknown: int,
        fresh_seconds: float,
        unknown_seconds: float,
        outage_grace_seconds: float,
        monotonic: Callable[[], float],
        settle: Callable[[], None] = lambda: None,
    ) -> None:
        """`settle` is called when many entries have come that are likely to stay."""
        self._source = source
        self._digester = digester
        self._fresh_seconds = fresh_seconds
        self._unknown_seconds = unknown_seconds
        self._outage_grace_seconds = outage_grace_seconds
        self._monotonic = monotonic
        self._settle = settle
        self._unsettled = 0
        self._entries = _Entries(max_entries, self._unlink)
        self._unknown: LRUCache[bytes, float] = LRUCache(max_unknown)
        # integration → the digests held for it, so that a change drops exactly those.
        self._of_integration: Groups[bytes] = Groups()
        self._of_account: Groups[str] = Groups()
        self._wanted: dict[bytes, _Wanted] = {}
        self._in_flight: dict[bytes, _Wanted] = {}
        self._loads: set[asyncio.Task[None]] = set()
        # What a load that is under way may have read too early: revision of the newest change, by what it named.
        self._changed: dict[str, int] = {}
        # Counts how often what is under way came into doubt: what was asked for before that is not kept.
        self._epoch = 0
        # The newest revision that was read, and the newest of those that came into doubt.
        self._newest = 0
        self._doubted = 0
        self._serve_until = 0.0
        self._store_up = False
        self.counts = IndexCounts()

    def __repr__(self) -> str:
        state = "confirmed" if self._store_up else "unconfirmed"
        return f"TokenIndex({len(self._entries)} tokens, {len(self._unknown)} unknown, {state})"

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def store_up(self) -> bool:
        """Whether the last word from the store was a good one."""
        return self._store_up

    @property
    def can_serve(self) -> bool:
        """Whether known tokens may still be served."""
        return self._monotonic() < self._serve_until

    # The hot path.

    def digest(self, token: bytes) -> bytes:
        """What a token is looked up by. The same token has the same one as long as the process lives."""
        return self._digester.current(token)

    def find(self, digest: bytes) -> TokenRecord | Miss | None:
        """What is known of a token without asking: its record, None for a known absence, or MISS."""
        now = self._monotonic()
        try:
            entry = self._entries[digest]
        except KeyError:
            return self._find_unknown(digest, now)
        if now < self._serve_until and (now < entry.fresh_until or not self._store_up):
            self.counts.hits += 1
            return entry.record
        self.counts.misses += 1
        return MISS

    def _find_unknown(self, digest: bytes, now: float) -> Miss | None:
        until = self._unknown.get(digest)
        if until is not None and now < until and now < self._serve_until:
            self.counts.hits += 1
            return None
        self.counts.misses += 1
        return MISS

    async def load(self, token: bytes) -> TokenRecord | None:
        """Ask the store, once however many wait. Raises StoreUnavailable."""
        candidates = self._digester.candidates(token)
        key = candidates[0]
        wanted = self._in_flight.get(key) or self._wanted.get(key)
        if wanted is None:
            wanted = _Wanted(candidates, asyncio.get_running_loop().create_future())
            self._wanted[key] = wanted
            self._start_loads()
        # One caller that leaves must not take the answer from the others.
        return await asyncio.shield(wanted.future)

    # Loading.

    def _start_loads(self) -> None:
        while self._wanted and len(self._loads) < _PARALLEL_LOADS:
            keys = list(self._wanted)[:_BATCH]
            batch = {key: self._wanted.pop(key) for key in keys}
            self._in_flight.update(batch)
            task = asyncio.get_running_loop().create_task(self._load_batch(batch))
            self._loads.add(task)
            task.add_done_callback(self._load_done)

    def _load_done(self, task: asyncio.Task[None]) -> None:
        self._loads.discard(task)
        if not self._loads and not self._wanted:
            self._changed.clear()
        self._start_loads()

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
        entry = self._entries.get(key)
        if entry is not None and self.can_serve:
            wanted.future.set_result(entry.record)
            return
        wanted.future.set_exception(failure)
        wanted.future.exception()  # those who still wait see it; nobody else needs a warning

    async def _load_once(self, batch: dict[bytes, _Wanted]) -> dict[bytes, _Wanted]:
        """Load, keep and hand out what is current; return what was overtaken by a change meanwhile."""
        self.counts.loads += 1
        epoch = self._epoch
        loaded = await self._source.load([wanted.candidates for wanted in batch.values()])
        if epoch != self._epoch:
            self.counts.stale_loads += len(batch)
            return batch
        self._newest = max(self._newest, loaded.revision)
        # What is read at one revision shares the number; a million of them would take 32 MB.
        revision = self._newest if loaded.revision == self._newest else loaded.revision
        now = self._monotonic()
        fresh_until = now + self._fresh_seconds
        overtaken: dict[bytes, _Wanted] = {}
        for (key, wanted), record in zip(batch.items(), loaded.records, strict=True):
            if self._is_overtaken(record, revision):
                self.counts.stale_loads += 1
                overtaken[key] = wanted
                continue
            if record is None:
                self._forget(key)
                self._unknown[key] = now + self._unknown_seconds
                kept = None
            else:
                kept = self._keep(key, record, revision, fresh_until)
            self._in_flight.pop(key, None)
            if not wanted.future.done():
                wanted.future.set_result(kept)
        if self._unsettled >= max(_SETTLED_FROM, len(self._entries) // 10):
            self._unsettled = 0
            self._settle()
        return overtaken

    def _is_overtaken(self, record: TokenRecord | None, revision: int) -> bool:
        if record is None:
            return bool(self._changed) and revision < max(self._changed.values())
        caller = record.caller
        changed = max(self._changed.get(caller.integration_id, 0), self._changed.get(caller.account_id, 0))
        return revision < changed

    def _keep(self, key: bytes, record: TokenRecord, revision: int, fresh_until: float) -> TokenRecord:
        """Remember a record, and return the one that is remembered: if nothing has changed, the very same as before."""
        held = self._entries.get(key)
        if held is not None and held.record == record:
            # Others keep what they made of this object, and an index that is read anew all the time makes no garbage.
            held.fresh_until = fresh_until
            held.revision = revision
            return held.record
        self._unknown.pop(key, None)
        # Whose it was until now, as well: after a restore from a backup that may be another.
        self._forget(key)
        self._entries[key] = _Entry(record, revision, fresh_until)
        self._unsettled += 1
        caller = record.caller
        self._of_integration.add(caller.integration_id, key)
        self._of_account.add(caller.account_id, caller.integration_id)
        return record

    def _forget(self, key: bytes) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._unlink(key, entry)

    def _unlink(self, key: bytes, entry: _Entry) -> None:
        caller = entry.record.caller
        self._of_integration.discard(caller.integration_id, key)
        if not self._of_integration.of(caller.integration_id):
            self._of_account.discard(caller.account_id, caller.integration_id)

    # What the store says.

    def drop(self, revision: int, *, accounts: Iterable[str] = (), integrations: Iterable[str] = ()) -> None:
        """Forget what the change of this revision touched; a load that began before it will not be kept.

        What was read at this revision or later has seen the change, and stays, unless it came into doubt since.
        """
        named = set(integrations)
        for account in accounts:
            named.update(self._of_account.of(account))
            self._note(account, revision)
        for integration in named:
            self._note(integration, revision)
            for key in self._of_integration.of(integration):
                held = self._entries[key]
                if held.revision < revision or held.revision <= self._doubted:
                    self.counts.invalidations += 1
                    self._forget(key)

    def doubt(self) -> None:
        """Revisions told from now on cannot be compared with those read so far.

        The store may have lost some and made others of the same numbers since, as a standby does that takes over early. What
        is held stays until a change names it, whatever its revision; what is under way is asked for again.
        """
        self._epoch += 1
        self._doubted = self._newest
        self._changed.clear()

    def _note(self, subject: str, revision: int) -> None:
        if self._loads:
            self._changed[subject] = max(revision, self._changed.get(subject, 0))

    def keep_for(self, *, fresh_seconds: float, unknown_seconds: float, outage_grace_seconds: float) -> None:
        """From now on keep what is loaded for so long. What is held keeps its time; the store sets a new grace."""
        self._fresh_seconds = fresh_seconds
        self._unknown_seconds = unknown_seconds
        if outage_grace_seconds < self._outage_grace_seconds:
            self._serve_until -= self._outage_grace_seconds - outage_grace_seconds
        self._outage_grace_seconds = outage_grace_seconds

    def clear(self) -> None:
        """Forget everything, and do not keep what a load under way has read."""
        self.counts.invalidations += len(self._entries)
        self._epoch += 1
        self._newest = self._doubted = 0
        # New ones: emptying the old ones entry by entry would hold up the loop.
        self._entries = _Entries(int(self._entries.maxsize), self._unlink)
        self._unknown = LRUCache(self._unknown.maxsize)
        self._of_integration.clear()
        self._of_account.clear()
        # Revisions may have gone back in time, and every load under way is judged by the epoch.
        self._changed.clear()

    def confirm(self, asked_at: float) -> None:
        """The store was asked at this monotonic instant, and everything it had committed by then is applied here."""
        self._store_up = True
        self._serve_until = max(self._serve_until, asked_at + self._outage_grace_seconds)

    def unconfirm(self) -> None:
        """The store is away: what is known is served until the grace ends."""
        self._store_up = False

    async def close(self) -> None:
        """End the loads under way and start none of those that wait for one; who waits is cancelled."""
        for wanted in self._wanted.values():
            wanted.future.cancel()
        self._wanted.clear()
        for task in list(self._loads):
            task.cancel()
        await asyncio.gather(*self._loads, return_exceptions=True)
