"""The audit cannot be rewritten unseen, and holds no secret."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg
import pytest

from gateway.core.model import AccountKind
from gateway.core.rotation import Operation, TokenState
from gateway.storage import accounts, audit
from gateway.storage.audit import Action, Actor, ActorKind, Subject, SubjectKind, difference
from gateway.storage.database import connect, connect_alone
from gateway.storage.errors import StoreUnavailable
from gateway.storage.identifiers import Prefix, fresh
from gateway.storage.migrations import migrate
from gateway.storage.mutation import mutation

if TYPE_CHECKING:
    from tests.storage.conftest import Maker

OPERATOR = Actor(kind=ActorKind.OPERATOR, id="cli", name="a test")


async def tamper(dsn: str, *statements: str) -> None:
    """What somebody with all rights on the database can do."""
    connection = await connect_alone(dsn)
    await connection.execute("ALTER TABLE audit DISABLE TRIGGER audit_append_only")
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def test_a_row_says_who_did_what_to_what_from_where(make: Maker) -> None:
    async with make.change(address="192.0.2.7") as change:
        change.audit(
            Action.INTEGRATION_EDIT,
            Subject(kind=SubjectKind.INTEGRATION, id="pi_1", account_id="acc_1"),
            before={"name": "Alt"},
            after={"name": "Neu"},
        )
    (entry,) = await audit.list_entries(make.database, account_id="acc_1")
    assert entry.actor == {"kind": "operator", "id": "cli", "name": "a test"}
    assert (entry.action, entry.subject_kind, entry.subject_id) == ("integration.edit", "integration", "pi_1")
    assert (entry.before, entry.after, entry.address) == ({"name": "Alt"}, {"name": "Neu"}, "192.0.2.7")
    assert (entry.number, entry.revision, entry.prev) == (1, change.revision, audit.GENESIS)


async def test_the_list_is_newest_first_and_of_one_account(make: Maker) -> None:
    integration = await make.in_state(TokenState.TWO)
    await make.account()
    entries = await audit.list_entries(make.database, account_id=integration.account_id)
    actions = [entry.action for entry in entries]
    assert actions == ["token.rotate_later", "token.issue", "integration.create", "account.create"]
    older = await audit.list_entries(
        make.database, account_id=integration.account_id, below=entries[1].number, limit=1
    )
    assert older == [entries[2]]


@pytest.mark.parametrize("sql", ["UPDATE audit SET action = 'x'", "DELETE FROM audit", "TRUNCATE audit"])
async def test_the_table_only_grows(make: Maker, dsn: str, sql: str) -> None:
    await make.account()
    connection = await connect_alone(dsn)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await connection.execute(sql)
    await connection.close()


async def test_the_owner_of_the_table_has_no_grant_to_change_it(make: Maker, dsn: str) -> None:
    connection = await connect_alone(dsn)
    granted = await connection.fetchval(
        "SELECT array_agg(privilege_type ORDER BY privilege_type) FROM aclexplode("
        "(SELECT relacl FROM pg_class WHERE relname = 'audit'))"
    )
    assert {"UPDATE", "DELETE", "TRUNCATE"}.isdisjoint(granted)
    assert {"INSERT", "SELECT"} <= set(granted)
    await connection.close()


async def test_an_ordinary_role_that_owns_everything_can_write_the_audit_and_not_change_it(
    empty: str,
) -> None:
    """The usual production role; a superuser passes every grant and meets only the trigger."""
    role = f"role_{fresh(Prefix.ACCOUNT)}".lower()
    name = empty.partition("?")[0].rpartition("/")[2]
    root = await connect_alone(empty)
    await root.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'; ALTER DATABASE {name} OWNER TO {role}")
    dsn = empty.replace(urlsplit(empty).netloc.rpartition("@")[0] + "@", f"{role}:x@")
    database = await connect(dsn)
    try:
        async with database.transaction() as connection:
            assert len(await migrate(connection)) > 0
        async with mutation(database, actor=OPERATOR) as change:
            await accounts.create(change, name="Shop", kind=AccountKind.AGENCY)
        assert (await audit.verify_audit(database)).rows == 1
        for sql in ("UPDATE audit SET action = 'x'", "DELETE FROM audit", "TRUNCATE audit"):
            with pytest.raises(StoreUnavailable, match="permission denied for table audit"):
                await database.fetch(sql)
    finally:
        await database.close()
        await root.execute(
            f"ALTER DATABASE {name} OWNER TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}"
        )
        await root.close()


async def test_an_untouched_chain_is_intact_also_over_more_than_one_batch(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await audit.verify_audit(make.database)).rows == 0
    monkeypatch.setattr(audit, "_VERIFY_BATCH", 3)
    integration = await make.in_state(TokenState.TWO)
    for operation in (Operation.CANCEL_ROTATION, Operation.ROTATE_NOW, Operation.EXPIRE):
        await make.operate(integration, operation)
    check = await audit.verify_audit(make.database)
    assert (check.is_intact, check.rows, check.problem) == (True, 7, None)


@pytest.mark.parametrize(
    ("statements", "broken_at", "problem"),
    [
        (['UPDATE audit SET after = \'{"name": "x"}\' WHERE number = 2'], 2, "content"),
        (["UPDATE audit SET at = at + interval '1 microsecond' WHERE number = 2"], 2, "content"),
        (["UPDATE audit SET address = '192.0.2.1' WHERE number = 1"], 1, "content"),
        (['UPDATE audit SET actor = actor || \'{"name": "x"}\' WHERE number = 4'], 4, "content"),
        (["UPDATE audit SET prev = hash WHERE number = 3"], 3, "follow"),
        (["DELETE FROM audit WHERE number = 1"], 1, "missing"),
        (["DELETE FROM audit WHERE number = 2"], 2, "missing"),
        (["DELETE FROM audit WHERE number >= 3"], 3, "end of the chain is missing"),
        (["DELETE FROM audit"], 1, "end of the chain is missing"),
        (
            [
                "INSERT INTO audit SELECT 5, revision, at, account_id, actor, action, subject_kind, subject_id,"
                " before, after, address, prev, hash FROM audit WHERE number = 4"
            ],
            5,
            "beyond",
        ),
        (["UPDATE revision SET audit_hash = decode(repeat('11', 32), 'hex')"], 4, "rewritten"),
    ],
)
async def test_what_was_tampered_with_is_found(
    make: Maker, dsn: str, statements: list[str], broken_at: int, problem: str
) -> None:
    await make.in_state(TokenState.TWO)
    assert (await audit.verify_audit(make.database)).rows == 4
    await tamper(dsn, *statements)
    check = await audit.verify_audit(make.database)
    assert not check.is_intact
    assert check.broken_at == broken_at
    assert check.problem is not None
    assert problem in check.problem


@pytest.mark.parametrize(
    "value",
    [
        {"secret": "pit_x"},
        {"tokens": [{"id": "tok_1", "digest": "00"}]},
        {"member": {"password": "x"}},
        {"anything": b"\0" * 32},
    ],
)
async def test_a_secret_or_digest_is_refused_at_any_depth(make: Maker, value: dict[str, object]) -> None:
    subject = Subject(kind=SubjectKind.ACCOUNT, id="acc_1", account_id="acc_1")
    async with make.change() as change:
        with pytest.raises(ValueError, match="belong in the audit"):
            change.audit(Action.ACCOUNT_EDIT, subject, after=value)
        with pytest.raises(ValueError, match="belong in the audit"):
            change.audit(Action.ACCOUNT_EDIT, subject, before=value)


async def test_no_digest_is_written_down_by_any_operation(make: Maker) -> None:
    integration = await make.in_state(TokenState.NONE)
    for operation in (Operation.ISSUE, Operation.ROTATE_LATER, Operation.ROTATE_NOW, Operation.EXPIRE):
        await make.operate(integration, operation)
    (row,) = await make.database.fetch("SELECT string_agg(audit::text, '') AS everything FROM audit")
    assert make.digests
    assert not [digest for digest in make.digests.values() if digest.hex() in row["everything"]]


def test_a_difference_names_only_what_changed() -> None:
    assert difference({"a": 1, "b": [1]}, {"a": 1, "b": [2]}) == ({"b": [1]}, {"b": [2]})
    assert difference({"a": 1}, {"a": 1}) is None
