"""`gateway diff`: the difference for people, for scripts and for comments, and the exit status for pipelines."""

from __future__ import annotations

import hashlib
import re
import time
from pathlib import Path

import pytest

from gateway.core.usage import HourlyCount
from gateway.storage.database import connect
from gateway.storage.usage_recording import record_hours
from tests.cli.conftest import Site, Start
from tests.cli.process import Warm
from tests.wiring.databases import run
from tests.wiring.tenants import Tenants

OLD = """
upstreams: {crm: {urls: ["http://crm:1"]}, media: {urls: ["http://media:1"]}}
services:
  contacts:
    upstream: crm
    account: sub_account
    routes:
      GET /contacts/{contactId}: contacts.readonly
      DELETE /contacts/{contactId}: contacts.write
      POST /contacts/: [contacts.readonly, contacts.write]
      GET /contacts/export: {scope: contacts.readonly, timeout: 5m}
  files:
    upstream: media
    routes:
      POST /files: {scope: medias.write, body_limit: 5MiB, versions: [2021-07-28]}
scopes: {medias.write: Upload files}
"""


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    (tmp_path / "old.yaml").write_text(OLD)
    return tmp_path


def test_nothing_is_told_of_a_map_that_means_the_same(command: Warm, maps: Path) -> None:
    (maps / "new.yaml").write_text(OLD.replace("contactId", "id").replace("/contacts/:", "/contacts:"))
    result = command("diff", maps / "old.yaml", maps / "new.yaml")
    assert (result.status, result.out, result.err) == (0, "", "the two maps mean the same\n")


def test_what_is_opened_comes_first_and_fails_a_pipeline(command: Warm, maps: Path) -> None:
    new = (
        OLD.replace(
            "DELETE /contacts/{contactId}: contacts.write", "DELETE /contacts/{contactId}: authenticated"
        )
        .replace("GET /contacts/{contactId}: contacts.readonly", "GET /contacts/{contactId}: contacts.write")
        .replace("timeout: 5m", "timeout: 1m")
        .replace("body_limit: 5MiB, ", "")
        .replace("      POST /contacts/: [contacts.readonly, contacts.write]\n", "")
    )
    (maps / "new.yaml").write_text(new)
    result = command("diff", maps / "old.yaml", maps / "new.yaml")
    assert result.status == 1
    rows = [line.split() for line in result.out.splitlines()]
    assert rows[0] == ["SERVICE", "EFFECT", "OPERATION", "WAS", "NOW"]
    assert [row[:4] for row in rows[1:]] == [
        ["contacts", "opened", "DELETE", "/contacts/{contactId}"],
        ["contacts", "moved", "GET", "/contacts/{contactId}"],
        ["contacts", "closed", "POST", "/contacts/"],
        ["contacts", "changed", "GET", "/contacts/export"],
        ["files", "changed", "POST", "/files"],
    ]
    assert rows[1][4:] == ["contacts.write", "(authenticated)"]
    assert result.out.splitlines()[3].endswith(
        "contacts.readonly and contacts.write, account sub_account  (unmapped)"
    )
    assert rows[4][4:] == ["timeout", "300s", "timeout", "60s"]
    assert "1 opened, 1 moved to other callers, 1 closed, 2 changed otherwise" in result.err
    back = command("diff", maps / "new.yaml", maps / "old.yaml", "--json")
    assert back.json["counts"] == {
        "opened": 1,
        "moved": 1,
        "closed": 1,
        "changed": 2,
        "served_elsewhere": 0,
    }
    assert [one["effect"] for one in back.json["operations"] if one["method"] == "DELETE"] == ["closed"]


def test_a_map_that_only_closes_passes_a_pipeline(command: Warm, maps: Path) -> None:
    (maps / "new.yaml").write_text(OLD.replace("account: sub_account", "account: agency"))
    assert command("diff", maps / "old.yaml", maps / "new.yaml").status == 1
    (maps / "new.yaml").write_text(OLD.replace("POST /contacts/: [", "POST /contacts/: [contacts.admin, "))
    result = command("diff", maps / "old.yaml", maps / "new.yaml")
    assert result.status == 0
    assert "contacts.admin  now needed by an operation" in result.out


def test_json_has_both_routes_whole(command: Warm, maps: Path) -> None:
    (maps / "new.yaml").write_text(OLD.replace("versions: [2021-07-28]", "shadow: true"))
    told = command("diff", maps / "old.yaml", maps / "new.yaml", "--json").json
    (one,) = told["operations"]
    assert (one["method"], one["path"], one["service"]) == ("POST", "/files", "files")
    assert (told["opens"], one["opens"], one["closes"], one["effect"]) == (True, True, False, "opened")
    assert one["facets"] == ["access", "versions", "shadow"]
    assert one["old"] == {
        "path": "/files",
        "service": "files",
        "upstream": "media",
        "access": "all_of",
        "scopes": ["medias.write"],
        "account": "any",
        "versions": ["2021-07-28"],
        "shadow": None,
        "body_limit": 5 * 2**20,
        "timeout_seconds": None,
        "websocket": False,
    }
    assert one["new"]["access"] == "authenticated"
    assert one["new"]["shadow"] == {
        "access": "all_of",
        "scopes": ["medias.write"],
        "account": "any",
        "versions": [],
    }
    assert one["was"] == "medias.write, version 2021-07-28, shadow none"
    assert one["now"] == "(authenticated), version any, shadow medias.write"


def test_upstreams_and_scopes_have_tables_of_their_own(command: Warm, maps: Path) -> None:
    (maps / "new.yaml").write_text(
        OLD.replace('["http://crm:1"]', '["http://crm:1", "http://crm:2"]').replace(
            "Upload files", "Write | files"
        )
    )
    result = command("diff", maps / "old.yaml", maps / "new.yaml")
    assert result.status == 0
    assert "crm       contacts (4 operations)  http://crm:1  http://crm:1, http://crm:2" in result.out
    assert "medias.write  words: “Upload files” → “Write | files”" in result.out
    assert "4 served elsewhere" in result.err
    page = command("diff", maps / "old.yaml", maps / "new.yaml", "--format", "markdown").out
    assert "| crm | contacts (4 operations) | `http://crm:1` | `http://crm:1, http://crm:2` |" in page
    assert "“Write &#124; files”" in page


def test_markdown_says_in_its_head_whether_something_is_opened(command: Warm, maps: Path) -> None:
    (maps / "new.yaml").write_text(
        OLD.replace("DELETE /contacts/{contactId}: contacts.write", "DELETE /contacts/{contactId}: 'a|b'")
    )
    result = command("diff", maps / "old.yaml", maps / "new.yaml", "--format", "markdown")
    assert result.status == 1
    assert result.out.startswith(
        "### Route map: something is opened\n\nOperations: 1 moved to other callers.\n"
    )
    assert (
        "| contacts | **moved** | `DELETE /contacts/{contactId}` | `contacts.write` | `a\\|b` |\n"
        in result.out
    )
    same = command("diff", maps / "old.yaml", maps / "old.yaml", "--format", "markdown")
    assert same.out == "### Route map: nothing is opened\n\nThe two maps mean the same.\n"


def changed_ping(site: Site, folder: Path) -> Path:
    new = folder / "new.yaml"
    new.write_text(
        site.routes.read_text().replace("GET /public/ping: authenticated", "GET /public/ping: public")
    )
    return new


def test_without_a_gateway_live_is_the_map_of_the_settings_which_is_said(
    command: Warm, own_site: Site, tmp_path: Path
) -> None:
    new = changed_ping(own_site, tmp_path)
    result = command("diff", "live", new, "--config", own_site.config)
    assert result.status == 1
    assert "GET /public/ping  (authenticated)  (public)" in result.out
    assert f"`live` is {own_site.routes}" in result.err
    assert command("diff", new, "live", "--config", own_site.config).status == 0


def test_without_a_database_nothing_is_started_to_compare(command: Warm, tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(OLD)
    (tmp_path / "gateway.yaml").write_text("data_dir: data\nroutes: old.yaml\n")
    result = command("diff", "live", tmp_path / "old.yaml", "--config", tmp_path / "gateway.yaml")
    assert (result.status, result.out) == (0, "")
    assert not (tmp_path / "data").exists()


def test_live_is_what_the_running_gateway_serves_whatever_its_file_says_meanwhile(
    command: Warm, own_site: Site, start: Start, tmp_path: Path
) -> None:
    new = changed_ping(own_site, tmp_path)
    serving = start("serve", "--config", own_site.config)
    serving.event("ready")
    result = command("diff", "live", new, "--config", own_site.config)
    assert result.status == 1
    assert "`live` is" not in result.err
    # A file that cannot be published is not taken: the gateway serves what it served.
    kept = own_site.routes.read_text()
    own_site.routes.write_text("upstreams: {}")
    serving.event("the changed configuration")
    assert command("diff", "live", new, "--config", own_site.config).out == result.out
    own_site.routes.write_text(kept)
    version = hashlib.sha256(kept.encode()).hexdigest()
    assert command("diff", version[:8], new, "--config", own_site.config).out == result.out
    traffic = command("diff", version, new, "--traffic", "7d", "--config", own_site.config)
    assert traffic.status == 1
    assert "0 requests: 0 would newly be refused (0 integrations)" in traffic.err


def test_a_version_that_the_history_does_not_have_is_told(command: Warm, own_site: Site) -> None:
    result = command("diff", "abcdef123456", own_site.routes, "--config", own_site.config)
    assert result.status == 1
    assert "there is no map 'abcdef123456'" in result.err


def test_traffic_is_told_for_people_with_what_cannot_be_told(
    command: Warm, own_site: Site, tmp_path: Path
) -> None:
    run(record(own_site.dsn))
    new = tmp_path / "new.yaml"
    new.write_text(
        own_site.routes.read_text()
        .replace("GET /contacts/{contactId}: contacts.readonly", "GET /contacts/{contactId}: contacts.admin")
        .replace("GET /contacts/lookup:", "DELETE /contacts/all: deny\n      GET /contacts/lookup:")
    )
    asked = ("diff", own_site.routes, new, "--traffic", "7d", "--config", own_site.config)
    result = command(*asked)
    assert result.status == 1
    rows = result.out.partition("\nrequests\n")[2].splitlines()
    assert rows[0].split() == ["WOULD", "BE", "REQUESTS", "INTEGRATION", "NAME", "OPERATION", "WHY"]
    assert re.match(
        r"refused +5 +pi_\w+ +App +GET /contacts/\{contactId\} +scope_missing contacts.admin$", rows[1]
    )
    assert re.match(
        r"refused +up to 2 +pi_\w+ +App +DELETE /contacts/\{contactId\} +route_unknown, on /contacts/all$",
        rows[2],
    )
    assert (
        "10 requests: 5 would newly be refused (1 integration), 0 would newly pass (0 integrations)"
        in result.err
    )
    assert (
        "not decided anew: 2 where the path or the Version header decides, which are not recorded; "
        "3 that met no operation then\n"
    ) in result.err
    assert "the gateway has counted nothing yet" in result.err
    page = command(*asked, "--format", "markdown").out
    assert "| refused | 5 | pi" in page
    assert "- 10 requests: 5 would newly be refused" in page


async def record(dsn: str) -> None:
    database = await connect(dsn, pool_size=1)
    try:
        issued = await Tenants(database).issue("contacts.readonly", "contacts.write")
        hour = int(time.time()) // 3600 * 3600
        await record_hours(
            database,
            [
                HourlyCount(issued.token_id, hour, "GET /contacts/{contactId}", "2xx", 5),
                HourlyCount(issued.token_id, hour, "DELETE /contacts/{contactId}", "2xx", 2),
                HourlyCount(issued.token_id, hour, "", "route_unknown", 3),
            ],
        )
    finally:
        await database.close()


@pytest.mark.parametrize("span", ["soon", "5s", "4000d"])
def test_a_time_that_makes_no_sense_is_bad_usage(command: Warm, maps: Path, span: str) -> None:
    result = command("diff", maps / "old.yaml", maps / "old.yaml", "--traffic", span)
    assert result.status == 2
    assert "--traffic: " in result.err


def test_a_map_that_cannot_be_published_is_told_with_its_lines(command: Warm, maps: Path) -> None:
    (maps / "new.yaml").write_text(OLD.replace("upstream: media", "upstream: medias"))
    result = command("diff", maps / "old.yaml", maps / "new.yaml")
    assert (result.status, result.out) == (2, "")
    assert "new.yaml:15: service files names the upstream medias" in result.err
    missing = command("diff", maps / "old.yaml", maps / "gone.yaml")
    assert missing.status == 2
    assert "gone.yaml" in missing.err


def test_two_formats_at_once_are_bad_usage(command: Warm, maps: Path) -> None:
    result = command("diff", maps / "old.yaml", maps / "old.yaml", "--json", "--format", "markdown")
    assert result.status == 2
    told = command("diff", maps / "old.yaml", maps / "old.yaml", "--format", "json")
    assert told.json["operations"] == []
