"""The tokens of an integration: the state table applied to rows, each operation one locked transaction.

Knows digests, never secrets. Which operation is possible when is `core.rotation`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.core.rotation import ENDINGS, Effect, Fate, Operation, transition
from gateway.storage import integration_state
from gateway.storage.audit import Action, Subject, SubjectKind
from gateway.storage.errors import Conflict, ConflictReason
from gateway.storage.integration_state import Integration, Token
from gateway.storage.mutation import Mutation

ACTIONS: Final = {operation: Action(f"token.{operation.value}") for operation in Operation}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """What is stored of a token that the caller has minted; `id` from `identifiers.fresh`."""

    id: str
    digest: bytes
    hint: str

    def __repr__(self) -> str:
        return f"NewToken({self.id!r}, {self.hint!r})"


async def insert(change: Mutation, *, integration_id: str, token: NewToken, at: datetime) -> None:
    """Adds a live token without a deadline; the caller has made sure that there is no other."""
    await change.execute(
        "INSERT INTO tokens (id, integration_id, digest, hint, created_at) VALUES ($1, $2, $3, $4, $5)",
        token.id,
        integration_id,
        token.digest,
        token.hint,
        at,
    )


async def _suffer(
    change: Mutation, token: Token, fate: Fate, *, at: datetime, window: timedelta | None
) -> None:
    if fate is Fate.KEEP:
        return
    if fate is Fate.REINSTATE:
        await change.execute(
            "UPDATE tokens SET ends_at = NULL, ending = NULL, rotation_started_at = NULL WHERE id = $1",
            token.id,
        )
        return
    if fate is Fate.RETIRE:
        await change.execute(
            "UPDATE tokens SET ends_at = $2::timestamptz + $3::interval, ending = $4, rotation_started_at = $2"
            " WHERE id = $1",
            token.id,
            at,
            window,
            ENDINGS[fate].value,
        )
        return
    await change.execute(
        "UPDATE tokens SET ends_at = $2, ending = $3 WHERE id = $1", token.id, at, ENDINGS[fate].value
    )


def _check(effect: Effect, token: NewToken | None, window: timedelta | None) -> None:
    """A caller that brings the wrong things is a defect, not a refusal."""
    if effect.mints != (token is not None):
        raise ValueError("a new token is needed" if effect.mints else "this operation makes no token")
    if (Fate.RETIRE in {effect.current, effect.old}) != (window is not None):
        raise ValueError("a window belongs to a rotation that ends later, and to nothing else")
    if window is not None and window.total_seconds() <= 0:
        raise ValueError("a rotation window is longer than nothing")


async def operate(
    change: Mutation,
    operation: Operation,
    *,
    account_id: str,
    integration_id: str,
    token: NewToken | None = None,
    window: timedelta | None = None,
) -> Integration:
    """Does one operation of the state table and returns the integration as it is then.

    `token` comes with the operations that make one, `window` with `rotate_later`. Raises NotFound; Conflict where the
    table refuses, also for a deleted integration. Works on a suspended one: a leaked token can be replaced meanwhile.
    """
    before = await integration_state.lock(change, account_id=account_id, integration_id=integration_id)
    effect = transition(before.token_state, operation)
    if effect is None:
        raise Conflict(
            ConflictReason.STATE,
            f"{operation.value} is not possible with {before.token_state.value} live token(s)",
        )
    _check(effect, token, window)
    # The current token first: at no instant may two be without a deadline.
    for held, fate in ((before.current, effect.current), (before.old, effect.old)):
        if held is not None and fate is not None:
            await _suffer(change, held, fate, at=before.judged_at, window=window)
    if token is not None:
        await insert(change, integration_id=integration_id, token=token, at=before.judged_at)
    await integration_state.touch(change, integration_id)
    after = await integration_state.get(change, account_id=account_id, integration_id=integration_id)
    change.audit(
        ACTIONS[operation],
        Subject(kind=SubjectKind.INTEGRATION, id=integration_id, account_id=account_id),
        before=before.tokens_as_json(),
        after=after.tokens_as_json(),
    )
    return after
