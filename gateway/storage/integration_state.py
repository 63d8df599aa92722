"""An integration as it stands at one instant of the database's clock: its row and its live tokens."""

# ruff: noqa: S608 (the SQL is put together from constants; values are parameters)

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any, Final

import asyncpg

from gateway.core.model import Ending
from gateway.core.rotation import TokenState
from gateway.storage.database import Reader
from gateway.storage.errors import Conflict, ConflictReason, NotFound
from gateway.storage.mutation import Mutation


class IntegrationState(StrEnum):
    """What the outside is told: deleted before suspended before the number of live tokens."""

    NONE = "none"
    ONE = "one"
    TWO = "two"
    SUSPENDED = "suspended"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A live token. With `ends_at` it is the old one of a rotation, and dies at that instant."""

    id: str
    hint: str
    created_at: datetime
    ends_at: datetime | None
    ending: Ending | None
    rotation_started_at: datetime | None
    first_used_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """An integration and its live tokens, the old one first, as judged at `judged_at`.

    `scopes` are sorted. `created_by` is the actor as the audit has it. `version` grows with every change of the
    integration or its tokens.
    """

    id: str
    account_id: str
    name: str
    description: str
    scopes: tuple[str, ...]
    suspended_at: datetime | None
    deleted_at: datetime | None
    created_at: datetime
    created_by: dict[str, str]
    updated_at: datetime
    version: int
    judged_at: datetime
    tokens: tuple[Token, ...]

    @property
    def old(self) -> Token | None:
        """The token that a rotation lets run out."""
        return self.tokens[0] if len(self.tokens) > 1 else None

    @property
    def current(self) -> Token | None:
        """The only token, or the new one of a rotation: the one without a deadline."""
        return self.tokens[-1] if self.tokens else None

    @property
    def token_state(self) -> TokenState:
        """The row of the state table."""
        return (TokenState.NONE, TokenState.ONE, TokenState.TWO)[len(self.tokens)]

    @property
    def state(self) -> IntegrationState:
        if self.deleted_at is not None:
            return IntegrationState.DELETED
        if self.suspended_at is not None:
            return IntegrationState.SUSPENDED
        return IntegrationState(self.token_state.value)

    def tokens_as_json(self) -> dict[str, Any]:
        """The tokens as the audit writes them down."""
        return {
            "state": self.token_state.value,
            "tokens": [
                {"id": token.id, "hint": token.hint, "ends_at": token.ends_at} for token in self.tokens
            ],
        }


_TOKEN: Final = (
    "id",
    "hint",
    "created_at",
    "ends_at",
    "ending",
    "rotation_started_at",
    "first_used_at",
    "last_used_at",
)
# `statement_timestamp` is one instant for all rows, and in a transaction that waited for a lock it is after the wait.
SELECT: Final = f"""
SELECT i.*, statement_timestamp() AS judged_at, {", ".join(f"t.{name} AS token_{name}" for name in _TOKEN)}
FROM (
    SELECT
        id, account_id, name, description, scopes, suspended_at, deleted_at, created_at, created_by, updated_at, version
    FROM integrations
    WHERE {{where}}
) AS i
LEFT JOIN tokens AS t
    ON t.integration_id = i.id AND (t.ends_at IS NULL OR t.ends_at > statement_timestamp())
ORDER BY i.created_at DESC, i.id DESC, t.ends_at NULLS LAST
"""
_ONE: Final = SELECT.format(where="id = $1 AND account_id = $2")


def _token(row: asyncpg.Record) -> Token:
    fields: dict[str, Any] = {name: row[f"token_{name}"] for name in _TOKEN}
    return Token(**{**fields, "ending": Ending(fields["ending"]) if fields["ending"] else None})


def _integration(rows: Sequence[asyncpg.Record]) -> Integration:
    fields: dict[str, Any] = {name: value for name, value in rows[0].items() if not name.startswith("token_")}
    tokens = tuple(_token(row) for row in rows if row["token_id"] is not None)
    return Integration(**{**fields, "scopes": tuple(fields["scopes"]), "tokens": tokens})


def from_rows(rows: Iterable[asyncpg.Record]) -> list[Integration]:
    """The integrations in rows of `SELECT`, which has one row for each live token and at least one."""
    return [_integration(list(group)) for _, group in groupby(rows, key=lambda row: row["id"])]


async def get(reader: Reader, *, account_id: str, integration_id: str) -> Integration:
    """One integration of this account, a deleted one as well. Raises NotFound."""
    rows = await reader.fetch(_ONE, integration_id, account_id)
    if not rows:
        raise NotFound("integration", integration_id)
    return _integration(rows)


async def lock(
    change: Mutation, *, account_id: str, integration_id: str, expected_version: int | None = None
) -> Integration:
    """One integration that nobody else changes until the end of the transaction.

    Raises NotFound; Conflict when it is deleted, or has another version than the expected one.
    """
    # Two statements: the one that waited for the lock still has the snapshot of before the wait, with the tokens of then.
    await change.fetch(
        "SELECT FROM integrations WHERE id = $1 AND account_id = $2 FOR UPDATE", integration_id, account_id
    )
    integration = await get(change, account_id=account_id, integration_id=integration_id)
    if integration.deleted_at is not None:
        raise Conflict(ConflictReason.DELETED, "the integration is deleted")
    if expected_version not in {None, integration.version}:
        raise Conflict(
            ConflictReason.VERSION,
            f"the integration is at version {integration.version}, not {expected_version}",
        )
    return integration


async def touch(change: Mutation, integration_id: str) -> None:
    """Notes that the integration or its tokens changed."""
    await change.execute(
        "UPDATE integrations SET version = version + 1, updated_at = clock_timestamp() WHERE id = $1",
        integration_id,
    )
    change.touch_integration(integration_id)
