"""What a revision touched: the message that announces it, and the table from which a node catches up.

The message is JSON, `{"revision": n, "accounts": [...], "integrations": [...]}`. Without the lists it means "more than
fits; ask the table". Members may be added; a reader ignores those it does not know. Names without a number that can be
read are taken at their word, and the table is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import orjson

from gateway.storage.database import Database, Reader

CHANNEL: Final = "gateway_changes"
# PostgreSQL refuses payloads of 8000 bytes and more.
MAX_PAYLOAD_BYTES: Final = 7999
# No change has this number; the first has 1.
UNNUMBERED: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Everything touched up to `revision`, since the revision before it or the one that was asked for.

    `complete` False: not everything is named here, `changes_since` knows it. An announcement whose revision could not be
    read has UNNUMBERED for it, and is not complete.
    """

    revision: int
    accounts: frozenset[str] = frozenset()
    integrations: frozenset[str] = frozenset()
    complete: bool = True


def to_payload(change: Change) -> str:
    """The message for a change; names nothing when the names do not fit."""
    payload = orjson.dumps(
        {
            "revision": change.revision,
            "accounts": sorted(change.accounts),
            "integrations": sorted(change.integrations),
        }
    )
    if not change.complete or len(payload) > MAX_PAYLOAD_BYTES:
        payload = orjson.dumps({"revision": change.revision})
    return payload.decode()


def from_payload(payload: str) -> Change | None:
    """The change that a message announces; None when it is not a message of ours."""
    try:
        message = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(message, dict):
        return None
    revision = message.get("revision")
    # JSON's true is an int to Python, and would be an old revision.
    if type(revision) is not int or revision <= UNNUMBERED:
        revision = UNNUMBERED
    match message:
        case {"accounts": list(accounts), "integrations": list(integrations)}:
            return Change(
                revision=revision,
                accounts=frozenset(map(str, accounts)),
                integrations=frozenset(map(str, integrations)),
                complete=revision != UNNUMBERED,
            )
    return None if revision == UNNUMBERED else Change(revision=revision, complete=False)


_SINCE: Final = """
SELECT r.number AS newest, c.revision, c.accounts, c.integrations
FROM revision AS r
LEFT JOIN LATERAL (
    SELECT revision, accounts, integrations FROM changes WHERE revision > $1 ORDER BY revision LIMIT $2
) AS c ON true
ORDER BY c.revision
"""


async def changes_since(
    reader: Reader, revision: int, limit: int, *, timeout_seconds: float | None = None
) -> Change | None:
    """What was touched in the next `limit` revisions after `revision`, and how far that reaches.

    None when the gap is not covered: the next revision was pruned, or the store is behind `revision` (it was restored
    from a backup). The asker must then forget everything.
    """
    rows = await reader.fetch(_SINCE, revision, limit, timeout_seconds=timeout_seconds)
    newest: int = rows[0]["newest"]
    if newest == revision:
        return Change(revision=revision)
    # Every revision has its row and the oldest are pruned first: with the next one here, all later ones are.
    if newest < revision or rows[0]["revision"] != revision + 1:
        return None
    return Change(
        revision=rows[-1]["revision"],
        accounts=frozenset(name for row in rows for name in row["accounts"]),
        integrations=frozenset(name for row in rows for name in row["integrations"]),
    )


async def prune_changes(database: Database, keep: timedelta) -> None:
    """Forgets the changes that are older than `keep`."""
    await database.fetch(
        "DELETE FROM changes WHERE revision <= (SELECT max(revision) FROM changes WHERE at < now() - $1::interval)",
        keep,
    )
