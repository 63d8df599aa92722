"""The schema is made once, in order, whoever else is making it; a schema that is not ours stops us."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.storage.database import connect_alone
from gateway.storage.errors import SchemaError, SchemaTooNew
from gateway.storage.migrations import Migration, migrate, schema_state, shipped

FIRST = Migration(number=1, name="0001_first.sql", sql="CREATE TABLE first (id bigint PRIMARY KEY);")
SECOND = Migration(number=2, name="0002_second.sql", sql="CREATE TABLE second (id bigint PRIMARY KEY);")
BROKEN = Migration(number=3, name="0003_broken.sql", sql="CREATE TABLE third (id bigint); SELECT 1 / 0;")


async def applied(dsn: str, *migrations: Migration) -> list[str]:
    connection = await connect_alone(dsn)
    try:
        return await migrate(connection, migrations or None)
    finally:
        await connection.close()


async def test_an_empty_database_gets_the_whole_schema_and_then_nothing_more(empty: str) -> None:
    names = [migration.name for migration in shipped()]
    assert await applied(empty) == names
    assert await applied(empty) == []


async def test_two_at_once_apply_each_migration_once(empty: str) -> None:
    results = await asyncio.gather(*(applied(empty) for _ in range(4)))
    assert sorted(filter(None, results)) == [[migration.name for migration in shipped()]]


async def test_the_state_is_told_without_changing_anything(empty: str) -> None:
    connection = await connect_alone(empty)
    state = await schema_state(connection, (FIRST, SECOND))
    assert (state.applied, state.pending) == ((), (FIRST.name, SECOND.name))
    assert await connection.fetchval("SELECT to_regclass('schema_migrations')") is None
    await migrate(connection, (FIRST,))
    state = await schema_state(connection, (FIRST, SECOND))
    assert (state.applied, state.pending) == ((FIRST.name,), (SECOND.name,))
    await connection.close()


async def test_a_released_file_that_was_edited_is_found(empty: str) -> None:
    await applied(empty, FIRST)
    edited = replace(FIRST, sql=FIRST.sql + "-- harmless?")
    with pytest.raises(SchemaError, match=r"0001_first\.sql is not the one") as refused:
        await applied(empty, edited, SECOND)
    assert "\n" not in str(refused.value)


async def test_a_schema_newer_than_the_code_is_left_alone(empty: str) -> None:
    """An old version that writes into a newer schema may break what it does not know."""
    await applied(empty, FIRST, SECOND)
    with pytest.raises(SchemaTooNew, match=r"0002_second\.sql, newer than this version") as refused:
        await applied(empty, FIRST)
    assert "\n" not in str(refused.value)
    connection = await connect_alone(empty)
    with pytest.raises(SchemaTooNew):
        await schema_state(connection, (FIRST,))
    await connection.close()


async def test_a_migration_that_fails_leaves_nothing_of_itself_and_frees_the_lock(empty: str) -> None:
    for _ in range(2):
        with pytest.raises(Exception, match="division by zero"):
            await applied(empty, FIRST, SECOND, BROKEN)
    connection = await connect_alone(empty)
    state = await schema_state(connection, (FIRST, SECOND, BROKEN))
    assert state.pending == (BROKEN.name,)
    assert await connection.fetchval("SELECT to_regclass('third')") is None
    assert await connection.fetchval("SELECT to_regclass('second')") is not None
    await connection.close()
