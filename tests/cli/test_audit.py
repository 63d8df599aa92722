"""`gateway audit`: whoever rewrites the record is found out, with the row and what is wrong with it."""

from __future__ import annotations

import pytest

from gateway.storage.database import connect, connect_alone
from tests.cli.conftest import Site
from tests.cli.process import Warm
from tests.wiring.databases import run
from tests.wiring.tenants import Issued, Tenants


async def _fill(dsn: str) -> Issued:
    database = await connect(dsn, pool_size=1)
    try:
        tenants = Tenants(database)
        issued = await tenants.issue("contacts.readonly")
        await tenants.suspend(issued)
        await tenants.resume(issued)
        return issued
    finally:
        await database.close()


async def _tamper(dsn: str, sql: str) -> None:
    """What somebody with all rights on the database can do."""
    connection = await connect_alone(dsn)
    await connection.execute("ALTER TABLE audit DISABLE TRIGGER audit_append_only")
    await connection.execute(sql)
    await connection.close()


def test_a_record_that_nobody_touched_is_intact(command: Warm, own_site: Site) -> None:
    run(_fill(own_site.dsn))
    result = command("audit", "verify", "--config", own_site.config)
    assert (result.status, result.out) == (0, "4 rows, intact\n")
    told = command("audit", "verify", "--config", own_site.config, "--json").json
    assert told == {"intact": True, "rows": 4, "broken_at": None, "problem": None}


@pytest.mark.parametrize(
    ("sql", "row", "words"),
    [
        ("UPDATE audit SET address = '192.0.2.1' WHERE number = 2", 2, "content was changed"),
        ("DELETE FROM audit WHERE number = 3", 3, "missing"),
        ("DELETE FROM audit WHERE number = 4", 4, "end of the chain is missing"),
        (
            "INSERT INTO audit SELECT 5, revision, at, account_id, actor, action, subject_kind, subject_id,"
            " before, after, address, prev, hash FROM audit WHERE number = 4",
            5,
            "added",
        ),
    ],
    ids=["changed", "missing", "cut off", "inserted"],
)
def test_a_record_that_was_rewritten_fails_and_names_the_first_wrong_row(
    command: Warm, own_site: Site, sql: str, row: int, words: str
) -> None:
    run(_fill(own_site.dsn))
    run(_tamper(own_site.dsn, sql))
    result = command("audit", "verify", "--config", own_site.config)
    assert (result.status, result.out) == (1, "")
    assert f"row {row}: " in result.err
    assert words in result.err
    told = command("audit", "verify", "--config", own_site.config, "--json")
    assert told.status == 1
    assert (told.json["intact"], told.json["broken_at"]) == (False, row)
    assert words in told.json["problem"]


def test_changes_are_listed_newest_first(command: Warm, own_site: Site) -> None:
    issued = run(_fill(own_site.dsn))
    lines = command("audit", "list", "--config", own_site.config).out.splitlines()
    assert lines[0].split() == ["ROW", "AT", "ACTION", "SUBJECT", "ACTOR", "ADDRESS"]
    assert [line.split()[0] for line in lines[1:]] == ["4", "3", "2", "1"]
    assert issued.integration_id in lines[1]
    told = command(
        "audit", "list", "--config", own_site.config, "--account", issued.account_id, "--limit", "2", "--json"
    ).json["items"]
    assert [entry["action"] for entry in told] == ["integration.resume", "integration.suspend"]
    assert told[0]["prev"] == told[1]["hash"]
