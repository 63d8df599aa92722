"""Records of requests for tests, stored as a node stores them."""

from __future__ import annotations

import time
from typing import Any

from gateway.core.networks import network_of
from gateway.storage.database import Database
from gateway.storage.record_writing import Entry, RecordForm, days_of, make_day, store_rows

_NOW = 1_000_000.0


def entry(trace: str, *, ago: float = 0.0, **what: Any) -> Entry:
    """A request that ended so many seconds ago, by a clock of which it is the 1,000,000th second now."""
    said = {
        "status": 200,
        "account": "",
        "integration": "",
        "token": "",
        "method": "GET",
        "template": "/contacts/{contactId}",
        "code": "",
        "shadow": "",
        "client": "192.0.2.7",
        "map_version": "v1",
        **what,
    }
    common: Any = tuple(said.values())
    ended = _NOW - ago
    return (ended, trace, ended - 0.0123, ended - 0.01, ended, 5, 7, *common)


async def store(database: Database, *entries: Entry) -> None:
    """Store them, all at once."""
    rows = RecordForm(network_of).rows(entries, time.time() - _NOW)
    for day in days_of(rows):
        await make_day(database, day)
    await store_rows(database, rows)
