"""What the schema itself refuses, whatever the code above it forgets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

import gateway.storage
from gateway.core.model import AccountKind
from gateway.core.rotation import TokenState
from gateway.storage.database import connect_alone

if TYPE_CHECKING:
    from tests.storage.conftest import Maker

MIGRATIONS = sorted((Path(gateway.storage.__file__).parent / "migrations").glob("*.sql"))
# The runner sets both timeouts for every migration.
EXCLUDED = "require-lock-timeout,require-statement-timeout"


def test_the_migrations_pass_the_linter() -> None:
    squawk = Path(sys.executable).with_name("squawk")
    command: list[str | Path] = [
        squawk,
        "--assume-in-transaction",
        "--pg-version",
        "14",
        "--exclude",
        EXCLUDED,
        *MIGRATIONS,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


ADD_TOKEN = (
    "INSERT INTO tokens (id, integration_id, digest, hint, ends_at, ending) VALUES ($1, $2, $3, '', $4, $5)"
)


@pytest.mark.parametrize(
    ("sql", "constraint"),
    [
        ("UPDATE tokens SET ends_at = now()", "tokens_end_has_a_reason"),
        ("UPDATE tokens SET ending = 'revoked'", "tokens_end_has_a_reason"),
        ("UPDATE tokens SET ending = 'tired', ends_at = now()", "tokens_ending_check"),
        ("UPDATE tokens SET rotation_started_at = now()", "tokens_rotation_has_an_end"),
        ("UPDATE tokens SET ending = 'rotated', ends_at = now()", "tokens_rotated_was_rotating"),
        ("UPDATE tokens SET digest = 'short'", "tokens_digest_check"),
        ("UPDATE integrations SET scopes = ARRAY['a', NULL]", "integrations_scopes_check"),
        ("UPDATE integrations SET name = ''", "integrations_name_check"),
        ("UPDATE accounts SET kind = 'shop'", "accounts_kind_check"),
        (
            "UPDATE accounts SET inactivity_expire_after_days = 0",
            "accounts_inactivity_expire_after_days_check",
        ),
        ("UPDATE revision SET only_row = false", "revision_only_row_check"),
        ("INSERT INTO revision VALUES (true, 0, 0, decode(repeat('00', 32), 'hex'))", "revision_pkey"),
    ],
)
async def test_rows_that_contradict_themselves(make: Maker, dsn: str, sql: str, constraint: str) -> None:
    await make.in_state(TokenState.ONE)
    connection = await connect_alone(dsn)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
        await connection.execute(sql)
    assert refused.value.constraint_name == constraint
    await connection.close()


async def test_a_second_token_without_a_deadline(make: Maker, dsn: str) -> None:
    integration = await make.in_state(TokenState.ONE)
    connection = await connect_alone(dsn)
    with pytest.raises(asyncpg.UniqueViolationError, match="tokens_one_without_deadline"):
        await connection.execute(ADD_TOKEN, "tok_2", integration.id, bytes(32), None, None)
    await connection.close()


async def test_one_digest_for_two_tokens(make: Maker, dsn: str) -> None:
    token = make.token()
    await make.integration(token=token)
    other = await make.integration()
    connection = await connect_alone(dsn)
    with pytest.raises(asyncpg.UniqueViolationError, match="tokens_digest_key"):
        await connection.execute(ADD_TOKEN, "tok_2", other.id, token.digest, None, None)
    await connection.close()


async def test_a_parent_that_is_a_sub_account_or_becomes_one(make: Maker, dsn: str) -> None:
    agency = await make.account(AccountKind.AGENCY)
    child = await make.account(parent_id=agency.id)
    connection = await connect_alone(dsn)
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="accounts_parent_is_an_agency"):
        await connection.execute("UPDATE accounts SET parent_id = id WHERE id = $1", child.id)
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="accounts_parent_is_an_agency"):
        await connection.execute("UPDATE accounts SET kind = 'sub_account' WHERE id = $1", agency.id)
    with pytest.raises(asyncpg.CheckViolationError, match="accounts_agency_has_no_parent"):
        await connection.execute("UPDATE accounts SET kind = 'agency' WHERE id = $1", child.id)
    await connection.close()


async def test_sessions_end_with_their_member(make: Maker, dsn: str) -> None:
    account = await make.account()
    connection = await connect_alone(dsn)
    await connection.execute(
        "INSERT INTO members (id, account_id, email, name, role) VALUES ('mem_1', $1, 'a@b', 'A', 'user')",
        account.id,
    )
    await connection.execute(
        "INSERT INTO sessions (id_hash, member_id, csrf, expires_at)"
        " VALUES ($1, 'mem_1', 'c', now() + interval '1 hour')",
        bytes(32),
    )
    await connection.execute("DELETE FROM members")
    assert await connection.fetchval("SELECT count(*) FROM sessions") == 0
    await connection.close()
