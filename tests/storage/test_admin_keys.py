"""An admin key opens while it is live, by the database's clock, and no longer."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.storage import admin_keys, audit
from gateway.storage.errors import NotFound

if TYPE_CHECKING:
    from gateway.storage.admin_keys import AdminKey
    from tests.storage.conftest import Maker


async def key(make: Maker, digest: bytes, expires_at: datetime | None = None) -> AdminKey:
    async with make.change() as change:
        return await admin_keys.create(
            change, name="ops", digest=digest, hint="adm_abcd…wxyz", expires_at=expires_at
        )


async def clock(make: Maker) -> datetime:
    (row,) = await make.database.fetch("SELECT clock_timestamp() AS at")
    at: datetime = row["at"]
    return at


async def test_a_key_is_found_by_any_of_its_candidate_digests(make: Maker) -> None:
    digest = os.urandom(32)
    made = await key(make, digest)
    assert made.created_by == {"kind": "operator", "id": "cli", "name": "a test"}
    assert await admin_keys.find_live(make.database, [os.urandom(32), digest]) == made
    assert await admin_keys.find_live(make.database, [os.urandom(32)]) is None
    assert await admin_keys.find_live(make.database, []) is None


async def test_an_expired_key_opens_nothing(make: Maker) -> None:
    early, late = os.urandom(32), os.urandom(32)
    now = await clock(make)
    await key(make, early, expires_at=now)
    await key(make, late, expires_at=now + timedelta(hours=1))
    assert await admin_keys.find_live(make.database, [early]) is None
    assert await admin_keys.find_live(make.database, [late]) is not None


async def test_a_revoked_key_opens_nothing_and_stays_listed(make: Maker) -> None:
    digest = os.urandom(32)
    made = await key(make, digest)
    async with make.change() as change:
        revoked = await admin_keys.revoke(change, made.id)
    assert await admin_keys.find_live(make.database, [digest]) is None
    assert (await admin_keys.list_page(make.database, limit=10)).items == (revoked,)
    async with make.change() as change:
        assert await admin_keys.revoke(change, made.id) == revoked
    assert change.revision is None
    actions = [entry.action for entry in await audit.list_entries(make.database)]
    assert actions == ["admin_key.revoke", "admin_key.create"]


async def test_unknown_keys_and_accounts_are_not_found(make: Maker) -> None:
    async with make.change() as change:
        with pytest.raises(NotFound):
            await admin_keys.revoke(change, "key_x")
    with pytest.raises(NotFound):
        async with make.change() as change:
            await admin_keys.create(change, name="ops", digest=bytes(32), hint="", account_id="acc_x")


async def test_use_is_noted_once_a_minute_and_not_on_every_request(make: Maker) -> None:
    made = await key(make, os.urandom(32))
    seen = []
    for _ in range(2):
        await admin_keys.mark_used(make.database, made.id)
        seen.append((await admin_keys.list_page(make.database, limit=1)).items[0].last_used_at)
    assert seen[0] is not None
    assert seen[0] == seen[1]
