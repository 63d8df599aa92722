"""Private integrations: made, read, edited, suspended, resumed and deleted. Their tokens are in `tokens`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypedDict, Unpack

from gateway.admin.management.access import Right, enter
from gateway.admin.management.codes import Code
from gateway.admin.management.integration_views import integration_view
from gateway.admin.management.minting import Mint
from gateway.admin.management.outcomes import IntegrationChanged, IntegrationIssued, IntegrationList
from gateway.admin.management.principal import Principal
from gateway.admin.management.refusals import StaleVersion, translated
from gateway.admin.management.requests import IntegrationEdit, NewIntegration
from gateway.admin.management.scopes import Scopes
from gateway.admin.management.store import Store
from gateway.admin.management.terms import Terms
from gateway.admin.management.views import IntegrationView
from gateway.storage import integration_state, integrations
from gateway.storage.integration_state import Integration
from gateway.storage.mutation import Mutation

# The versions that a caller has seen, of which one must be the newest; None: any.
Versions = frozenset[int] | None


_MAX_WORDS: Final = 10


class _Where(TypedDict):
    account_id: str
    integration_id: str


class Integrations:
    """What can be done with the integrations of an account."""

    def __init__(self, store: Store, *, scopes: Scopes, mint: Mint, terms: Callable[[], Terms]) -> None:
        self._store = store
        self._scopes = scopes
        self._mint = mint
        self._terms = terms

    async def list(
        self,
        principal: Principal,
        account_id: str,
        *,
        limit: int,
        cursor: str | None = None,
        with_deleted: bool = False,
        search: str = "",
    ) -> IntegrationList:
        """The integrations of an account, newest first: those that have each word of `search` in name, description or id.

        Words beyond the tenth are not looked for.
        """
        reading = self._store.reading
        account = await enter(reading, principal, account_id, Right.MANAGE_INTEGRATIONS)
        with translated():
            page = await integrations.list_page(
                reading,
                account_id=account_id,
                limit=limit,
                cursor=cursor,
                with_deleted=with_deleted,
                words=tuple(dict.fromkeys(search.split()))[:_MAX_WORDS],
            )
        return IntegrationList(
            items=tuple(integration_view(item, account, self._terms().remind_after) for item in page.items),
            next_cursor=page.next,
        )

    async def get(self, principal: Principal, account_id: str, integration_id: str) -> IntegrationView:
        """One integration; a deleted one as well."""
        account = await enter(self._store.reading, principal, account_id, Right.MANAGE_INTEGRATIONS)
        with translated():
            integration = await integrations.get(
                self._store.reading, account_id=account_id, integration_id=integration_id
            )
        return integration_view(integration, account, self._terms().remind_after)

    async def create(self, principal: Principal, account_id: str, new: NewIntegration) -> IntegrationIssued:
        """A new integration, with its first token unless none is wanted."""
        minted = self._mint.token() if new.issue_token else None
        async with self._store.change(principal) as change:
            account = await enter(change, principal, account_id, Right.MANAGE_INTEGRATIONS)
            self._scopes.check(account.kind, new.scopes)
            integration = await integrations.create(
                change,
                account_id=account_id,
                name=new.name,
                description=new.description,
                scopes=new.scopes,
                token=None if minted is None else minted.stored,
            )
        return IntegrationIssued(
            integration=integration_view(integration, account, self._terms().remind_after),
            token=None if minted is None else minted.shown(integration),
            revision=await self._store.revision(change),
        )

    async def edit(
        self,
        principal: Principal,
        account_id: str,
        integration_id: str,
        edit: IntegrationEdit,
        *,
        versions: Versions = None,
    ) -> IntegrationChanged:
        """Changes what was sent, all of it or nothing; no token is touched."""
        async with self._store.change(principal) as change:
            account = await enter(change, principal, account_id, Right.MANAGE_INTEGRATIONS)
            if "scopes" in edit.model_fields_set:
                self._scopes.check(account.kind, edit.scopes)
            where: _Where = {"account_id": account_id, "integration_id": integration_id}
            integration = await _lock(change, versions, **where)
            if fields := {name: value for name, value in edit.changes().items() if name != "suspended"}:
                integration = await integrations.edit(change, **where, **fields)
            if "suspended" in edit.model_fields_set:
                set_suspended = integrations.suspend if edit.suspended else integrations.resume
                integration = await set_suspended(change, **where)
        return IntegrationChanged(
            integration=integration_view(integration, account, self._terms().remind_after),
            revision=await self._store.revision(change),
        )

    async def delete(
        self, principal: Principal, account_id: str, integration_id: str, *, versions: Versions = None
    ) -> IntegrationChanged:
        """Kills every token at once; what is left is a tombstone."""
        async with self._store.change(principal) as change:
            account = await enter(change, principal, account_id, Right.MANAGE_INTEGRATIONS)
            where: _Where = {"account_id": account_id, "integration_id": integration_id}
            await _lock(change, versions, **where)
            integration = await integrations.delete(change, **where)
        return IntegrationChanged(
            integration=integration_view(integration, account, self._terms().remind_after),
            revision=await self._store.revision(change),
        )


async def _lock(change: Mutation, versions: Versions, **where: Unpack[_Where]) -> Integration:
    integration = await integration_state.lock(change, **where)
    if versions is not None and integration.version not in versions:
        raise StaleVersion(
            Code.VERSION_STALE, "The integration was changed since it was read; read it again."
        )
    return integration
