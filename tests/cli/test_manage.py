"""Commands that manage accounts, members, keys, scopes, nodes and the audit; and what all of them have in common."""

from __future__ import annotations

import getpass
import itertools
import json
import os
import pty
import re
import select
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.storage.database import connect_alone
from tests.cli.conftest import Site
from tests.cli.process import COMMAND, PATIENCE_SECONDS, Result, Warm, environment
from tests.cli.test_commands import is_token
from tests.wiring.databases import Databases, run

NOBODY = {kind: f"{kind}_{'0' * 20}" for kind in ("acc", "mem", "pi", "key")}


class Office:
    """An operator's desk: a site on a database of the module's own, and commands for it."""

    def __init__(self, command: Warm, folder: Path, dsn: str) -> None:
        self.site = Site(folder, dsn)
        self._command = command
        self._numbers = itertools.count(1)

    def __call__(
        self, *arguments: str | Path, given: str = "", cwd: Path | None = None, **overrides: str
    ) -> Result:
        return self._command(*arguments, "--config", self.site.config, cwd=cwd, given=given, **overrides)

    def json(self, *arguments: str | Path, given: str = "") -> Any:
        """What a command that succeeds prints for scripts."""
        result = self(*arguments, "--json", given=given)
        assert result.status == 0, result.err
        return result.json

    def refused(self, *arguments: str | Path, status: int = 1, given: str = "") -> str:
        """The one line that a command refuses with; nothing is on standard output."""
        result = self(*arguments, given=given)
        assert (result.status, result.out) == (status, ""), (arguments, result.out, result.err)
        assert len(result.lines) == 1, result.err
        assert result.err.startswith("gateway: ")
        return result.lines[0]

    def at_terminal(self, *arguments: str, answers: Sequence[tuple[str, str]]) -> Result:
        """A command whose standard input is a terminal, at which each question is given its answer."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [COMMAND, *arguments, "--config", str(self.site.config)],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
            start_new_session=True,
        )
        os.close(theirs)
        assert process.stderr is not None
        said = b""
        try:
            for question, answer in answers:
                # What is typed before a password is asked for is thrown away.
                while not said.endswith(question.encode()):
                    ready, _, _ = select.select([process.stderr], [], [], PATIENCE_SECONDS)
                    part = os.read(process.stderr.fileno(), 4096) if ready else b""
                    assert part, said
                    said += part
                os.write(ours, f"{answer}\n".encode())
            out, err = process.communicate(timeout=PATIENCE_SECONDS)
        finally:
            os.close(ours)
            if process.poll() is None:
                process.kill()
                process.communicate()
        return Result(process.returncode, out.decode(), (said + err).decode())

    def account(self, name: str = "Bluebird", kind: str = "sub_account") -> str:
        """A new account's id. Made without a command, which takes longer."""
        account_id = f"acc_{next(self._numbers):020}"
        self.sql(f"INSERT INTO accounts (id, kind, name) VALUES ('{account_id}', '{kind}', '{name}')")
        return account_id

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """What the database says."""

        async def ask() -> list[tuple[Any, ...]]:
            connection = await connect_alone(self.site.dsn)
            try:
                return [tuple(row) for row in await connection.fetch(statement)]
            finally:
                await connection.close()

        return run(ask())

    @contextmanager
    def node(self, applied_revision: int, name: str = "node_x") -> Iterator[str]:
        """A node that says it is alive, and has applied this much."""
        self.sql(
            "INSERT INTO nodes (id, heartbeat_at, applied_revision)"
            f" VALUES ('{name}', now() + interval '1 hour', {applied_revision})"
        )
        try:
            yield name
        finally:
            self.sql(f"DELETE FROM nodes WHERE id = '{name}'")


@contextmanager
def office_on(databases: Databases, command: Warm, folder: Path) -> Iterator[Office]:
    """An office on a new database."""
    dsn = run(databases.create())
    yield Office(command, folder, dsn)
    run(databases.drop(dsn))


@pytest.fixture(scope="module")
def office(databases: Databases, command: Warm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office_on(databases, command, tmp_path_factory.mktemp("office")) as made:
        yield made


# Accounts.


def test_an_account_is_made_shown_and_listed(office: Office) -> None:
    agency = office("account", "create", "Northwind", "--kind", "agency")
    assert re.fullmatch(r"acc_\w{20}\n", agency.out), "the id alone, for scripts"
    assert agency.lines == ["created agency 'Northwind'"]
    told = office.json("account", "create", "Bluebird", "--parent", agency.out.strip())
    assert told.keys() == {"account", "revision"}
    made = told["account"]
    assert (made["kind"], made["parent_id"]) == ("sub_account", agency.out.strip())
    assert office.json("account", "show", made["id"]) == made
    assert made["id"] in office("account", "show", made["id"]).out
    listed = office.json("account", "list")
    assert listed.keys() == {"items", "next_cursor"}
    assert listed["next_cursor"] is None
    assert made in listed["items"]
    below = office.json("account", "list", "--parent", agency.out.strip())["items"]
    assert below == [made]
    table = office("account", "list", "--parent", agency.out.strip())
    assert [line.split()[0] for line in table.out.splitlines()] == ["ID", made["id"]]
    assert table.lines == ["1 account"]


def test_a_list_is_whole_however_many_pages_it_has(
    databases: Databases, command: Warm, tmp_path: Path
) -> None:
    with office_on(databases, command, tmp_path) as office:
        office.sql(
            "INSERT INTO accounts (id, kind, name) SELECT 'acc_' || lpad(n::text, 20, '0'), 'agency', n::text"
            " FROM generate_series(1, 401) AS n"
        )
        assert len({account["id"] for account in office.json("account", "list")["items"]}) == 401


def test_an_account_is_edited_and_what_is_not_given_stays(office: Office) -> None:
    account = office.account()
    edit = ("account", "edit", account)
    told = office.json(*edit, "--private-integrations", "off", "--inactivity-days", "30")
    assert told.keys() == {"account", "revision"}
    assert told["account"]["labs"] == {"private_integrations": False}
    assert told["account"]["inactivity_expire_after_days"] == 30
    told = office.json(*edit, "--name", "default", "--rotation-reminder-days", "60")["account"]
    assert (told["name"], told["rotation_remind_after_days"]) == ("default", 60)
    assert (told["labs"]["private_integrations"], told["inactivity_expire_after_days"]) == (False, 30)
    told = office.json(*edit, "--inactivity-days", "default", "--rotation-reminder-days", "default")[
        "account"
    ]
    assert (told["inactivity_expire_after_days"], told["rotation_remind_after_days"]) == (None, None)
    quiet = office(*edit, "--private-integrations", "on")
    assert (quiet.status, quiet.out, quiet.lines) == (0, "", [f"edited {account} 'default'"])


# Members.


def test_a_member_is_made_shown_listed_edited_and_removed(office: Office) -> None:
    of = ("--account", office.account())
    made = office("member", "create", "robin@example.com", "--name", "Robin", "--role", "admin", *of)
    assert re.fullmatch(r"mem_\w{20}\n", made.out)
    member = made.out.strip()
    shown = office.json("member", "show", member, *of)
    assert shown["role"] == "admin"
    assert shown["permissions"] == {"private_integrations": None}
    assert shown["may_manage_integrations"] is True
    assert office.json("member", "list", *of) == {"items": [shown], "next_cursor": None}
    assert "robin@example.com" in office("member", "list", *of).out
    for permission, value, may in (("off", False, False), ("on", True, True), ("default", None, True)):
        told = office.json(
            "member", "edit", member, "--permission", f"private_integrations={permission}", *of
        )
        assert told.keys() == {"member", "revision"}
        assert told["member"]["permissions"] == {"private_integrations": value}
        assert told["member"]["may_manage_integrations"] is may
    assert re.search(r"permission\D+default", office("member", "show", member, *of).out)
    told = office.json("member", "edit", member, "--role", "user", "--name", "Robin B.", *of)["member"]
    assert (told["role"], told["name"], told["may_manage_integrations"]) == ("user", "Robin B.", False)
    assert "--yes" in office.refused("member", "delete", member, *of, status=2)
    assert office.json("member", "delete", member, "--yes", *of)["member"]["id"] == member
    assert office.json("member", "list", *of)["items"] == []


def test_a_member_is_made_with_a_permission_that_overrides_the_role(office: Office) -> None:
    of = ("--account", office.account())
    for address, role, permission, may in (("a", "user", "on", True), ("b", "admin", "off", False)):
        made = office.json(
            *("member", "create", f"permitted-{address}@example.com", "--name", "A", "--role", role, *of),
            *("--permission", f"private_integrations={permission}"),
        )["member"]
        assert made["permissions"] == {"private_integrations": permission == "on"}
        assert made["may_manage_integrations"] is may
    for wrong in ("on", "private_integrations", "private_integrations=yes", "integrations=on"):
        refused = ("member", "create", "permitted-c@example.com", "--name", "C", *of, "--permission", wrong)
        assert "write private_integrations=on" in office.refused(*refused, status=2)


def _has_password(office: Office, member: str) -> bool:
    ((hashed,),) = office.sql(f"SELECT password_hash FROM members WHERE id = '{member}'")
    return hashed is not None


def test_a_password_comes_from_standard_input_and_is_never_repeated(office: Office) -> None:
    of = ("--account", office.account())
    secret = "correct horse battery"
    made = office("member", "create", "a@example.com", "--name", "A", "--password", *of, given=f"{secret}\n")
    assert made.status == 0
    assert secret not in made.out + made.err
    assert _has_password(office, made.out.strip())
    without = office("member", "create", "b@example.com", "--name", "B", *of).out.strip()
    assert not _has_password(office, without)
    assert office("member", "edit", without, "--password", *of, given=f"{secret}\n").status == 0
    assert _has_password(office, without)
    for given, words in (("", "no password"), ("short\n", "--password: ")):
        line = office.refused("member", "edit", without, "--password", *of, given=given, status=2)
        assert words in line
        assert "short" not in line.replace("shorter", "")


def test_a_password_on_the_command_line_is_refused(office: Office) -> None:
    """It would stand in the shell's history and in the list of processes."""
    result = office(
        "member", "create", "permitted-c@example.com", "--name", "C", "--password=hunter22", "--account", "x"
    )
    assert result.status == 2
    assert "does not take a value" in result.err
    assert "hunter22" not in result.out + result.err


def test_a_password_is_asked_for_twice_at_a_terminal(office: Office) -> None:
    account = office.account()
    arguments = ("member", "create", "d@example.com", "--name", "D", "--account", account, "--password")
    differing = office.at_terminal(
        *arguments, answers=[("Password: ", "one password"), ("Once more: ", "other password")]
    )
    assert differing.status == 2
    assert "the passwords differ" in differing.err
    made = office.at_terminal(
        *arguments, answers=[("Password: ", "one password"), ("Once more: ", "one password")]
    )
    assert made.status == 0, made.err
    assert _has_password(office, made.out.strip())


# Keys, scopes, nodes.


def test_a_key_is_made_listed_and_revoked_and_its_secret_stands_alone(office: Office) -> None:
    account = office.account()
    result = office("admin-key", "create", "CI", "--expires-in", "90d", "--account", account)
    secret = result.out.removesuffix("\n")
    assert is_token(secret, "adm")
    assert secret not in result.err
    told = office.json("admin-key", "create", "CI 2")
    assert told.keys() == {"admin_key", "secret", "revision"}
    assert is_token(told["secret"], "adm")
    listed = office("admin-key", "list", "--json")
    assert secret not in listed.out
    by_name = {key["name"]: key for key in listed.json["items"]}
    assert by_name["CI 2"] == told["admin_key"]
    assert by_name["CI"]["account_id"] == account
    assert by_name["CI"]["expires_at"] is not None
    assert by_name["CI"]["created_by"]["kind"] == "operator"
    revoked = office.json("admin-key", "revoke", told["admin_key"]["id"])
    assert revoked.keys() == {"admin_key", "revision"}
    assert revoked["admin_key"]["revoked_at"] is not None
    again = office("admin-key", "revoke", told["admin_key"]["id"])
    assert (again.status, again.out) == (0, "")


def test_scopes_are_listed_from_the_map_without_a_database(office: Office) -> None:
    table = office("scope", "list", GATEWAY__DATABASE__URL="postgresql://127.0.0.1:1/none")
    assert table.status == 0, table.err
    assert table.out.splitlines()[0].split() == ["SCOPE", "ACCOUNT", "ROUTES", "DESCRIPTION"]
    every = {scope["name"] for scope in office.json("scope", "list")}
    agency = {scope["name"] for scope in office.json("scope", "list", "--kind", "agency")}
    sub_account = {scope["name"] for scope in office.json("scope", "list", "--kind", "sub_account")}
    assert every == agency | sub_account
    assert "agencies.readonly" in agency - sub_account
    assert "locations.readonly" in sub_account - agency


def test_nodes_are_listed(office: Office) -> None:
    assert office.json("nodes", "list") == {"items": [], "next_cursor": None}
    with office.node(7) as node:
        (told,) = office.json("nodes", "list")["items"]
        assert (told["id"], told["applied_revision"], told["alive"]) == (node, 7, True)
        table = office("nodes", "list")
        assert table.out.splitlines()[1].split()[:3] == [node, "yes", "7"]
        assert table.lines == ["1 of 1 nodes are alive"]


# What all have in common.


def test_changes_are_written_down_in_the_operators_name_and_can_be_found(office: Office) -> None:
    account = office("account", "create", "Audited").out.strip()
    office("account", "edit", account, "--private-integrations", "off")
    of = ("audit", "list", "--account", account)
    told = office.json(*of)
    assert told.keys() == {"items", "next_cursor"}
    assert [entry["action"] for entry in told["items"]] == ["account.edit", "account.create"]
    newest, oldest = told["items"]
    assert {entry["actor"]["kind"] for entry in told["items"]} == {"operator"}
    assert newest["actor"]["name"] == os.environ.get("SUDO_USER", getpass.getuser())
    assert newest["after"] == {"labs_private_integrations": False}
    assert newest["subject"] == {"kind": "account", "id": account}
    assert office.json(*of, "--action", "account.create")["items"] == [oldest]
    assert office.json(*of, "--actor", "nobody")["items"] == []
    assert office.json("audit", "list", "--subject", account)["items"] == told["items"]
    assert office.json(*of, "--from", "2100-01-01T00:00:00Z")["items"] == []
    page = office.json(*of, "--limit", "1")
    assert page["items"] == [newest]
    assert office.json(*of, "--cursor", page["next_cursor"])["items"] == [oldest]
    assert office("audit", "verify").status == 0


def test_the_receipt_tells_which_nodes_have_applied_a_change(office: Office) -> None:
    account = office.account()
    edit = ("account", "edit", account, "--wait", "100ms", "--inactivity-days")
    assert "no node is running" in office(*edit, "10").err
    with office.node(2**40):
        told = office.json(*edit, "11")
        assert (told["applied_by"], told["waiting_for"]) == (1, [])
        assert told.keys() == {"account", "revision", "applied_by", "waiting_for"}
        assert "applied by 1 node" in office(*edit, "12").lines
        with office.node(0, "node_slow"):
            told = office.json(*edit, "13")
            assert (told["applied_by"], told["waiting_for"]) == (1, ["node_slow"])
            result = office(*edit, "14")
            assert result.status == 0, "the change is made"
            assert "NOT YET by node_slow" in result.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("account", "show", "acc_none"), "there is no account 'acc_none' (`gateway account list`"),
        (("account", "show", NOBODY["acc"]), f"there is no account '{NOBODY['acc']}'"),
        (("account", "edit", NOBODY["acc"], "--name", "x"), "there is no account"),
        (("account", "list", "--parent", NOBODY["acc"]), "there is no account"),
        (("account", "create", "x", "--parent", NOBODY["acc"]), "there is no agency"),
        (("member", "list", "--account", NOBODY["acc"]), "there is no account"),
        (("admin-key", "revoke", NOBODY["key"]), "there is no admin key"),
        (("admin-key", "create", "x", "--account", NOBODY["acc"]), "--account: There is no such account"),
        (("audit", "list", "--account", NOBODY["acc"]), "there is no account"),
        (("audit", "list", "--cursor", "x"), "--cursor: "),
    ],
)
def test_what_the_services_refuse_is_one_line_with_the_way_out(
    office: Office, arguments: tuple[str, ...], words: str
) -> None:
    assert words in office.refused(*arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("account", "edit", NOBODY["acc"]), "say what to change"),
        (("account", "edit", NOBODY["acc"], "--inactivity-days", "soon"), "--inactivity-days: "),
        (("account", "edit", NOBODY["acc"], "--rotation-reminder-days", "0"), "--rotation-reminder-days: "),
        (("account", "create", " "), "NAME: "),
        (("account", "create", "x", "--wait", "soon"), '--wait: "soon" is not a duration'),
        (("account", "create", "x", "--wait", "5m"), "--wait: "),
        (("member", "create", "robin", "--name", "x", "--account", NOBODY["acc"]), "EMAIL: Write an e-mail"),
        (("admin-key", "create", "x", "--expires-in", "soon"), '--expires-in: "soon" is not a duration'),
        (("audit", "list", "--from", "yesterday"), "--from: Write a time with its offset"),
    ],
)
def test_a_value_that_cannot_be_right_is_bad_usage_told_by_its_option(
    office: Office, arguments: tuple[str, ...], words: str
) -> None:
    assert words in office.refused(*arguments, status=2)


def test_who_only_looks_makes_no_peppers(office: Office) -> None:
    file = office.site.folder / "none" / "peppers"
    for arguments in (("account", "list"), ("account", "create", "x")):
        assert office(*arguments, GATEWAY__TOKENS__PEPPER_FILE=str(file)).status == 0
    assert not file.parent.exists()
    assert office("admin-key", "create", "x", GATEWAY__TOKENS__PEPPER_FILE=str(file)).status == 0
    assert file.exists()


def test_an_address_that_is_taken_is_told(office: Office) -> None:
    create = ("member", "create", "e@example.com", "--name", "E", "--account", office.account())
    assert office(*create).status == 0
    assert "gateway member list" in office.refused(*create)


def test_lists_for_scripts_hold_no_secret(office: Office) -> None:
    text = json.dumps([office.json(group, "list") for group in ("account", "admin-key", "audit")])
    assert "digest" not in text
    assert "password_hash" not in text
