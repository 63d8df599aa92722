"""Sessions of operators: begun with an admin key, which is not kept, and over as soon as the key is.

What the browser holds is 256 random bits behind a mark, by which it is told from a member's; stored is its SHA-256.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from gateway.admin.management.admin_keys import AdminKeys
from gateway.admin.management.codes import Code
from gateway.admin.management.principal import Operator, operator_of
from gateway.admin.management.refusals import Throttled, Unauthenticated
from gateway.admin.management.store import Store
from gateway.admin.management.throttle import Pace, Throttle
from gateway.storage import operator_sessions
from gateway.storage.errors import StorageError

IDLE: Final = timedelta(hours=2)
LASTS: Final = timedelta(hours=12)
# No character of a member's session.
_MARK: Final = "op."
_ID_BYTES: Final = 32
# Keys cannot be guessed; this bounds what a stranger makes the store look up.
_PER_ADDRESS: Final = Pace(burst=50, per_seconds=600.0)


def session_digest(session_id: str) -> bytes:
    """What is stored of a session."""
    return sha256(session_id.encode("utf-8", "surrogateescape")).digest()


def is_operators(session_id: str) -> bool:
    """Whether a session would be an operator's."""
    return session_id.startswith(_MARK)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorBegun:
    """A session that was just begun. `session_id` goes into the cookie; the repr does not show it."""

    session_id: str
    operator: Operator
    ends_at: datetime

    def __repr__(self) -> str:
        return f"OperatorBegun({self.operator.actor.id!r})"


class OperatorSessions:
    """What can be done with operators' sessions. `monotonic` is in seconds."""

    def __init__(self, store: Store, admin_keys: AdminKeys, *, monotonic: Callable[[], float]) -> None:
        self._store = store
        self._admin_keys = admin_keys
        self._monotonic = monotonic
        self._by_address = Throttle(_PER_ADDRESS)

    async def log_in(self, secret: str, address: str | None) -> OperatorBegun:
        """Begins a session. Raises Throttled, and Unauthenticated for what is no live key."""
        wait = self._by_address.try_again_after(address or "", self._monotonic())
        if wait:
            raise Throttled("Too many logins were tried; try again later.", retry_after_seconds=wait)
        operator = await self._admin_keys.authenticate(secret.encode("utf-8", "surrogateescape"), address)
        session_id = _MARK + secrets.token_urlsafe(_ID_BYTES)
        ends_at = await operator_sessions.begin(
            self._store.reading,
            id_hash=session_digest(session_id),
            key_id=operator.actor.id,
            address=address,
            lasts=LASTS,
        )
        if ends_at is None:
            raise Unauthenticated(Code.ADMIN_KEY_INVALID, "This is not a live admin key.")
        self._by_address.forgive(address or "")
        return OperatorBegun(session_id=session_id, operator=operator, ends_at=ends_at)

    async def authenticate(self, session_id: str, address: str | None) -> Operator:
        """Who this session belongs to. Raises Unauthenticated when it or its key is over."""
        digest = session_digest(session_id)
        session = await operator_sessions.find(self._store.reading, digest, idle=IDLE)
        if session is None:
            raise Unauthenticated(Code.SESSION_OVER, "The session is over; sign in again.")
        with suppress(StorageError):
            await operator_sessions.see(self._store.reading, digest)
        return operator_of(session.key, address)

    async def log_out(self, session_id: str) -> None:
        """Ends this session."""
        await operator_sessions.end(self._store.reading, session_digest(session_id))
