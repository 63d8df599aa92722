"""Integrations belong to one account, edits touch no token, and a deleted one leaves a tombstone and no live token."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypedDict

import pytest

from gateway.core.model import Ending
from gateway.core.rotation import Operation, TokenState
from gateway.storage import audit, integrations
from gateway.storage.errors import Conflict, ConflictReason, Invalid, NotFound
from gateway.storage.integration_state import IntegrationState

if TYPE_CHECKING:
    from gateway.storage.integration_state import Integration
    from tests.storage.conftest import Maker


class Names(TypedDict):
    account_id: str
    integration_id: str


def names(integration: Integration) -> Names:
    return {"account_id": integration.account_id, "integration_id": integration.id}


async def test_an_integration_is_found_as_made_with_sorted_scopes(make: Maker) -> None:
    bare = await make.integration()
    assert bare.id.startswith("pi_")
    assert bare.scopes == ("contacts.readonly", "contacts.write")
    assert (bare.state, bare.tokens, bare.version) == (IntegrationState.NONE, (), 1)
    assert bare.created_by["name"] == "a test"
    token = make.token()
    ready = await make.integration(bare.account_id, token=token)
    assert ready.state is IntegrationState.ONE
    assert ready.current is not None
    assert (ready.current.id, ready.current.created_at) == (token.id, ready.created_at)
    assert (await make.at(ready)).tokens == ready.tokens
    assert await integrations.account_of(make.database, ready.id) == ready.account_id


async def test_an_integration_of_another_account_is_not_found_by_any_call(make: Maker) -> None:
    integration, other = await make.integration(), await make.account()
    foreign: Names = {"account_id": other.id, "integration_id": integration.id}
    with pytest.raises(NotFound):
        await integrations.get(make.database, **foreign)
    async with make.change() as change:
        for call in (integrations.suspend, integrations.resume, integrations.delete):
            with pytest.raises(NotFound):
                await call(change, **foreign)
        with pytest.raises(NotFound):
            await integrations.edit(change, **foreign, name="Mine")
    with pytest.raises(NotFound):
        await integrations.account_of(make.database, "pi_x")
    with pytest.raises(NotFound, match="no account"):
        await make.integration("acc_x")


async def test_an_edit_changes_what_it_names_and_no_token(make: Maker) -> None:
    before = await make.in_state(TokenState.TWO)
    async with make.change() as change:
        after = await integrations.edit(change, **names(before), name="New", scopes=["b", "a", "b"])
    assert (after.name, after.description, after.scopes) == ("New", "", ("a", "b"))
    assert after.tokens == before.tokens
    assert after.version == before.version + 1
    entry = (await audit.list_entries(make.database))[0]
    assert entry.before == {"name": "Sync", "scopes": ["contacts.readonly", "contacts.write"]}
    assert entry.after == {"name": "New", "scopes": ["a", "b"]}


async def test_an_edit_of_what_someone_else_changed_meanwhile_is_refused(make: Maker) -> None:
    seen = await make.integration()
    async with make.change() as change:
        await integrations.edit(change, **names(seen), expected_version=seen.version, name="Mine")
    async with make.change() as change:
        with pytest.raises(Conflict) as refused:
            await integrations.edit(change, **names(seen), expected_version=seen.version, name="Yours")
    assert refused.value.reason is ConflictReason.VERSION
    assert (await make.at(seen)).name == "Mine"


async def test_of_edits_at_once_with_one_version_exactly_one_wins(make: Maker) -> None:
    seen = await make.integration()

    async def edit(name: str) -> bool:
        try:
            async with make.change() as change:
                await integrations.edit(change, **names(seen), expected_version=seen.version, name=name)
        except Conflict:
            return False
        return True

    assert sum(await asyncio.gather(*(edit(f"name {n}") for n in range(10)))) == 1


async def test_an_edit_that_changes_nothing_leaves_no_trace(make: Maker) -> None:
    seen = await make.integration()
    async with make.change() as change:
        same = await integrations.edit(change, **names(seen), name=seen.name, scopes=reversed(seen.scopes))
    assert (same.version, change.revision) == (seen.version, None)


async def test_an_edit_the_schema_does_not_take_changes_nothing(make: Maker) -> None:
    seen = await make.integration()
    with pytest.raises(Invalid):
        async with make.change() as change:
            await integrations.edit(change, **names(seen), description="x" * 2001)
    assert (await make.at(seen)).description == ""


async def test_suspending_and_resuming_keeps_the_tokens_and_repeats_harmlessly(make: Maker) -> None:
    seen = await make.in_state(TokenState.ONE)
    for call, state in ((integrations.suspend, "suspended"), (integrations.resume, "one")):
        async with make.change() as change:
            after = await call(change, **names(seen))
        assert (after.state, after.tokens) == (state, seen.tokens)
        async with make.change() as again:
            assert (await call(again, **names(seen))).version == after.version
        assert again.revision is None
    actions = [entry.action for entry in await audit.list_entries(make.database, limit=2)]
    assert actions == ["integration.resume", "integration.suspend"]


async def test_deleting_kills_every_token_and_leaves_a_tombstone(make: Maker) -> None:
    integration = await make.in_state(TokenState.TWO)
    await make.run_out(integration)
    integration = await make.operate(integration, Operation.ROTATE_LATER)
    async with make.change() as change:
        deleted = await integrations.delete(change, **names(integration))
    assert (deleted.state, deleted.tokens) == (IntegrationState.DELETED, ())
    assert (await make.at(integration)).deleted_at == deleted.deleted_at
    rows = await make.database.fetch("SELECT ending, ends_at FROM tokens ORDER BY created_at")
    assert [row["ending"] for row in rows] == [Ending.ROTATED, Ending.REVOKED, Ending.REVOKED]
    assert [row["ends_at"] for row in rows[1:]] == [deleted.deleted_at] * 2


async def test_a_tombstone_cannot_be_changed(make: Maker) -> None:
    integration = await make.in_state(TokenState.ONE)
    async with make.change() as change:
        await integrations.delete(change, **names(integration))
    async with make.change() as change:
        for call in (integrations.suspend, integrations.resume, integrations.delete):
            with pytest.raises(Conflict) as refused:
                await call(change, **names(integration))
            assert refused.value.reason is ConflictReason.DELETED
        with pytest.raises(Conflict):
            await integrations.edit(change, **names(integration), name="Back")


async def test_the_list_pages_through_one_account_with_every_integrations_tokens(make: Maker) -> None:
    """The limit counts integrations, not the rows of a join with their tokens."""
    account = await make.account()
    made = []
    for _ in range(5):
        integration = await make.integration(account.id, token=make.token())
        made.append(await make.operate(integration, Operation.ROTATE_LATER))
    await make.integration()
    async with make.change() as change:
        await integrations.delete(change, **names(made[2]))
    seen: list[Integration] = []
    cursor = None
    while True:
        page = await integrations.list_page(make.database, account_id=account.id, limit=2, cursor=cursor)
        assert 0 < len(page.items) <= 2
        seen += page.items
        if (cursor := page.next) is None:
            break
    kept = [integration for integration in made[::-1] if integration is not made[2]]
    assert [integration.id for integration in seen] == [integration.id for integration in kept]
    assert [integration.tokens for integration in seen] == [integration.tokens for integration in kept]
    everything = await integrations.list_page(
        make.database, account_id=account.id, limit=10, with_deleted=True
    )
    assert [integration.id for integration in everything.items] == [item.id for item in made[::-1]]


async def test_a_search_finds_each_word_in_name_description_or_id_in_any_case(make: Maker) -> None:
    account = (await make.account()).id
    other = await make.integration(name="Order sync")
    made = {
        name: await make.integration(account, name=name)
        for name in ("Order Sync", "100% ÜBER", "a_b", "Sync")
    }
    async with make.change() as change:
        await integrations.edit(
            change, account_id=account, integration_id=made["a_b"].id, description="Keeps orders\nin step"
        )

    async def found(*words: str, with_deleted: bool = False) -> list[str]:
        page = await integrations.list_page(
            make.database, account_id=account, limit=9, words=words, with_deleted=with_deleted
        )
        return [item.name for item in page.items]

    assert await found() == ["Sync", "a_b", "100% ÜBER", "Order Sync"]
    assert await found("order") == ["a_b", "Order Sync"]
    assert await found("SYNC", "rde") == ["Order Sync"]
    assert await found("step", "order", "b") == ["a_b"]
    assert await found("%") == ["100% ÜBER"], "no pattern"
    assert await found("_") == ["Sync", "a_b", "100% ÜBER", "Order Sync"], "each id has one"
    assert await found("a_b") == ["a_b"]
    assert await found("ÜBER") == ["100% ÜBER"]
    assert await found(made["Sync"].id[5:15]) == ["Sync"]
    assert await found("orderSync") == []
    assert await found(other.id) == []
    async with make.change() as change:
        await integrations.delete(change, account_id=account, integration_id=made["Sync"].id)
    assert await found("sync") == ["Order Sync"]
    assert await found("sync", with_deleted=True) == ["Sync", "Order Sync"]


async def test_a_search_is_read_page_by_page(make: Maker) -> None:
    account = (await make.account()).id
    for number in range(7):
        await make.integration(account, name=f"{'odd' if number % 2 else 'even'} {number}")
    seen, cursor = [], None
    while True:
        page = await integrations.list_page(
            make.database, account_id=account, limit=2, cursor=cursor, words=("EVEN",)
        )
        seen += [item.name for item in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == ["even 6", "even 4", "even 2", "even 0"]
