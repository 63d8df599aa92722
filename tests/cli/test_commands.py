"""Commands that look and change: tables for people, JSON for scripts, secrets alone on standard output."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from gateway.core.tokens import TokenForm
from tests.cli.conftest import Site
from tests.cli.process import COMMAND, PATIENCE_SECONDS, Warm, environment, gateway
from tests.wiring.databases import Databases, run
from tests.wiring.standing import Standing
from tests.wiring.tenants import never_issued

SHIPPED = Path(__file__).parents[2] / "config" / "v2.routes.yaml"


def is_token(text: str, prefix: str = "pit") -> bool:
    return TokenForm(prefix).is_valid(text.encode("ascii"))


# Looking.


def test_check_of_the_shipped_map_passes_and_tells_its_warnings(command: Warm) -> None:
    result = command("check", "--routes", SHIPPED)
    assert result.status == 0
    assert all(": warning: " in line for line in result.out.splitlines())
    assert "576 routes" in result.err
    told = command("check", "--routes", SHIPPED, "--json").json
    assert told["ok"] is True
    assert told["map"]["routes"] == 576
    assert len(told["problems"]) == len(result.out.splitlines())
    assert {problem["severity"] for problem in told["problems"]} <= {"warning"}
    assert all(re.search(r":\d+$", problem["where"]) for problem in told["problems"])


def test_check_tells_every_problem_of_settings_and_map_with_its_line(command: Warm, site: Site) -> None:
    site.write_settings("errors: {scope_status: 500}\n")
    site.routes.write_text(
        "upstreams: {main: {urls: ['http://127.0.0.1:9']}}\n"
        "services: {a: {upstream: other, routes: {GET /a: x.y}}}\n"
    )
    result = command("check", "--config", site.config, "--routes", site.routes)
    assert result.status == 2
    first, second = result.out.splitlines()
    assert "gateway.yaml:5: errors.scope_status" in first
    assert "routes.yaml:2: " in second
    told = command("check", "--config", site.config, "--routes", site.routes, "--json")
    assert told.status == 2
    assert told.json["ok"] is False
    assert len(told.json["problems"]) == 2


def test_routes_prints_the_map(command: Warm, site: Site) -> None:
    result = command("routes", "--config", site.config)
    assert result.status == 0
    head, *rows = result.out.splitlines()
    assert head.split() == ["METHOD", "PATH", "NEEDS", "ACCOUNT", "SERVICE", "UPSTREAM"]
    assert any(
        row.split()
        == ["GET", "/contacts/{contactId}", "contacts.readonly", "sub_account", "contacts", "main"]
        for row in rows
    )
    assert any("contacts.readonly and locations.readonly" in row for row in rows)
    assert any("contacts.readonly or contacts.write" in row for row in rows)
    told = command("routes", "--config", site.config, "--json").json
    assert len(told) == len(rows)
    agencies = command("routes", "--config", site.config, "--service", "agencies", "--json").json
    assert [route["path"] for route in agencies] == ["/agencies/{agencyId}"]
    assert agencies[0]["scopes"] == ["agencies.readonly"]


def test_routes_shows_what_is_denied_and_what_is_only_tried(command: Warm, site: Site) -> None:
    site.routes.write_text(
        "upstreams: {u: {urls: ['http://127.0.0.1:9']}}\nservices:\n  a:\n    upstream: u\n    routes:\n"
        "      GET /old: deny\n      GET /a: {scope: x, shadow: {any_of: [y, z], account: agency, versions: [v1]}}\n"
    )
    result = command("routes", "--config", site.config, "--routes", site.routes)
    head, denied, tried = result.out.splitlines()
    assert head.split() == ["METHOD", "PATH", "NEEDS", "SHADOW", "ACCOUNT", "SERVICE", "UPSTREAM"]
    assert "(deny)" in denied
    assert "y or z, account agency, version v1" in tried
    assert "2 routes: 1 all_of, 1 deny; 1 with a shadow" in result.err
    told = command("routes", "--config", site.config, "--routes", site.routes, "--json").json
    assert [(route["access"], route["shadow"]) for route in told] == [
        ("deny", None),
        ("all_of", {"access": "any_of", "scopes": ["y", "z"], "account": "agency", "versions": ["v1"]}),
    ]


@pytest.mark.parametrize("arguments", [("routes",), ("check",), ("routes", "--json")])
def test_a_reader_that_has_seen_enough_is_no_failure_worth_a_traceback(arguments: tuple[str, ...]) -> None:
    line = " ".join((COMMAND, *arguments, "--routes", str(SHIPPED), "| head -n 1"))
    done = subprocess.run(
        line,
        shell=True,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert len(done.stdout.splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_token_inspect_tells_a_right_token_from_a_mistyped_one(command: Warm) -> None:
    token = never_issued()
    result = command("token", "inspect", token, "--json")
    assert result.status == 0
    assert result.json == {
        "kind": "token",
        "prefix": "pit",
        "checksum": "right",
        "hint": f"{token[:8]}…{token[-4:]}",
        "length": 42,
    }
    mistyped = token[:-1] + ("a" if token[-1] != "a" else "b")
    result = command("token", "inspect", mistyped, "--json")
    assert (result.status, result.json["checksum"]) == (1, "wrong")
    result = command("token", "inspect", "hello", "--json")
    assert (result.status, result.json["kind"], result.json["checksum"]) == (1, "no token", None)


def test_token_inspect_reads_standard_input_so_that_no_history_keeps_the_token(command: Warm) -> None:
    token = never_issued()
    result = command("token", "inspect", "-", given=token + "\n")
    assert result.status == 0
    assert "right" in result.out
    assert token not in result.out + result.err
    assert command("token", "inspect", "-", given="").status == 1


def test_the_version_is_told() -> None:
    assert re.fullmatch(r"gateway \d+\.\d+\.\d+\n", gateway("--version").out)


@pytest.mark.parametrize(
    "arguments", [(), ("nonsense",), ("token",), ("account", "create"), ("routes", "--nonsense")]
)
def test_bad_usage_is_2_and_says_how(command: Warm, arguments: tuple[str, ...]) -> None:
    result = command(*arguments)
    assert result.status == 2
    assert "Usage" in result.out + result.err
    assert "Traceback" not in result.err


# Changing.


def test_accounts_integrations_and_keys_from_nothing(command: Warm, own_site: Site) -> None:
    """The way of an operator without the API: each answer leads to the next command."""
    config = ("--config", own_site.config)
    agency = command("account", "create", "Northwind", "--kind", "agency", *config)
    assert agency.status == 0
    assert re.fullmatch(r"acc_\w+\n", agency.out), "the id alone, for scripts"
    made = command("account", "create", "Bluebird", "--parent", agency.out.strip(), "--json", *config).json[
        "account"
    ]
    assert (made["kind"], made["parent_id"]) == ("sub_account", agency.out.strip())
    listed = command("account", "list", "--json", *config).json["items"]
    assert {account["name"] for account in listed} == {"Northwind", "Bluebird"}
    table = command("account", "list", *config)
    assert table.out.splitlines()[0].split() == ["ID", "KIND", "NAME", "PARENT", "CREATED"]

    options = ("--account", made["id"], "--name", "Sync", "--scope", "contacts.readonly")
    secret = command("integration", "create", *options, "--scope", "contacts.write", *config)
    assert secret.status == 0
    assert is_token(secret.out.removesuffix("\n")), "the secret alone on standard output"
    assert secret.out.strip() not in secret.err
    as_json = command("integration", "create", *options, "--json", *config).json
    assert is_token(as_json["token"]["secret"])
    assert as_json["integration"]["state"] == "one"
    assert as_json["integration"]["scopes"] == ["contacts.readonly"]
    shown = command("integration", "list", "--account", made["id"], "--json", *config)
    assert len(shown.json["items"]) == 2
    table = command("integration", "list", "--account", made["id"], *config)
    for text in (shown.out, table.out):
        assert secret.out.strip() not in text
        assert f"{secret.out[:8]}…{secret.out.strip()[-4:]}" in text

    key = command("admin-key", "create", "CI", "--expires-in", "90d", *config)
    assert is_token(key.out.removesuffix("\n"), "adm")
    again = command("admin-key", "create", "CI 2", "--json", *config).json
    assert is_token(again["secret"], "adm")
    assert "digest" not in json.dumps(again)
    keys = command("admin-key", "list", "--json", *config)
    assert {found["name"] for found in keys.json["items"]} == {"CI", "CI 2"}
    assert key.out.strip() not in keys.out
    assert command("admin-key", "revoke", again["admin_key"]["id"], *config).status == 0
    revoked = {
        found["name"]: found["revoked_at"]
        for found in command("admin-key", "list", "--json", *config).json["items"]
    }
    assert revoked["CI"] is None
    assert revoked["CI 2"] is not None


def test_what_cannot_be_changed_is_said_in_a_line(command: Warm, site: Site, standing: Standing) -> None:
    config = ("--config", site.config)
    account = standing.full.account_id
    create = ("integration", "create", "--name", "x")
    for arguments, status, words in (
        ((*create, "--account", "acc_none", "--scope", "contacts.readonly"), 1, "acc_none"),
        ((*create, "--account", account, "--scope", "contacts.redonly"), 1, "did you mean contacts.readonly"),
        ((*create, "--account", account, "--scope", "agencies.readonly"), 1, "agencies.readonly"),
        (("integration", "list", "--account", "acc_none"), 1, "acc_none"),
        (("account", "create", "x", "--parent", account), 1, "agency"),
        (("admin-key", "revoke", "key_none"), 1, "key_none"),
        (("admin-key", "create", "x", "--expires-in", "soon"), 2, "--expires-in"),
    ):
        result = command(*arguments, *config)
        assert (result.status, result.out) == (status, ""), (arguments, result.err)
        assert len(result.lines) == 1, result.err
        assert result.err.startswith("gateway: ")
        assert words in result.err


def test_migrate_makes_the_schema_once(
    command: Warm, tmp_path: Path, standing: Standing, databases: Databases
) -> None:
    dsn = run(databases.create_empty())
    try:
        site = Site(tmp_path, dsn)
        first = command("migrate", "--config", site.config, "--json")
        assert first.status == 0
        assert first.json["applied"]
        assert command("migrate", "--config", site.config, "--json").json == {"applied": []}
        assert "up to date" in command("migrate", "--config", site.config).err
    finally:
        run(databases.drop(dsn))
