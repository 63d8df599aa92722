"""Accounts: made and listed by operators, edited by their admins as well."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.admin.management.access import Right, enter, require_operator
from gateway.admin.management.outcomes import AccountChanged, AccountList
from gateway.admin.management.principal import Operator, Principal
from gateway.admin.management.refusals import translated
from gateway.admin.management.requests import AccountEdit, NewAccount
from gateway.admin.management.store import Store
from gateway.admin.management.views import AccountView, Labs
from gateway.storage import accounts
from gateway.storage.accounts import Account, Held
from gateway.storage.members import Role


def account_view(account: Account) -> AccountView:
    """An account as it is shown."""
    return AccountView(
        id=account.id,
        name=account.name,
        kind=account.kind,
        parent_id=account.parent_id,
        labs=Labs(private_integrations=account.labs_private_integrations),
        inactivity_expire_after_days=account.inactivity_expire_after_days,
        rotation_remind_after_days=account.rotation_remind_after_days,
        created_at=account.created_at,
    )


def _fields(edit: AccountEdit) -> accounts.AccountEdit:
    """The edit as the store takes it, where the Labs switches are members of their own."""
    fields: accounts.AccountEdit = {}
    sent = edit.model_fields_set
    if "name" in sent:
        fields["name"] = edit.name
    if "labs" in sent:
        fields["labs_private_integrations"] = edit.labs.private_integrations
    if "inactivity_expire_after_days" in sent:
        fields["inactivity_expire_after_days"] = edit.inactivity_expire_after_days
    if "rotation_remind_after_days" in sent:
        fields["rotation_remind_after_days"] = edit.rotation_remind_after_days
    return fields


class Accounts:
    """What can be done with accounts."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(
        self,
        principal: Principal,
        *,
        limit: int,
        cursor: str | None = None,
        parent_id: str | None = None,
        words: str | None = None,
    ) -> AccountList:
        """The accounts within reach, newest first; those of `parent_id` where one is given.

        With `words`, which are an operator's to ask: those that have them all in their name, or are called so by id.
        """
        reading = self._store.reading
        with translated():
            if isinstance(principal, Operator) and principal.account_id is None:
                page = await accounts.list_page(
                    reading, limit=limit, cursor=cursor, parent_id=parent_id, words=words
                )
            else:
                page = await accounts.reachable_page(
                    reading,
                    _own(principal),
                    with_sub_accounts=not isinstance(principal, Operator)
                    and principal.member.role is Role.ADMIN,
                    limit=limit,
                    cursor=cursor,
                    parent_id=parent_id,
                )
        return AccountList(items=tuple(map(account_view, page.items)), next_cursor=page.next)

    async def held(self, principal: Principal, account_ids: Sequence[str]) -> dict[str, Held]:
        """What each of these accounts has; those without an integration are left out."""
        require_operator(principal)
        return await accounts.held(self._store.reading, account_ids)

    async def names(self, principal: Principal, account_ids: Sequence[str]) -> dict[str, str]:
        """What these accounts are called."""
        require_operator(principal)
        return await accounts.names(self._store.reading, account_ids)

    async def get(self, principal: Principal, account_id: str) -> AccountView:
        """One account within reach."""
        return account_view(await enter(self._store.reading, principal, account_id, Right.READ_ACCOUNT))

    async def create(self, principal: Principal, new: NewAccount) -> AccountChanged:
        """A new account."""
        require_operator(principal)
        async with self._store.change(principal) as change:
            account = await accounts.create(change, name=new.name, kind=new.kind, parent_id=new.parent_id)
        return AccountChanged(account=account_view(account), revision=await self._store.revision(change))

    async def edit(self, principal: Principal, account_id: str, edit: AccountEdit) -> AccountChanged:
        """Changes what was sent."""
        async with self._store.change(principal) as change:
            await enter(change, principal, account_id, Right.ADMINISTER)
            account = await accounts.edit(change, account_id, **_fields(edit))
        return AccountChanged(account=account_view(account), revision=await self._store.revision(change))


def _own(principal: Principal) -> str:
    if isinstance(principal, Operator):
        return principal.account_id or ""
    return principal.member.account_id
