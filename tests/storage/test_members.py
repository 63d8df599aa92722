"""A member is found only in the own account, and a login by exactly one address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.storage import audit, members
from gateway.storage.errors import Conflict, ConflictReason, NotFound
from gateway.storage.members import Member, Role

if TYPE_CHECKING:
    from tests.storage.conftest import Maker


async def join(make: Maker, account_id: str, email: str, role: Role = Role.ADMIN) -> Member:
    async with make.change() as change:
        return await members.create(
            change, account_id=account_id, email=email, name="Ana", role=role, password_hash="$argon2id$x"
        )


async def test_a_member_is_found_as_made_and_in_no_other_account(make: Maker) -> None:
    account, other = await make.account(), await make.account()
    ana = await join(make, account.id, "ana@example.com")
    assert ana.private_integrations is None
    assert await members.get(make.database, account_id=account.id, member_id=ana.id) == ana
    with pytest.raises(NotFound):
        await members.get(make.database, account_id=other.id, member_id=ana.id)
    async with make.change() as change:
        with pytest.raises(NotFound):
            await members.edit(change, account_id=other.id, member_id=ana.id, role=Role.USER)
        with pytest.raises(NotFound):
            await members.delete(change, account_id=other.id, member_id=ana.id)


async def test_an_address_is_one_member_whatever_its_case_and_account(make: Maker) -> None:
    """A login names no account: with two members of one address it would be a guess."""
    account, other = await make.account(), await make.account()
    ana = await join(make, account.id, "Ana@Example.com")
    with pytest.raises(Conflict) as refused:
        await join(make, other.id, "ana@example.COM")
    assert refused.value.reason is ConflictReason.EMAIL_TAKEN
    login = await members.find_login(make.database, "ANA@example.com")
    assert login is not None
    assert (login.member, login.password_hash) == (ana, "$argon2id$x")
    assert "argon2" not in repr(login)
    assert await members.find_login(make.database, "bob@example.com") is None


async def test_nobody_joins_an_account_that_is_not_there(make: Maker) -> None:
    with pytest.raises(NotFound, match="no account"):
        await join(make, "acc_x", "ana@example.com")


async def test_an_edit_changes_what_it_names_and_says_so(make: Maker) -> None:
    account = await make.account()
    ana = await join(make, account.id, "ana@example.com")
    async with make.change() as change:
        edited = await members.edit(
            change, account_id=account.id, member_id=ana.id, role=Role.USER, private_integrations=True
        )
    assert edited == await members.get(make.database, account_id=account.id, member_id=ana.id)
    entry = (await audit.list_entries(make.database))[0]
    assert entry.before == {"role": "admin", "private_integrations": None}
    assert entry.after == {"role": "user", "private_integrations": True}
    async with make.change() as change:
        await members.edit(change, account_id=account.id, member_id=ana.id, role=Role.USER)
    assert change.revision is None


async def test_a_member_who_leaves_is_gone_and_the_audit_knows_who_it_was(make: Maker) -> None:
    account = await make.account()
    ana = await join(make, account.id, "ana@example.com")
    async with make.change() as change:
        await members.delete(change, account_id=account.id, member_id=ana.id)
    with pytest.raises(NotFound):
        await members.get(make.database, account_id=account.id, member_id=ana.id)
    entry = (await audit.list_entries(make.database))[0]
    assert (entry.action, entry.subject_id) == ("member.delete", ana.id)
    assert entry.before is not None
    assert entry.before["email"] == "ana@example.com"
    await join(make, account.id, "ana@example.com")


async def test_the_list_pages_through_one_account(make: Maker) -> None:
    account, other = await make.account(), await make.account()
    joined = [await join(make, account.id, f"{n}@example.com") for n in range(3)]
    await join(make, other.id, "other@example.com")
    first = await members.list_page(make.database, account_id=account.id, limit=2)
    rest = await members.list_page(make.database, account_id=account.id, limit=2, cursor=first.next)
    assert [*first.items, *rest.items] == joined[::-1]
    assert rest.next is None
