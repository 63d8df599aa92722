"""A database that is away is one kind of failure, told in one line, in bounded time, without the password."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from gateway.storage.database import connect
from gateway.storage.errors import Invalid, StoreUnavailable

if TYPE_CHECKING:
    from gateway.storage.database import Database

PASSWORD = "hunter2"


async def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(StoreUnavailable) as away:
            await connect(f"postgresql://me:{PASSWORD}@127.0.0.1:{port}/gw")
    text = str(away.value)
    assert text.startswith(f"cannot reach PostgreSQL at 127.0.0.1:{port}/gw: ")
    assert PASSWORD not in text
    assert "\n" not in text


async def test_somebody_listens_and_never_answers() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        dsn = f"postgresql://me:{PASSWORD}@127.0.0.1:{mute.getsockname()[1]}/gw"
        with pytest.raises(StoreUnavailable, match="cannot reach PostgreSQL"):
            await connect(dsn, connect_timeout_seconds=0.1)


@pytest.mark.parametrize("piece", ["12#34", "12/34", "12?34", "a#b", "a@b/c"])
async def test_an_unescaped_password_is_not_printed_in_pieces(piece: str) -> None:
    with pytest.raises(StoreUnavailable, match="percent-encoded") as refused:
        await connect(f"postgresql://me:{piece}@127.0.0.1:1/gw")
    assert "34" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("dsn", ["", "mysql://h/d", "host=localhost user=me", "postgresql://h:port/d"])
async def test_what_is_no_address_is_called_so(dsn: str) -> None:
    with pytest.raises(StoreUnavailable, match="is not a PostgreSQL address"):
        await connect(dsn)


async def test_a_database_that_does_not_exist_is_away(dsn: str) -> None:
    with pytest.raises(StoreUnavailable, match="does not exist"):
        await connect(dsn.replace("/gw_", "/no_such_"))


async def test_sessions_run_with_the_settings_that_queries_rely_on(database: Database) -> None:
    rows = await database.fetch(
        "SELECT name, setting FROM pg_settings WHERE name IN ('TimeZone', 'jit', 'plan_cache_mode', 'application_name')"
    )
    assert {row["name"]: row["setting"] for row in rows} == {
        "TimeZone": "UTC",
        "jit": "off",
        "plan_cache_mode": "force_generic_plan",
        "application_name": "gateway",
    }


async def test_json_arrives_as_values(database: Database) -> None:
    (row,) = await database.fetch("SELECT $1::jsonb AS b, $2::json AS j", {"a": [1, None]}, ["é"])
    assert (row["b"], row["j"]) == ({"a": [1, None]}, ["é"])


async def test_a_query_that_takes_too_long_is_given_up_and_the_pool_goes_on(database: Database) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(StoreUnavailable):
        await database.fetch("SELECT pg_sleep(30)", timeout_seconds=0.1)
    assert loop.time() - began < 5
    assert len(await database.fetch("SELECT 1")) == 1


async def test_the_wait_for_a_connection_counts_as_well(dsn: str) -> None:
    database = await connect(dsn, pool_size=1)
    async with database.transaction():
        with pytest.raises(StoreUnavailable):
            await database.fetch("SELECT 1", timeout_seconds=0.05)
    assert len(await database.fetch("SELECT 1")) == 1
    await database.close()


async def test_a_backend_that_is_killed_is_away_and_the_next_call_works(database: Database) -> None:
    with pytest.raises(StoreUnavailable):  # noqa: PT012 (the end of the block raises)
        async with database.transaction() as connection:
            pid = connection.get_server_pid()
            await database.fetch("SELECT pg_terminate_backend($1, 5000)", pid)
            # The block ends well; it is the commit that finds nobody there.
    assert len(await database.fetch("SELECT 1")) == 1


async def test_a_closed_pool_is_away(dsn: str) -> None:
    database = await connect(dsn)
    await database.close()
    with pytest.raises(StoreUnavailable):
        await database.fetch("SELECT 1")
    with pytest.raises(StoreUnavailable):
        async with database.transaction():
            pass


async def test_closing_does_not_wait_for_ever_for_what_is_in_use(dsn: str) -> None:
    database = await connect(dsn)
    with pytest.raises(StoreUnavailable):
        async with database.transaction():
            await database.close(wait_seconds=0.05)


async def test_a_schema_that_is_not_there_yet_is_away_too(empty: str) -> None:
    database = await connect(empty)
    with pytest.raises(StoreUnavailable, match="not ready for this version"):
        await database.fetch("SELECT number FROM revision")
    await database.close()


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
async def test_text_that_postgresql_cannot_hold_is_invalid_not_away(database: Database, value: str) -> None:
    with pytest.raises(Invalid):
        await database.fetch("SELECT $1::text", value)


async def test_what_is_shown_of_it_names_the_place_and_not_the_password(database: Database) -> None:
    assert "connections in use" in repr(database)
    assert "postgresql://" not in repr(database)
