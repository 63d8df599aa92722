"""Records of requests for tests, stored as a node stores them."""

from __future__ import annotations

import time
from typing import Any

from gateway.core.model import AccountKind, Caller
from gateway.core.networks import network_of
from gateway.storage.database import Database
from gateway.storage.record_writing import Entry, RecordForm, days_of, make_day, store_rows

_NOW = 1_000_000.0


def entry(trace: str, *, ago: float = 0.0, **what: Any) -> Entry:
    """A request that ended so many seconds ago, by a clock of which it is the 1,000,000th second now."""
    ended = _NOW - ago
    caller = Caller(
        account_id=what.pop("account", ""),
        account_kind=AccountKind.SUB_ACCOUNT,
        integration_id=what.pop("integration", ""),
        token_id=what.pop("token", ""),
        scopes=frozenset(),
    )
    client = what.pop("client", "192.0.2.7")
    call = {
        "status": 200,
        "method": "GET",
        "template": "/contacts/{contactId}",
        "code": "",
        "shadow": "",
        "map_version": "v1",
        **what,
    }
    said: Any = tuple(call.values())
    return (ended, trace, ended - 0.0123, ended - 0.01, ended, 5, 7, client, caller, *said)


async def store(database: Database, *entries: Entry) -> None:
    """Store them, all at once."""
    rows = RecordForm(network_of).rows(entries, time.time() - _NOW)
    for day in days_of(rows):
        await make_day(database, day)
    await store_rows(database, rows)
