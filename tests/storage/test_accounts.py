"""Accounts are kept as they were made, and edits are recorded only where they change something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.core.model import AccountKind
from gateway.storage import accounts, audit
from gateway.storage.errors import Conflict, ConflictReason, Invalid, NotFound

if TYPE_CHECKING:
    from gateway.storage.accounts import Account
    from tests.storage.conftest import Maker


async def test_an_account_is_found_as_it_was_made(make: Maker) -> None:
    agency = await make.account(AccountKind.AGENCY, name="Büro")
    child = await make.account(parent_id=agency.id)
    assert agency.id.startswith("acc_")
    assert (agency.name, agency.kind, agency.parent_id) == ("Büro", AccountKind.AGENCY, None)
    assert agency.labs_private_integrations
    assert (agency.inactivity_expire_after_days, agency.rotation_remind_after_days) == (None, None)
    assert await accounts.get(make.database, agency.id) == agency
    assert (await accounts.get(make.database, child.id)).parent_id == agency.id


async def test_nobody_is_found_under_another_name(make: Maker) -> None:
    with pytest.raises(NotFound, match="no account 'acc_x'"):
        await accounts.get(make.database, "acc_x")
    async with make.change() as change:
        with pytest.raises(NotFound):
            await accounts.edit(change, "acc_x", name="New")


@pytest.mark.parametrize("kind", AccountKind)
async def test_a_parent_must_be_an_agency_and_a_child_a_sub_account(make: Maker, kind: AccountKind) -> None:
    shop = await make.account()
    with pytest.raises(Conflict) as refused:
        await make.account(kind, parent_id=shop.id)
    assert refused.value.reason is ConflictReason.PARENT
    with pytest.raises(Conflict):
        await make.account(AccountKind.AGENCY, parent_id=(await make.account(AccountKind.AGENCY)).id)


@pytest.mark.parametrize("name", ["", "x" * 201, "nul\0"])
async def test_a_name_the_schema_does_not_take_is_invalid(make: Maker, name: str) -> None:
    with pytest.raises(Invalid):
        await make.account(name=name)


async def test_an_edit_changes_what_it_names_and_says_so(make: Maker) -> None:
    account = await make.account()
    async with make.change() as change:
        edited = await accounts.edit(
            change, account.id, labs_private_integrations=False, inactivity_expire_after_days=30
        )
    assert edited == await accounts.get(make.database, account.id)
    assert (edited.name, edited.labs_private_integrations) == (account.name, False)
    entry = (await audit.list_entries(make.database, account_id=account.id))[0]
    assert entry.action == "account.edit"
    assert entry.before == {"labs_private_integrations": True, "inactivity_expire_after_days": None}
    assert entry.after == {"labs_private_integrations": False, "inactivity_expire_after_days": 30}
    async with make.change() as change:
        cleared = await accounts.edit(change, account.id, inactivity_expire_after_days=None)
    assert cleared.inactivity_expire_after_days is None


async def test_an_edit_that_changes_nothing_leaves_no_trace(make: Maker) -> None:
    account = await make.account()
    async with make.change() as change:
        assert await accounts.edit(change, account.id, name=account.name) == account
    assert change.revision is None
    assert len(await audit.list_entries(make.database)) == 1


async def test_the_list_pages_through_all_of_them_newest_first(make: Maker) -> None:
    agency = await make.account(AccountKind.AGENCY)
    children = [await make.account(parent_id=agency.id) for _ in range(5)]
    await make.account()
    seen: list[Account] = []
    cursor = None
    while True:
        page = await accounts.list_page(make.database, limit=2, cursor=cursor, parent_id=agency.id)
        assert 0 < len(page.items) <= 2
        seen += page.items
        if (cursor := page.next) is None:
            break
    assert seen == children[::-1]
    assert len((await accounts.list_page(make.database, limit=50)).items) == 7


@pytest.mark.parametrize("cursor", ["", "x", "é", "bnVsbA==", "WzEsMl0=", "WyJ4IiwieCJd"])
async def test_a_cursor_of_someone_elses_making_is_invalid(make: Maker, cursor: str) -> None:
    with pytest.raises(Invalid, match="cursor"):
        await accounts.list_page(make.database, limit=2, cursor=cursor)
