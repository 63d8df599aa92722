"""Finding rows of the audit, newest first: by account, action, actor, subject and time."""

# ruff: noqa: S608 (the SQL is put together from constants; values are parameters)

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.storage.audit import AuditEntry
from gateway.storage.database import Reader
from gateway.storage.errors import Invalid

_COLUMNS: Final = "number, revision, at, account_id, actor, action, subject_kind, subject_id, before, after, address, prev, hash"
# What each wish adds to the condition; its value takes the place of `{}`.
_CONDITIONS: Final = {
    "account_id": "account_id = {}",
    "action": "action = {}",
    "actor_id": "actor ->> 'id' = {}",
    "subject_id": "subject_id = {}",
    "since": "at >= {}",
    "until": "at < {}",
}
_LARGEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which rows; None asks for nothing. `since` is included, `until` is not."""

    account_id: str | None = None
    action: str | None = None
    actor_id: str | None = None
    subject_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def _below(cursor: str | None) -> int:
    if cursor is None:
        return _LARGEST
    try:
        number = int(urlsafe_b64decode(cursor.encode("ascii")).decode("ascii"))
    except (binascii.Error, UnicodeError, ValueError) as error:
        raise Invalid("this cursor is not one of ours") from error
    if not 0 <= number <= _LARGEST:
        raise Invalid("this cursor is not one of ours")
    return number


async def search(
    reader: Reader, wanted: Wanted, *, limit: int, cursor: str | None = None
) -> tuple[Sequence[AuditEntry], str | None]:
    """A page of rows, newest first, and the cursor of those that follow. Raises Invalid on a foreign cursor."""
    arguments: list[object] = [_below(cursor), limit + 1]
    conditions = ["number < $1"]
    for name, condition in _CONDITIONS.items():
        value = getattr(wanted, name)
        if value is not None:
            arguments.append(value)
            conditions.append(condition.format(f"${len(arguments)}"))
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM audit WHERE {' AND '.join(conditions)} ORDER BY number DESC LIMIT $2",
        *arguments,
    )
    entries = [AuditEntry(**dict(row)) for row in rows]
    if len(entries) <= limit:
        return entries, None
    entries = entries[:limit]
    return entries, urlsafe_b64encode(str(entries[-1].number).encode("ascii")).decode("ascii")
