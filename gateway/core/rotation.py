"""The state table of one integration's tokens, as data: which operation is possible when, and what it does to each token.

It knows no clock and no store: who applies an effect computes deadlines and keeps the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gateway.core.model import Ending


class TokenState(StrEnum):
    """How many tokens of an integration are live. With two, the old one has a deadline and the current one has none."""

    NONE = "none"
    ONE = "one"
    TWO = "two"


class Operation(StrEnum):
    """What can be asked for an integration's tokens."""

    ISSUE = "issue"
    ROTATE_LATER = "rotate_later"
    ROTATE_NOW = "rotate_now"
    CANCEL_ROTATION = "cancel_rotation"
    EXPIRE_OLD = "expire_old"
    EXPIRE = "expire"


class Fate(StrEnum):
    """What becomes of a live token."""

    KEEP = "keep"
    RETIRE = "retire"  # lives on until the end of the rotation window
    REINSTATE = "reinstate"  # loses its deadline
    REVOKE = "revoke"
    EXPIRE = "expire"


# How a token ends by its fate; the fates that are missing leave it without a deadline of their own.
ENDINGS: Final[Mapping[Fate, Ending]] = MappingProxyType(
    {Fate.RETIRE: Ending.ROTATED, Fate.REVOKE: Ending.REVOKED, Fate.EXPIRE: Ending.EXPIRED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What an operation does: the state it leads to, the fate of each live token, and whether a new one is made.

    `old` is the token with a deadline and `current` the one without; None means that the state has no such token.
    """

    after: TokenState
    current: Fate | None = None
    old: Fate | None = None
    mints: bool = False


_TABLE: Final[Mapping[tuple[TokenState, Operation], Effect]] = MappingProxyType(
    {
        (TokenState.NONE, Operation.ISSUE): Effect(after=TokenState.ONE, mints=True),
        (TokenState.ONE, Operation.ROTATE_LATER): Effect(
            after=TokenState.TWO, current=Fate.RETIRE, mints=True
        ),
        (TokenState.ONE, Operation.ROTATE_NOW): Effect(after=TokenState.ONE, current=Fate.REVOKE, mints=True),
        (TokenState.ONE, Operation.EXPIRE): Effect(after=TokenState.NONE, current=Fate.EXPIRE),
        (TokenState.TWO, Operation.ROTATE_NOW): Effect(
            after=TokenState.ONE, current=Fate.REVOKE, old=Fate.REVOKE, mints=True
        ),
        (TokenState.TWO, Operation.CANCEL_ROTATION): Effect(
            after=TokenState.ONE, current=Fate.REVOKE, old=Fate.REINSTATE
        ),
        (TokenState.TWO, Operation.EXPIRE_OLD): Effect(
            after=TokenState.ONE, current=Fate.KEEP, old=Fate.EXPIRE
        ),
        (TokenState.TWO, Operation.EXPIRE): Effect(
            after=TokenState.NONE, current=Fate.EXPIRE, old=Fate.EXPIRE
        ),
    }
)


def transition(state: TokenState, operation: Operation) -> Effect | None:
    """What `operation` does in `state`; None when it is refused there."""
    return _TABLE.get((state, operation))
