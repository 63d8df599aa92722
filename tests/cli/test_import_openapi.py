"""`gateway import-openapi` as an operator uses it: from a description to a map that is served, and from version to version."""

from __future__ import annotations

import functools
import http.server
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Site, Start
from tests.cli.process import Result, Warm
from tests.openapi.made import DESCRIPTIONS, operation, spec

CONTACTS = DESCRIPTIONS / "contacts.yaml"
IMPORT = "import-openapi"


@pytest.fixture
def description(tmp_path: Path) -> Path:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec({"/a": {"get": operation("a.readonly"), "put": {"responses": {}}}})))
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "made.yaml"


def refused(result: Result, status: int, told: str) -> None:
    """In one line, without a traceback, and without anything on standard output."""
    assert (result.status, result.out, len(result.lines)) == (status, "", 1), result
    assert told in result.err


def test_a_map_that_check_takes(command: Warm, out: Path) -> None:
    result = command(IMPORT, CONTACTS, "-o", out, "--account-from", "Location=sub_account")
    assert result.status == 0
    *_, last = result.out.splitlines()
    assert last.startswith(f"{out}: 14 routes, 6 of them denied, 5 services, 6 scopes; ")
    assert "denied, the description names none (1):\n  POST /v2/contacts/import\n" in result.out
    checked = command("check", "--routes", out, "--json").json
    assert checked["ok"] is True
    assert checked["map"]["routes"] == 14


def test_without_a_file_the_map_is_alone_on_standard_output(command: Warm, out: Path) -> None:
    result = command(IMPORT, CONTACTS)
    assert result.status == 0
    out.write_text(result.out)
    assert command("check", "--routes", out).status == 0
    assert "14 routes, 6 of them denied, 5 services, 6 scopes" in result.err


def test_standard_input_is_a_description(command: Warm) -> None:
    result = command(IMPORT, "-", given=CONTACTS.read_text())
    assert result.status == 0
    assert result.out == command(IMPORT, CONTACTS).out


def test_the_summary_as_data_names_every_operation_that_is_not_there(command: Warm, out: Path) -> None:
    told = command(IMPORT, CONTACTS, "-o", out, "--json").json
    counts = told["counts"]
    assert counts["operations"] == 17
    assert len(told["denied"]) == counts["denied"] == 6
    assert len(told["left_out"]) == counts["left_out"] == 1
    assert (
        counts["with_scope"] + counts["listed"] + counts["open"] + counts["no_scope"]
        == counts["routes"]
        == 14
    )
    assert counts["routes"] + counts["left_out"] + counts["folded"] == counts["operations"]
    assert told["map"] is None
    assert told["merge"] is None
    assert command(IMPORT, CONTACTS, "--json").json["map"] == out.read_text()


def test_scopes_from_a_list_and_the_kind_of_account(command: Warm, description: Path, out: Path) -> None:
    scopes = out.with_name("scopes.csv")
    scopes.write_text("method,path,scope,account\nPUT,/a,a.write,agency\n")
    result = command(IMPORT, description, "-o", out, "--scopes-from", scopes, "--strict")
    assert result.status == 0
    assert "PUT /a: {scope: a.write, account: agency}  # scope from scopes.csv" in out.read_text()


def test_what_is_missing_is_listed_to_be_filled_in(command: Warm, description: Path, out: Path) -> None:
    missing = out.with_name("missing.csv")
    assert command(IMPORT, description, "-o", out, "--missing-to", missing).status == 0
    assert missing.read_text() == (
        "method,path,scope,account,reason\nPUT,/a,,,the description names no security for it\n"
    )
    assert command(IMPORT, description, "-o", out, "--merge", out, "--scopes-from", missing).status == 0
    missing.write_text(missing.read_text().replace("PUT,/a,,", "PUT,/a,a.write,"))
    refused(
        command(IMPORT, description, "--missing-to", missing),
        2,
        "is there already; give it with --scopes-from",
    )
    result = command(IMPORT, description, "-o", out, "--merge", out, "--scopes-from", missing, "--strict")
    assert result.status == 0
    assert "no longer denied (1):\n  PUT /a\n" in result.out
    assert "PUT /a: a.write  # scope from missing.csv\n" in out.read_text()


def test_strict_fails_where_an_operation_is_denied_and_writes_all_the_same(
    command: Warm, description: Path, out: Path
) -> None:
    result = command(IMPORT, description, "-o", out, "--strict")
    assert result.status == 1
    assert "--strict: 1 operations are denied and 0 left out" in result.err
    assert out.exists()


def test_a_file_is_never_written_over_unless_told(command: Warm, description: Path, out: Path) -> None:
    out.write_text("mine\n")
    refused(
        command(IMPORT, description, "-o", out),
        2,
        f"--merge {out} keeps what people edited, --force writes over it",
    )
    other = out.with_name("other.yaml")
    assert command(IMPORT, description, "-o", other).status == 0
    refused(command(IMPORT, description, "-o", out, "--merge", other), 2, "is there already")
    assert out.read_text() == "mine\n"
    assert command(IMPORT, description, "-o", out, "--force").status == 0
    assert "GET /a: a.readonly" in out.read_text()


def test_a_merge_keeps_adds_and_marks(command: Warm, description: Path, out: Path) -> None:
    assert command(IMPORT, description, "-o", out).status == 0
    edited = out.read_text().replace("GET /a: a.readonly", "GET /a: {scope: a.readonly, timeout: 5m}  # slow")
    out.write_text(edited)
    newer = {"/a": {"get": operation("a.readonly")}, "/b": {"get": operation("b.readonly")}}
    description.write_text(json.dumps(spec(newer, info={"title": "Test", "version": "2"})))
    result = command(IMPORT, description, "-o", out, "--merge", out)
    assert result.status == 0
    assert "merged: 1 new, 1 gone, 0 changed, 0 differing, 1 kept" in result.out
    text = out.read_text()
    assert "GET /a: {scope: a.readonly, timeout: 5m}  # slow\n" in text
    assert "GET /b: b.readonly  # new in 2\n" in text
    assert (
        "PUT /a: deny  # no scope: the description names no security for it; gone from the description\n"
        in text
    )
    again = command(IMPORT, description, "-o", out, "--merge", out)
    assert f"{out} stays as it is: " in again.out
    assert out.read_text() == text
    pruned = command(IMPORT, description, "-o", out, "--merge", out, "--prune", "--json").json
    assert pruned["merge"]["pruned"] == ["PUT /a"]
    assert pruned["changed"] is True
    assert "PUT /a" not in out.read_text()


def test_settings_name_the_map_to_merge_into(command: Warm, site: Site, description: Path) -> None:
    before = site.routes.read_text()
    result = command(IMPORT, description, "--config", site.config, "--part")
    assert result.status == 0
    assert site.routes.read_text() == before, "nothing is written that was not asked for"
    assert "contacts.readonly" in result.out
    assert "GET /a: a.readonly  # new in 1.0" in result.out


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("swagger.json", "this is Swagger 2.0; convert it to OpenAPI 3 first"),
        ("letter.txt", "this is no OpenAPI description"),
        ("circle.yaml", "leads in a circle"),
        ("twice.yaml", "is written twice"),
        ("explosion.yaml", "stands for more than 2000000 values"),
        ("gone.yaml", "no such file"),
    ],
)
def test_what_cannot_be_imported_is_a_line_and_loses_nothing(
    command: Warm, out: Path, name: str, told: str
) -> None:
    out.write_text("mine\n")
    refused(command(IMPORT, DESCRIPTIONS / "bad" / name, "-o", out, "--force"), 2, told)
    assert out.read_text() == "mine\n"
    assert [path.name for path in out.parent.iterdir()] == [out.name]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            ("--scheme", "Lokation"),
            "--scheme: no description has a scheme 'Lokation'; did you mean `Location`?",
        ),
        (("--account-from", "Locatio=agency"), "did you mean `Location`?"),
        (("--account-from", "Location"), "--account-from: 'Location' is not SCHEME=KIND"),
        (("--account-from", "Location=agencies"), "'agencies' is no kind of account; did you mean `agency`?"),
        (
            ("--account-from", "Location=agency", "--account-from", "Location=any"),
            "Location is given two kinds",
        ),
        (("--upstream", "crm"), "--upstream: 'crm' is not NAME=URL"),
        (("--upstream", "a b=http://x"), "--upstream: 'a b' is no name"),
        (("--upstream", "crm=http://x/path"), "--upstream crm: "),
        (("--upstream", "crm=http://u:secret@x"), "carries a user name or a password"),
        (("--prefix", "v2"), "--prefix: "),
        (("--max-size", "big"), "--max-size: "),
        (("--max-size", "1KiB"), "is larger than 1024 bytes; raise --max-size if it is right"),
        (("--prune",), "name the map with --merge"),
        (
            ("--missing-to", "/nowhere/missing.csv"),
            "/nowhere/missing.csv cannot be written: no such file or directory",
        ),
        (("--merge", "gone.yaml"), "--merge: gone.yaml is not there"),
        (("--scopes-from", "gone.csv"), "gone.csv: cannot be read"),
        (("-o", "/nowhere/made.yaml"), "/nowhere/made.yaml cannot be written: no such file or directory"),
    ],
)
def test_options_that_cannot_be_meant(command: Warm, options: tuple[str, ...], told: str) -> None:
    result = command(IMPORT, CONTACTS, *options)
    refused(result, 1 if "/nowhere/" in options[-1] else 2, told)
    assert "secret" not in result.err


def test_upstreams_services_and_prefixes_are_for_the_operator_to_say(command: Warm, out: Path) -> None:
    result = command(
        IMPORT, CONTACTS, "-o", out, "--upstream", "crm=http://10.0.0.1:9001", "--upstream", "crm=http://10.0.0.2:9001",
        "--service-from", "file", "--prefix", "/", "--scheme", "Location", "--no-versions", "--anonymous", "public",
    )  # fmt: skip
    assert result.status == 0
    found = {
        f"{route['method']} {route['path']}": route
        for route in command("routes", "--routes", out, "--json").json
    }
    assert {route["service"] for route in found.values()} == {"contacts"}
    assert {route["upstream"] for route in found.values()} == {"crm"}
    assert found["GET /ping"]["access"] == "public"
    assert found["GET /contacts/{contactId}"]["versions"] == []
    assert found["GET /agencies/{agencyId}"]["access"] == "deny"
    assert 'crm: {urls: ["http://10.0.0.1:9001", "http://10.0.0.2:9001"]}' in out.read_text()


def test_a_map_that_somebody_edits_meanwhile_is_not_written_over(
    command: Warm, start: Start, description: Path, out: Path
) -> None:
    """Two at once: whoever saves first keeps what they wrote, and the other is told."""
    assert command(IMPORT, description, "-o", out).status == 0
    newer = spec({"/a": {"get": operation("a.readonly")}, "/b": {"get": operation("b.readonly")}})
    pipe = out.with_name("pipe.json")
    os.mkfifo(pipe)
    running = start(IMPORT, pipe, "--merge", out, "-o", out)
    with pipe.open("w") as file:  # it is opened from the other end once the map has been looked at
        edited = f"{out.read_text()}# Kim was here\n"
        out.write_text(edited)
        file.write(json.dumps(newer))
    assert running.wait() == 1
    assert (
        running.said
        == f"gateway: {out} was changed meanwhile; nothing was written, run the same command again\n"
    )
    assert out.read_text() == edited
    assert command(IMPORT, description, "--merge", out, "-o", out).status == 0
    assert "# Kim was here" in out.read_text()


@pytest.fixture
def site_of_descriptions() -> Iterator[str]:
    """A web server with the descriptions of the tests."""
    serve = functools.partial(_Quiet, directory=str(DESCRIPTIONS))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_addresses_are_descriptions(command: Warm, out: Path, site_of_descriptions: str) -> None:
    assert command(IMPORT, f"{site_of_descriptions}/billing.json", "-o", out).status == 0
    text = out.read_text()
    assert f'urls: ["{site_of_descriptions}"]' in text, "a relative server is where the description came from"
    refused(
        command(IMPORT, f"{site_of_descriptions}/gone.json"), 1, "/gone.json answers 404; check the address"
    )
    refused(
        command(IMPORT, f"{site_of_descriptions}/split/openapi.yaml"), 2, "came without a folder; bundle it"
    )
    refused(
        command(IMPORT, f"{site_of_descriptions}/billing.json", "--max-size", "10"), 1, "raise --max-size"
    )
