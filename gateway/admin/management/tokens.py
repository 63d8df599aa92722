"""The tokens of an integration: issued, rotated, expired. What is possible when is the state table's; here it gets words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from gateway.admin.management.access import Right, enter
from gateway.admin.management.codes import Code
from gateway.admin.management.integration_views import integration_view
from gateway.admin.management.minting import Mint, MintedToken
from gateway.admin.management.outcomes import IntegrationChanged, IntegrationIssued
from gateway.admin.management.principal import Principal
from gateway.admin.management.refusals import ConflictingState, flaw
from gateway.admin.management.requests import OldToken, Rotation
from gateway.admin.management.store import Store
from gateway.admin.management.terms import Terms
from gateway.core.rotation import Operation, TokenState
from gateway.storage import integrations, tokens
from gateway.storage.accounts import Account
from gateway.storage.errors import Conflict, ConflictReason
from gateway.storage.integration_state import Integration

_NONE, _ONE, _TWO = TokenState
_NO_TOKEN: Final = (Code.NO_TOKEN, "The integration has no token; issue one.")
_NO_ROTATION: Final = (Code.NO_ROTATION, "No rotation is under way: the integration has one token.")
_HAS_TOKEN: Final = (Code.TOKEN_EXISTS, "The integration has a token; rotate it to get another.")
# Why the state table has no entry, for each that is missing.
REFUSED: Final = {
    (_NONE, Operation.ROTATE_LATER): _NO_TOKEN,
    (_NONE, Operation.ROTATE_NOW): _NO_TOKEN,
    (_NONE, Operation.CANCEL_ROTATION): _NO_TOKEN,
    (_NONE, Operation.EXPIRE_OLD): _NO_TOKEN,
    (_NONE, Operation.EXPIRE): _NO_TOKEN,
    (_ONE, Operation.ISSUE): _HAS_TOKEN,
    (_ONE, Operation.CANCEL_ROTATION): _NO_ROTATION,
    (_ONE, Operation.EXPIRE_OLD): _NO_ROTATION,
    (_TWO, Operation.ISSUE): _HAS_TOKEN,
    (_TWO, Operation.ROTATE_LATER): (
        Code.ROTATION_UNDER_WAY,
        "A rotation is under way: both tokens work until it ends. Cancel it, expire the old token, or rotate now.",
    ),
}


def refusal(operation: Operation, integration: Integration) -> ConflictingState:
    """Why this operation is not possible with the tokens there are."""
    code, detail = REFUSED[integration.token_state, operation]
    return ConflictingState(
        code,
        detail,
        state=integration.state.value,
        rotation_ends_at=None if integration.old is None else integration.old.ends_at,
    )


class Tokens:
    """What can be done with the tokens of an integration."""

    def __init__(
        self,
        store: Store,
        *,
        mint: Mint,
        terms: Callable[[], Terms],
    ) -> None:
        self._store = store
        self._mint = mint
        self._terms = terms

    async def issue(self, principal: Principal, account_id: str, integration_id: str) -> IntegrationIssued:
        """A token for an integration that has none."""
        return await self._mint_and(Operation.ISSUE, principal, account_id, integration_id)

    async def rotate(
        self, principal: Principal, account_id: str, integration_id: str, rotation: Rotation
    ) -> IntegrationIssued:
        """A new token; the old one dies at once, or at the end of the window."""
        if rotation.old_token is OldToken.EXPIRE_NOW:
            if rotation.window is not None:
                raise flaw("/window", "A window goes with expire_later; leave it out.", "window_unexpected")
            return await self._mint_and(Operation.ROTATE_NOW, principal, account_id, integration_id)
        terms = self._terms()
        window = terms.rotation_window if rotation.window is None else timedelta(seconds=rotation.window)
        if window > terms.longest_window:
            raise flaw("/window", f"The longest window is {terms.longest_window}.", "window_too_long")
        return await self._mint_and(
            Operation.ROTATE_LATER, principal, account_id, integration_id, window=window
        )

    async def cancel_rotation(
        self, principal: Principal, account_id: str, integration_id: str
    ) -> IntegrationChanged:
        """The old token stays, without a deadline; the new one dies."""
        return await self._end(Operation.CANCEL_ROTATION, principal, account_id, integration_id)

    async def expire_old(
        self, principal: Principal, account_id: str, integration_id: str
    ) -> IntegrationChanged:
        """The old token dies before its deadline; the new one stays."""
        return await self._end(Operation.EXPIRE_OLD, principal, account_id, integration_id)

    async def expire(self, principal: Principal, account_id: str, integration_id: str) -> IntegrationChanged:
        """Every token dies; the integration stays."""
        return await self._end(Operation.EXPIRE, principal, account_id, integration_id)

    async def _mint_and(
        self,
        operation: Operation,
        principal: Principal,
        account_id: str,
        integration_id: str,
        *,
        window: timedelta | None = None,
    ) -> IntegrationIssued:
        minted = self._mint.token()
        account, integration, revision = await self._operate(
            operation, principal, account_id, integration_id, minted=minted, window=window
        )
        return IntegrationIssued(
            integration=integration_view(integration, account, self._terms().remind_after),
            token=minted.shown(integration),
            revision=revision,
        )

    async def _end(
        self, operation: Operation, principal: Principal, account_id: str, integration_id: str
    ) -> IntegrationChanged:
        account, integration, revision = await self._operate(operation, principal, account_id, integration_id)
        return IntegrationChanged(
            integration=integration_view(integration, account, self._terms().remind_after), revision=revision
        )

    async def _operate(
        self,
        operation: Operation,
        principal: Principal,
        account_id: str,
        integration_id: str,
        *,
        minted: MintedToken | None = None,
        window: timedelta | None = None,
    ) -> tuple[Account, Integration, int]:
        where = {"account_id": account_id, "integration_id": integration_id}
        async with self._store.change(principal) as change:
            account = await enter(change, principal, account_id, Right.MANAGE_INTEGRATIONS)
            try:
                integration = await tokens.operate(
                    change,
                    operation,
                    **where,
                    token=None if minted is None else minted.stored,
                    window=window,
                )
            except Conflict as error:
                if error.reason is not ConflictReason.STATE:
                    raise
                # Still under the lock; a deadline may have passed in between, and then the store's words must do.
                found = await integrations.get(change, **where)
                if (found.token_state, operation) not in REFUSED:
                    raise
                raise refusal(operation, found) from error
        return account, integration, await self._store.revision(change)
