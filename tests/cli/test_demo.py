"""`gateway demo`: one command on an empty folder serves, ends cleanly however it is ended, and comes back the same."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import asyncpg
import pytest

from tests.cli.conftest import Start
from tests.cli.process import PATIENCE_SECONDS, Running, Warm, gone, processes_of
from tests.wiring.databases import run

ANY_PORT = ("--proxy-port", "0", "--admin-port", "0")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the demo; the tests of this file start it there one after the other."""
    return tmp_path_factory.mktemp("demo") / "data"


@pytest.fixture
def demo(start: Start, data: Path) -> Iterator[tuple[Running, dict[str, Any]]]:
    running = start("demo", *ANY_PORT, "--data", data, "--json")
    yield running, json.loads(running.first_line())
    running.close()
    assert gone(data)


def status_of(url: str, token: str | None = None) -> int:
    wanted = Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    with urlopen(wanted, timeout=PATIENCE_SECONDS) as answer:
        answer.read()
        return int(answer.status)


def cpu_seconds(pid: int) -> float:
    """What a process and those of its children that have ended took of a processor: the same on a busy machine."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def test_it_is_ready_in_time_and_says_so_in_one_line(start: Start, data: Path) -> None:
    running = start("demo", *ANY_PORT, "--data", data, "--json")
    told = json.loads(running.first_line())
    assert cpu_seconds(running.pid) < 10
    assert list(told) == [
        "proxy",
        "admin",
        "upstream",
        "database",
        "account_id",
        "integration_id",
        "token",
        "admin_key",
        "login",
    ]
    assert set(told["login"]) == {"email", "password"}
    assert told["token"].startswith("pit_")
    assert told["admin_key"].startswith("adm_")
    assert status_of(f"{told['proxy']}/contacts/c1", told["token"]) == 200
    assert status_of(f"{told['admin']}/healthz") == 200
    assert status_of(f"{told['admin']}/readyz") == 200
    assert status_of(f"{told['admin']}/metrics") == 200
    assert status_of(f"{told['upstream']}/anything") == 200

    async def accounts() -> int:
        connection = await asyncpg.connect(told["database"])
        try:
            found: int = await connection.fetchval("SELECT count(*) FROM accounts")
            return found
        finally:
            await connection.close()

    assert run(accounts()) == 2
    assert running.stop(signal.SIGINT) == 0
    assert running.rest() == b"", "with --json standard output is one line"
    assert "Traceback" not in running.said
    assert "Warning" not in running.said
    assert gone(data)
    (host,) = parse_qs(urlsplit(told["database"]).query)["host"]
    assert not Path(host).exists(), "its socket is left behind"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_comes_back_with_the_same_token_however_it_was_ended(
    start: Start, data: Path, number: signal.Signals
) -> None:
    first = start("demo", *ANY_PORT, "--data", data, "--json")
    before = json.loads(first.first_line())
    assert first.stop(number) == (-signal.SIGKILL if number is signal.SIGKILL else 0)
    assert gone(data), f"left running: {processes_of(data)}"
    second = start("demo", *ANY_PORT, "--data", data, "--json")
    after = json.loads(second.first_line())
    for member in ("account_id", "integration_id", "token", "admin_key", "login"):
        assert after[member] == before[member]
    assert status_of(f"{after['proxy']}/contacts/c1", before["token"]) == 200
    assert second.stop() == 0


def test_the_line_it_prints_for_people_works(start: Start, data: Path) -> None:
    running = start("demo", *ANY_PORT, "--data", data)
    text = running.first_line()
    while "curl" not in text:
        text = running.first_line()
    words = shlex.split(text)
    assert words[:2] == ["curl", "-i"]
    (url,) = [word for word in words if word.startswith("http://")]
    (field,) = [word for word in words if word.startswith("Authorization: ")]
    assert status_of(url, field.removeprefix("Authorization: Bearer ")) == 200


def test_a_second_one_on_the_same_folder_is_refused_in_a_line(
    command: Warm, demo: tuple[Running, dict[str, Any]], data: Path
) -> None:
    refused = command("demo", *ANY_PORT, "--data", data, "--json")
    assert refused.status == 1
    assert refused.out == ""
    assert len(refused.lines) == 1
    assert str(demo[0].pid) in refused.err


def test_other_commands_join_it_while_it_runs(
    command: Warm, demo: tuple[Running, dict[str, Any]], data: Path
) -> None:
    """What they change holds at once, though the proxy knows the token already."""
    _, told = demo
    where: dict[str, Any] = {"GATEWAY__DATA_DIR": str(data)}
    listed = command("account", "list", "--json", **where)
    assert [account["id"] for account in listed.json["items"] if account["kind"] == "sub_account"] == [
        told["account_id"]
    ]
    made = command(
        *("integration", "create", "--account", told["account_id"]),
        *("--name", "New", "--scope", "contacts.readonly"),
        **where,
    )
    assert made.status == 0, made.err
    assert status_of(f"{told['proxy']}/contacts/c1", made.out.strip()) == 200


def test_a_map_of_ones_own_is_served_with_its_own_upstreams(
    demo: tuple[Running, dict[str, Any]], start: Start, tmp_path: Path
) -> None:
    """Its upstream is the running demo's sample upstream."""
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        f"upstreams: {{own: {{urls: ['{demo[1]['upstream']}']}}}}\n"
        "services: {own: {upstream: own, routes: {'GET /mine/{id}': mine.readonly}}}\n"
    )
    running = start("demo", *ANY_PORT, "--data", tmp_path / "other", "--routes", mine, "--json")
    told = json.loads(running.first_line())
    assert status_of(f"{told['proxy']}/mine/1", told["token"]) == 200
    assert running.stop() == 0


def test_health_tells_of_the_map_and_the_store(demo: tuple[Running, dict[str, Any]]) -> None:
    with urlopen(f"{demo[1]['admin']}/healthz", timeout=PATIENCE_SECONDS) as answer:
        told = json.load(answer)
    assert told["store"] == "up"
    assert told["ready"] is True
    assert told["map"]["routes"] == 576
    assert re.fullmatch("[0-9a-f]{64}", told["map"]["version"])
    assert told["map"]["problem"] is None


@pytest.mark.parametrize(
    "arguments", [["--proxy-port", "99999"], ["--routes", "nowhere.yaml"], ["--nonsense"]]
)
def test_what_it_cannot_do_is_bad_usage(command: Warm, tmp_path: Path, arguments: list[str]) -> None:
    refused = command("demo", *arguments, "--data", tmp_path / "data", "--json", cwd=tmp_path)
    assert refused.status == 2
    assert refused.out == ""
    assert "Traceback" not in refused.err
    assert not (tmp_path / "data").exists()
