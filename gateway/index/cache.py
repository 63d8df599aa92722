"""digest → what the store knows of the token: bounded, and never older than it may be.

It knows neither SQL nor HTTP. Whoever holds a hit still compares the record's deadline with the database's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Final

from cachetools import LRUCache

from gateway.core.model import TokenRecord
from gateway.core.tokens import Digester
from gateway.index.counts import IndexCounts
from gateway.index.groups import Groups
from gateway.index.loading import Loads, TokenSource


class Miss(Enum):
    """The answer that is neither a record nor a known absence: the store must be asked."""

    MISS = "miss"


MISS: Final = Miss.MISS


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
        # The newest revision that was read, and the newest of those that came into doubt.
        self._newest = 0
        self._doubted = 0
        self._serve_until = 0.0
        self._store_up = False
        self.counts = IndexCounts()
        self._loads = Loads(source, keep=self._keep_all, held=self._held, counts=self.counts)

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
        return await self._loads.load(self._digester.candidates(token))

    # What was loaded.

    def _held(self, key: bytes) -> TokenRecord | None:
        """The store did not answer. A known token whose freshness ended just now is served all the same."""
        entry = self._entries.get(key)
        return entry.record if entry is not None and self.can_serve else None

    def _keep_all(
        self, records: Mapping[bytes, TokenRecord | None], revision: int
    ) -> dict[bytes, TokenRecord | None]:
        """Remember what was read at one revision, and return what is remembered."""
        self._newest = max(self._newest, revision)
        # What is read at one revision shares the number; a million of them would take 32 MB.
        revision = self._newest if revision == self._newest else revision
        now = self._monotonic()
        fresh_until, unknown_until = now + self._fresh_seconds, now + self._unknown_seconds
        kept: dict[bytes, TokenRecord | None] = {}
        for key, record in records.items():
            if record is None:
                self._forget(key)
                self._unknown[key] = unknown_until
                kept[key] = None
            else:
                kept[key] = self._keep(key, record, revision, fresh_until)
        if self._unsettled >= max(_SETTLED_FROM, len(self._entries) // 10):
            self._unsettled = 0
            self._settle()
        return kept

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
            self._loads.overtake(account, revision)
        for integration in named:
            self._loads.overtake(integration, revision)
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
        self._loads.begin_anew()
        self._doubted = self._newest

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
        # Revisions may have gone back in time.
        self._loads.begin_anew()
        self._newest = self._doubted = 0
        # New ones: emptying the old ones entry by entry would hold up the loop.
        self._entries = _Entries(int(self._entries.maxsize), self._unlink)
        self._unknown = LRUCache(self._unknown.maxsize)
        self._of_integration.clear()
        self._of_account.clear()

    def confirm(self, asked_at: float) -> None:
        """The store was asked at this monotonic instant, and everything it had committed by then is applied here."""
        self._store_up = True
        self._serve_until = max(self._serve_until, asked_at + self._outage_grace_seconds)

    def unconfirm(self) -> None:
        """The store is away: what is known is served until the grace ends."""
        self._store_up = False

    async def close(self) -> None:
        """End all loads; who waits for one is cancelled."""
        await self._loads.close()
