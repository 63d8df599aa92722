"""A token ends for want of use only when it is certain that nobody used it while that was possible.

Time is made by moving what the store remembers into the past; what is judged, and by what, is the real thing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from gateway.core.rotation import Operation
from gateway.jobs.schedule import schedule
from gateway.storage import accounts, audit, integrations
from gateway.storage.database import Database, connect
from gateway.storage.inactivity import expire_idle, idle_tokens
from gateway.storage.usage_recording import extend_period
from tests.wiring.tenants import Issued, Tenants

DAYS_90 = timedelta(days=90)


class Years:
    """A store with a past: when the gateway was up, what its nodes have told, when tokens were made and used."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.tenants = Tenants(database)

    async def up(self, since: float, until: float = 0.0) -> None:
        """The gateway was up from and to so many days ago."""
        await self.database.fetch(
            "INSERT INTO usage_periods VALUES (now() - $1::interval, now() - $2::interval)",
            timedelta(days=since),
            timedelta(days=until),
        )

    async def node(self, name: str = "node-1", *, told_until: float | None = 0.0) -> None:
        """A node that has stored everything it saw up to so many days ago; None: nothing yet."""
        await self.database.fetch(
            "INSERT INTO nodes (id, applied_revision, usage_known_at) VALUES ($1, 0, now() - $2::interval)"
            " ON CONFLICT (id) DO UPDATE SET usage_known_at = excluded.usage_known_at",
            name,
            None if told_until is None else timedelta(days=told_until),
        )

    async def token(self, *, made: float, used: float | None = None) -> Issued:
        issued = await self.tenants.issue("contacts.readonly")
        await self.set(issued.token_id, made=made, used=used)
        return issued

    async def set(self, token_id: str, *, made: float, used: float | None) -> None:
        await self.database.fetch(
            "UPDATE tokens SET created_at = now() - $2::interval, first_used_at = now() - $3::interval,"
            " last_used_at = now() - $3::interval WHERE id = $1",
            token_id,
            timedelta(days=made),
            None if used is None else timedelta(days=used),
        )

    async def turn(self, expire_after: timedelta | None = DAYS_90) -> None:
        """One turn of the job."""
        seconds = None if expire_after is None else expire_after.total_seconds()
        (job,) = (
            job
            for job in schedule(self.database, expire_after=lambda: seconds, keep_records=lambda: 0.0)
            if job.name == "inactivity"
        )
        await job.work()

    async def ending(self, issued: Issued) -> str | None:
        (row,) = await self.database.fetch(
            "SELECT CASE WHEN ends_at <= now() THEN ending END AS ending FROM tokens WHERE id = $1",
            issued.token_id,
        )
        ending: str | None = row["ending"]
        return ending


@pytest.fixture
async def years(own_dsn: str) -> AsyncIterator[Years]:
    database = await connect(own_dsn, pool_size=4)
    yield Years(database)
    await database.close()


@pytest.fixture
async def quiet_year(years: Years) -> Years:
    """The gateway was up for a year without a break, and its node has told everything."""
    await years.up(365)
    await years.node()
    return years


async def test_a_token_ends_when_its_last_use_is_too_long_ago_and_the_audit_says_so(
    quiet_year: Years,
) -> None:
    idle, used = await quiet_year.token(made=300, used=91), await quiet_year.token(made=300, used=89)
    await quiet_year.turn()
    assert (await quiet_year.ending(idle), await quiet_year.ending(used)) == ("expired", None)
    (entry,) = await audit.list_entries(quiet_year.database, limit=1)
    assert entry.action == "token.expire"
    assert entry.actor == {"kind": "system", "id": "inactivity", "name": "Expiry of unused tokens"}
    assert entry.subject_id == idle.integration_id
    await quiet_year.turn()
    assert (await audit.list_entries(quiet_year.database, limit=1))[0].number == entry.number, "once"


async def test_a_token_that_was_never_used_is_measured_from_its_making(quiet_year: Years) -> None:
    old, young = await quiet_year.token(made=91), await quiet_year.token(made=89)
    await quiet_year.turn()
    assert (await quiet_year.ending(old), await quiet_year.ending(young)) == ("expired", None)


async def test_nothing_ends_unless_it_is_set(quiet_year: Years) -> None:
    idle = await quiet_year.token(made=364)
    await quiet_year.turn(None)
    assert await quiet_year.ending(idle) is None


async def test_an_accounts_own_number_of_days_holds_for_it_in_both_directions(quiet_year: Years) -> None:
    idle = await quiet_year.token(made=300, used=40)

    async def days(number: int | None) -> None:
        async with quiet_year.tenants.change() as change:
            await accounts.edit(change, idle.account_id, inactivity_expire_after_days=number)

    await days(120)
    await quiet_year.turn(timedelta(days=30))
    assert await quiet_year.ending(idle) is None
    await days(30)
    await quiet_year.turn(None)
    assert await quiet_year.ending(idle) == "expired"


async def test_the_time_that_the_gateway_was_down_makes_nobody_idle(years: Years) -> None:
    """Down for three months, callers could use nothing: all their tokens would end at the start."""
    await years.up(365, 95)
    await years.up(2)
    await years.node()
    unlucky, idle = await years.token(made=300, used=100), await years.token(made=364, used=190)
    await years.turn()
    assert (await years.ending(unlucky), await years.ending(idle)) == (None, "expired")


async def test_a_gateway_that_has_just_come_up_ends_nothing(years: Years) -> None:
    idle = await years.token(made=364, used=364)
    await years.turn()
    await years.node()
    await extend_period(years.database)
    await years.turn()
    assert await years.ending(idle) is None


@pytest.mark.parametrize("told_until", [None, 2.0])
async def test_a_node_that_has_not_told_what_it_saw_holds_up_the_end(
    quiet_year: Years, told_until: float | None
) -> None:
    """It may be cut off from the store and serve the very token, whose use nobody else knows of."""
    idle = await quiet_year.token(made=300, used=91)
    await quiet_year.node("node-2", told_until=told_until)
    await quiet_year.turn()
    assert await quiet_year.ending(idle) is None
    await quiet_year.node("node-2", told_until=0.1)
    await quiet_year.turn()
    assert await quiet_year.ending(idle) == "expired"


async def test_without_any_node_nothing_is_certain(years: Years) -> None:
    await years.up(365)
    idle = await years.token(made=300, used=91)
    await years.turn()
    assert await years.ending(idle) is None


async def test_use_that_became_known_after_the_look_keeps_the_token(quiet_year: Years) -> None:
    idle = await quiet_year.token(made=300, used=91)
    (found,) = await idle_tokens(quiet_year.database, expire_after=DAYS_90)
    await quiet_year.set(idle.token_id, made=300, used=0)
    assert not await expire_idle(quiet_year.database, found, expire_after=DAYS_90)
    assert await quiet_year.ending(idle) is None


async def test_a_token_that_was_replaced_after_the_look_takes_nobody_with_it(quiet_year: Years) -> None:
    idle = await quiet_year.token(made=300, used=91)
    (found,) = await idle_tokens(quiet_year.database, expire_after=DAYS_90)
    await quiet_year.tenants.operate(idle, Operation.ROTATE_NOW)
    assert not await expire_idle(quiet_year.database, found, expire_after=DAYS_90)
    (row,) = await quiet_year.database.fetch("SELECT count(*) AS n FROM tokens WHERE ends_at IS NULL")
    assert row["n"] == 1


async def test_a_deleted_integration_is_passed_over(quiet_year: Years) -> None:
    idle = await quiet_year.token(made=300, used=91)
    (found,) = await idle_tokens(quiet_year.database, expire_after=DAYS_90)
    await quiet_year.tenants.delete(idle)
    assert not await expire_idle(quiet_year.database, found, expire_after=DAYS_90)
    assert await quiet_year.ending(idle) == "revoked"


async def test_a_suspended_integrations_token_waits_and_its_time_begins_anew(quiet_year: Years) -> None:
    """Nobody could use it meanwhile; after the resumption there must be time to."""
    idle = await quiet_year.token(made=300, used=200)
    await quiet_year.tenants.suspend(idle)
    await quiet_year.turn()
    assert await quiet_year.ending(idle) is None
    await quiet_year.tenants.resume(idle)
    await quiet_year.turn()
    assert await quiet_year.ending(idle) is None


async def test_neither_token_of_a_rotation_ends_while_it_lasts_nor_the_new_one_right_after(
    quiet_year: Years,
) -> None:
    """Callers may stay with the old one until the deadline: the new one is not idle before."""
    old = await quiet_year.token(made=300, used=0.5)
    await quiet_year.tenants.operate(old, Operation.ROTATE_LATER)
    await quiet_year.database.fetch(
        "UPDATE tokens SET created_at = now() - interval '100 days' WHERE integration_id = $1",
        old.integration_id,
    )
    await quiet_year.turn()
    assert await quiet_year.ending(old) is None
    await quiet_year.tenants.let_the_deadline_pass(old.token_id)
    await quiet_year.turn()
    (row,) = await quiet_year.database.fetch("SELECT count(*) AS n FROM tokens WHERE ends_at IS NULL")
    assert row["n"] == 1


async def test_a_reinstated_token_is_not_blamed_for_the_rotation(quiet_year: Years) -> None:
    old = await quiet_year.token(made=300, used=91)
    await quiet_year.tenants.operate(old, Operation.ROTATE_LATER)
    await quiet_year.tenants.operate(old, Operation.CANCEL_ROTATION)
    await quiet_year.turn()
    assert await quiet_year.ending(old) is None


async def test_what_will_end_soon_can_be_asked_for(quiet_year: Years) -> None:
    """The dry run, and what a notice is made from."""
    soon, _ = await quiet_year.token(made=300, used=85), await quiet_year.token(made=300, used=70)
    (found,) = await idle_tokens(quiet_year.database, expire_after=DAYS_90, within=timedelta(days=7))
    assert (found.id, found.allowed) == (soon.token_id, DAYS_90)
    assert timedelta(days=84) < found.idle < timedelta(days=86)
    assert await idle_tokens(quiet_year.database, expire_after=DAYS_90) == []


async def test_an_expired_token_can_be_followed_by_a_new_one(quiet_year: Years) -> None:
    idle = await quiet_year.token(made=300, used=91)
    await quiet_year.turn()
    await quiet_year.tenants.operate(idle, Operation.ISSUE)
    await quiet_year.turn()
    integration = await integrations.get(
        quiet_year.database, account_id=idle.account_id, integration_id=idle.integration_id
    )
    assert len(integration.tokens) == 1


async def test_periods_grow_while_the_gateway_is_up_and_begin_anew_after_a_gap(years: Years) -> None:
    async def periods() -> list[tuple[datetime, datetime]]:
        rows = await years.database.fetch(
            "SELECT started_at, ended_at FROM usage_periods ORDER BY started_at"
        )
        return [tuple(row) for row in rows]

    await extend_period(years.database)
    await extend_period(years.database)
    ((began, ended),) = await periods()
    assert ended > began
    await years.database.fetch(
        "UPDATE usage_periods SET started_at = started_at - interval '1 hour', ended_at = ended_at - interval '61 s'"
    )
    for _ in range(2):
        await extend_period(years.database)
    first, second = await periods()
    assert first[1] < second[0] < second[1]
