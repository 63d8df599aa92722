"""The audit: who changed what, from where, as a chain of hashes in which no row can be changed or left out unseen.

Format 1: hash = SHA-256 over the previous row's hash and the row as JSON with sorted keys and no blanks, its members
those of `canonical`; before the first row there are 32 zero bytes. Another format takes another `format` member, and
rows keep the one they were written in.
"""

# ruff: noqa: S105, S608 (actions about tokens are no passwords; the SQL is put together from constants)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

import asyncpg
import orjson

from gateway.storage.database import Reader

FORMAT: Final = 1
GENESIS: Final = bytes(32)
_VERIFY_BATCH: Final = 1000
_LAST: Final = 2**63 - 1
# Hints and the names of things may be written down; these never.
_FORBIDDEN: Final = frozenset({"secret", "token", "digest", "password", "password_hash", "id_hash", "csrf"})
_COLUMNS: Final = "number, revision, at, account_id, actor, action, subject_kind, subject_id, before, after, address, prev, hash"


class ActorKind(StrEnum):
    """What kind of hand made a change."""

    MEMBER = "member"
    ADMIN_KEY = "admin_key"
    OPERATOR = "operator"  # the command line
    SYSTEM = "system"  # a job: a deadline, inactivity


class SubjectKind(StrEnum):
    """What was changed."""

    ACCOUNT = "account"
    MEMBER = "member"
    INTEGRATION = "integration"
    ADMIN_KEY = "admin_key"
    MAP = "map"


class Action(StrEnum):
    """What was done. A name never changes its meaning."""

    ACCOUNT_CREATE = "account.create"
    ACCOUNT_EDIT = "account.edit"
    MEMBER_CREATE = "member.create"
    MEMBER_EDIT = "member.edit"
    MEMBER_PASSWORD = "member.password"
    MEMBER_DELETE = "member.delete"
    MEMBER_SIGN_IN = "member.sign_in"
    MEMBER_SIGN_IN_REFUSED = "member.sign_in_refused"
    MEMBER_SIGN_OUT = "member.sign_out"
    MEMBER_SIGN_OUT_EVERYWHERE = "member.sign_out_everywhere"
    INTEGRATION_CREATE = "integration.create"
    INTEGRATION_EDIT = "integration.edit"
    INTEGRATION_SUSPEND = "integration.suspend"
    INTEGRATION_RESUME = "integration.resume"
    INTEGRATION_DELETE = "integration.delete"
    TOKEN_ISSUE = "token.issue"
    TOKEN_ROTATE_LATER = "token.rotate_later"
    TOKEN_ROTATE_NOW = "token.rotate_now"
    TOKEN_CANCEL_ROTATION = "token.cancel_rotation"
    TOKEN_EXPIRE_OLD = "token.expire_old"
    TOKEN_EXPIRE = "token.expire"
    TOKEN_ROTATION_ENDED = "token.rotation_ended"
    ADMIN_KEY_CREATE = "admin_key.create"
    ADMIN_KEY_REVOKE = "admin_key.revoke"
    MAP_PUBLISH = "map.publish"
    MAP_KEEP = "map.keep"  # put aside, not taken into use


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts. `name` is kept as it was, so that the record can be read after the member is gone."""

    kind: ActorKind
    id: str
    name: str

    def as_json(self) -> dict[str, str]:
        return {"kind": self.kind.value, "id": self.id, "name": self.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is acted on, and the account whose audit shows it (None: the operators' own)."""

    kind: SubjectKind
    id: str
    account_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One row of the audit. `hash` covers all the others and, through `prev`, every row before."""

    number: int
    revision: int
    at: datetime
    account_id: str | None
    actor: Mapping[str, Any]
    action: str
    subject_kind: str
    subject_id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    address: str | None
    prev: bytes
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCheck:
    """What a verification found: the rows that were read, and the first that is wrong with the reason, if any is."""

    rows: int
    broken_at: int | None = None
    problem: str | None = None

    @property
    def is_intact(self) -> bool:
        return self.broken_at is None


def refuse_secrets(value: object) -> None:
    """Raises ValueError when a value that is to be written down holds a secret or a digest, at any depth."""
    match value:
        case bytes() | bytearray() | memoryview():
            raise ValueError("bytes do not belong in the audit")
        case dict():
            if found := _FORBIDDEN & value.keys():
                raise ValueError(f"{', '.join(sorted(found))} does not belong in the audit")
            for inner in value.values():
                refuse_secrets(inner)
        case list() | tuple():
            for inner in value:
                refuse_secrets(inner)


def difference(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The members that an edit changed, as they were and as they are; None when it changed nothing."""
    changed = [name for name in after if before.get(name) != after[name]]
    if not changed:
        return None
    return {name: before.get(name) for name in changed}, {name: after[name] for name in changed}


def canonical(entry: AuditEntry) -> bytes:
    """The bytes of a row that its hash covers, after the previous hash."""
    return orjson.dumps(
        {
            "format": FORMAT,
            "number": entry.number,
            "revision": entry.revision,
            "at": entry.at,
            "account_id": entry.account_id,
            "actor": entry.actor,
            "action": entry.action,
            "subject": {"kind": entry.subject_kind, "id": entry.subject_id},
            "before": entry.before,
            "after": entry.after,
            "address": entry.address,
        },
        option=orjson.OPT_SORT_KEYS,
    )


def chained(entry: AuditEntry) -> bytes:
    """The hash that the row should have."""
    return sha256(entry.prev + canonical(entry)).digest()


def _read(row: asyncpg.Record) -> AuditEntry:
    return AuditEntry(**dict(row))


async def list_entries(
    reader: Reader, *, account_id: str | None = None, below: int | None = None, limit: int = 50
) -> Sequence[AuditEntry]:
    """The newest `limit` rows with a number below `below`, of one account or of all."""
    of_account = "" if account_id is None else "AND account_id = $3"
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM audit WHERE number < $1 {of_account} ORDER BY number DESC LIMIT $2",
        _LAST if below is None else below,
        limit,
        *([] if account_id is None else [account_id]),
    )
    return [_read(row) for row in rows]


async def verify_audit(reader: Reader) -> AuditCheck:
    """Reads the whole chain and compares its end with the head that the store keeps.

    Rows written meanwhile are left for the next time.
    """
    (head,) = await reader.fetch("SELECT audit_number, audit_hash FROM revision")
    newest, newest_hash = head["audit_number"], head["audit_hash"]
    number, previous = 0, GENESIS
    while number < newest:
        rows = await reader.fetch(
            f"SELECT {_COLUMNS} FROM audit WHERE number > $1 AND number <= $2 ORDER BY number LIMIT $3",
            number,
            newest,
            _VERIFY_BATCH,
        )
        for entry in map(_read, rows):
            if entry.number != number + 1:
                return AuditCheck(rows=number, broken_at=number + 1, problem="the row is missing")
            if entry.prev != previous:
                return AuditCheck(
                    rows=number, broken_at=entry.number, problem="it does not follow the row before"
                )
            if entry.hash != chained(entry):
                return AuditCheck(rows=number, broken_at=entry.number, problem="its content was changed")
            number, previous = entry.number, entry.hash
        if not rows:
            return AuditCheck(rows=number, broken_at=number + 1, problem="the end of the chain is missing")
    if previous != newest_hash:
        return AuditCheck(rows=number, broken_at=number, problem="the chain was rewritten up to its end")
    (beyond,) = await reader.fetch(
        "SELECT EXISTS (SELECT FROM audit WHERE number > (SELECT audit_number FROM revision)) AS is_so"
    )
    if beyond["is_so"]:
        return AuditCheck(
            rows=number, broken_at=number + 1, problem="a row was added beyond the end of the chain"
        )
    return AuditCheck(rows=number)
