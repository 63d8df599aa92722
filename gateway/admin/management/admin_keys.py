"""Admin keys: made, listed and revoked by operators; and who holds one that was sent."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.admin.management.access import require_operator
from gateway.admin.management.codes import Code
from gateway.admin.management.minting import Mint
from gateway.admin.management.outcomes import AdminKeyChanged, AdminKeyCreated, AdminKeyList
from gateway.admin.management.principal import Operator, Principal, operator_of
from gateway.admin.management.refusals import Missing, Unauthenticated, flaw, translated
from gateway.admin.management.requests import NewAdminKey
from gateway.admin.management.store import Store
from gateway.admin.management.views import ActorView, AdminKeyView
from gateway.core.tokens import ADMIN_KEY_PREFIX, Digester, TokenForm
from gateway.storage import admin_keys
from gateway.storage.admin_keys import AdminKey
from gateway.storage.errors import StorageError

_FORM: Final = TokenForm(ADMIN_KEY_PREFIX)


def admin_key_view(key: AdminKey) -> AdminKeyView:
    """A key as it is shown."""
    return AdminKeyView(
        id=key.id,
        name=key.name,
        hint=key.hint,
        account_id=key.account_id,
        created_at=key.created_at,
        created_by=ActorView(**key.created_by),
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
    )


class AdminKeys:
    """What can be done with admin keys. `now` is the wall clock."""

    def __init__(self, store: Store, *, mint: Mint, digester: Digester, now: Callable[[], datetime]) -> None:
        self._store = store
        self._mint = mint
        self._digester = digester
        self._now = now

    async def authenticate(self, credential: bytes, address: str | None) -> Operator:
        """Who holds this key. Raises Unauthenticated when it is none of ours, revoked or expired."""
        key = None
        if _FORM.is_valid(credential):
            key = await admin_keys.find_live(self._store.reading, self._digester.candidates(credential))
        if key is None:
            raise Unauthenticated(Code.ADMIN_KEY_INVALID, "This is not a live admin key.")
        if key.last_used_at is None or key.last_used_at < self._now() - timedelta(minutes=1):
            # The key is good; that its use could not be noted is no reason to refuse it.
            with suppress(StorageError):
                await admin_keys.mark_used(self._store.reading, key.id)
        return operator_of(key, address)

    async def list(self, principal: Principal, *, limit: int, cursor: str | None = None) -> AdminKeyList:
        """Every key, newest first."""
        require_operator(principal)
        with translated():
            page = await admin_keys.list_page(self._store.reading, limit=limit, cursor=cursor)
        return AdminKeyList(items=tuple(map(admin_key_view, page.items)), next_cursor=page.next)

    async def get(self, principal: Principal, key_id: str) -> AdminKeyView:
        """One key, a revoked one as well."""
        require_operator(principal)
        with translated():
            return admin_key_view(await admin_keys.get(self._store.reading, key_id))

    async def create(self, principal: Principal, new: NewAdminKey) -> AdminKeyCreated:
        """A new key; the answer is the only place that has its secret."""
        require_operator(principal)
        minted = self._mint.admin_key()
        lasts = None if new.expires_in is None else timedelta(seconds=new.expires_in)
        try:
            async with self._store.change(principal) as change:
                key = await admin_keys.create(
                    change,
                    name=new.name,
                    digest=minted.digest,
                    hint=minted.hint,
                    account_id=new.account_id,
                    expires_at=None if lasts is None else self._now().astimezone(UTC) + lasts,
                )
        except Missing:
            raise flaw("/account_id", "There is no such account.", "account_unknown") from None
        return AdminKeyCreated(
            admin_key=admin_key_view(key),
            secret=minted.secret,
            revision=await self._store.revision(change),
        )

    async def revoke(self, principal: Principal, key_id: str) -> AdminKeyChanged:
        """Ends a key at once; one that is revoked stays so."""
        require_operator(principal)
        async with self._store.change(principal) as change:
            key = await admin_keys.revoke(change, key_id)
        return AdminKeyChanged(admin_key=admin_key_view(key), revision=await self._store.revision(change))
