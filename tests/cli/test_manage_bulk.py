"""`gateway integration create --accounts`: nothing is begun that is known to fail, and nothing that was made is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.process import Result, Warm
from tests.cli.test_commands import is_token
from tests.cli.test_manage import NOBODY, Office, office_on
from tests.wiring.databases import Databases

CREATE = ("integration", "create", "--name", "Sync", "--scope", "contacts.readonly")


@pytest.fixture(scope="module")
def office(databases: Databases, command: Warm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office_on(databases, command, tmp_path_factory.mktemp("office")) as made:
        yield made


@pytest.fixture
def accounts(office: Office) -> list[str]:
    return [office.account(f"Branch {number}") for number in range(3)]


def in_each(office: Office, lines: list[str], *more: str) -> Result:
    return office(*CREATE, "--accounts", "-", *more, given="".join(f"{line}\n" for line in lines))


def names(office: Office, account: str) -> list[str]:
    found = office.json("integration", "list", "--account", account)["items"]
    return [integration["name"] for integration in found]


@contextmanager
def failing(office: Office, *accounts: str, code: str) -> Iterator[None]:
    """The database refuses integrations of these accounts with this error."""
    listed = ", ".join(f"'{account}'" for account in accounts)
    office.sql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF NEW.account_id IN ({listed}) THEN RAISE EXCEPTION 'refused' USING ERRCODE = '{code}'; END IF;"
        " RETURN NEW; END $$"
    )
    office.sql("CREATE TRIGGER refuse BEFORE INSERT ON integrations FOR EACH ROW EXECUTE FUNCTION refuse()")
    yield
    office.sql("DROP FUNCTION refuse CASCADE")


def test_each_line_is_an_account_its_integration_and_its_token(
    office: Office, accounts: list[str], tmp_path: Path
) -> None:
    first, second, third = accounts
    listed = tmp_path / "accounts.txt"
    listed.write_text(f"# the north\n{first}\n\n  {second}  # moved in May\n{third}")
    result = office(*CREATE, "--accounts", listed)
    assert result.status == 0, result.err
    rows = [line.split("\t") for line in result.out.splitlines()]
    assert [row[0] for row in rows] == accounts
    for account, integration, secret in rows:
        assert is_token(secret)
        assert secret not in result.err
        shown = office.json("integration", "show", integration)
        assert shown["account_id"] == account
        assert shown["tokens"][0]["hint"] == f"{secret[:8]}…{secret[-4:]}"
    assert result.lines == ["created 3, skipped 0, failed 0 of 3"]


def test_for_scripts_each_line_is_what_the_api_answers(office: Office, accounts: list[str]) -> None:
    result = in_each(office, accounts, "--json", "--wait", "100ms")
    told = [json.loads(line) for line in result.out.splitlines()]
    assert [one["integration"]["account_id"] for one in told] == accounts
    assert all(one.keys() == {"integration", "token", "revision"} for one in told)
    assert all(is_token(one["token"]["secret"]) for one in told)
    assert "no node is running" in result.err


def test_without_tokens_there_are_two_columns(office: Office, accounts: list[str]) -> None:
    result = in_each(office, accounts, "--no-token")
    assert [line.split("\t")[0] for line in result.out.splitlines()] == accounts
    assert all(line.count("\t") == 1 for line in result.out.splitlines())


def test_a_wrong_line_is_told_with_its_number_and_nothing_is_created(
    office: Office, accounts: list[str]
) -> None:
    good, closed, twice = accounts
    office("account", "edit", closed, "--private-integrations", "off")
    agency = office.account("Northwind", kind="agency")
    lines = ["# wrong in every way", good, "acc_none", NOBODY["acc"], closed, twice, twice, agency]
    result = in_each(office, lines, "--scope", "locations.readonly")
    assert (result.status, result.out) == (1, "")
    *told, last = result.lines
    assert [line.split(":")[1] for line in told] == ["3", "4", "5", "7", "8"]
    assert "there is no account 'acc_none'" in told[0]
    assert "there is no account" in told[1]
    assert "switched off" in told[2]
    assert "stands on line 6 already" in told[3]
    assert "locations.readonly" in told[4]
    assert "nothing was created: 5 of 7 lines are wrong" in last
    assert names(office, good) == names(office, twice) == []


def test_a_run_after_a_failure_does_what_is_missing_and_nothing_twice(
    office: Office, accounts: list[str]
) -> None:
    first, second, third = accounts
    with failing(office, second, code="lock_not_available"):
        result = in_each(office, accounts)
    assert result.status == 1
    assert [line.split("\t")[0] for line in result.out.splitlines()] == [first, third]
    assert "created 2, skipped 0, failed 1 of 3" in result.lines
    assert f"not done: {second}" in result.lines[-1]
    assert "--skip-existing" in result.lines[-1]
    again = in_each(office, accounts, "--skip-existing")
    assert again.status == 0
    assert [line.split("\t")[0] for line in again.out.splitlines()] == [second]
    assert "created 1, skipped 2, failed 0 of 3" in again.lines
    assert any(line.startswith(f"{first}: skipped, it has pi_") for line in again.lines)
    assert [names(office, account) for account in accounts] == [["Sync"]] * 3
    assert in_each(office, accounts, "--skip-existing").out == ""


def test_a_deleted_one_or_one_of_another_name_is_not_in_the_way(office: Office, accounts: list[str]) -> None:
    made = in_each(office, accounts).out.split()[1]
    office("integration", "delete", made, "--yes")
    result = in_each(office, accounts, "--skip-existing")
    assert [line.split("\t")[0] for line in result.out.splitlines()] == accounts[:1]
    other = in_each(office, accounts, "--skip-existing", "--name", "Other")
    assert len(other.out.splitlines()) == 3


def test_a_store_that_is_away_is_not_asked_for_every_account(office: Office, accounts: list[str]) -> None:
    more = [*accounts, office.account("Branch 4"), office.account("Branch 5")]
    with failing(office, *more, code="lock_not_available"):
        result = in_each(office, more)
    assert (result.status, result.out) == (1, "")
    assert "created 0, skipped 0, failed 3 of 5" in result.lines
    assert "2 more were not tried" in result.lines[-1]


@pytest.mark.parametrize(
    ("options", "given", "words"),
    [
        (("--accounts", "-"), "# nobody\n\n", "names no account"),
        (("--accounts", "no-such-file"), "", "cannot be read: no such file"),
        (("--accounts", "-", "--account", NOBODY["acc"]), "", "name one account"),
        ((), "", "name one account"),
        (("--account", NOBODY["acc"], "--skip-existing"), "", "--skip-existing goes with --accounts"),
        (("--accounts", "-", "--wait", "soon"), "", "--wait: "),
    ],
)
def test_bad_usage_is_2(office: Office, options: tuple[str, ...], given: str, words: str) -> None:
    assert words in office.refused(*CREATE, *options, given=given, status=2)
