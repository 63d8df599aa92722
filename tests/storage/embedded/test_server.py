"""What a caller of the embedded server may rely on while nothing goes wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from gateway.storage.embedded import EmbeddedPostgres, binaries, running_dsn

Server = Callable[..., EmbeddedPostgres]
Ask = Callable[[str, str], object]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other accounts")


def socket_dir(dsn: str) -> Path:
    return Path(parse_qs(urlsplit(dsn).query)["host"][0])


@pytest.mark.parametrize("place", ["open", "closed"])
def test_a_first_start_makes_the_database_and_the_next_one_keeps_what_is_in_it(
    place: str, open_dir: Path, tmp_path: Path, server: Server, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "gateway.storage.embedded.server.SLOW_SECONDS", 300.0
    )  # else it may say that it is slow
    data_dir = (open_dir if place == "open" else tmp_path) / "not" / "yet" / "there"
    lines: list[str] = []
    first = server(data_dir, log=lines.append)
    dsn = first.start()
    ask(dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
    first.stop()
    second = server(data_dir, log=lines.append)
    assert ask(second.start(), "SELECT answer FROM kept") == 42
    assert [line.split()[0] for line in lines] == ["made", "PostgreSQL", "PostgreSQL"]
    assert data_dir.stat().st_mode & 0o777 == (0o711 if os.geteuid() == 0 else 0o700)
    print(*lines, sep="\n")


def test_the_server_has_the_locale_durability_and_limits_that_were_asked_for(
    data_dir: Path, server: Server, ask: Ask
) -> None:
    dsn = server(data_dir).start()
    asked = "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE name = ANY("
    names = "'{listen_addresses,fsync,synchronous_commit,full_page_writes,max_connections,server_encoding}')"
    assert ask(dsn, asked + names) == (
        "fsync=on full_page_writes=on listen_addresses= max_connections=60 server_encoding=UTF8 synchronous_commit=on"
    )
    assert ask(dsn, "SELECT current_database()") == "gateway"


def test_stopping_removes_the_socket_and_may_be_repeated(data_dir: Path, server: Server, ask: Ask) -> None:
    one = server(data_dir)
    one.stop()
    dsn = one.start()
    assert one.start() == one.dsn == dsn
    run = socket_dir(dsn).parent
    assert run.is_dir()
    one.stop()
    one.stop()
    assert not run.exists()
    assert not (data_dir / "postgres" / "data" / "postmaster.pid").exists()
    assert not (data_dir / "postgres" / "instance.json").exists()
    with pytest.raises(RuntimeError):
        _ = one.dsn
    assert ask(one.start(), "SELECT 1") == 1


def test_a_variable_of_the_environment_neither_moves_the_server_nor_reaches_it(
    data_dir: Path, server: Server, monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    monkeypatch.setenv("PGDATABASE", "elsewhere")
    monkeypatch.setenv("GATEWAY__SECRET", "not-for-other-accounts")
    dsn = server(data_dir).start()
    assert ask(dsn, "SELECT current_setting('port')") == "5432"
    pid = int((data_dir / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
    assert b"not-for-other-accounts" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_the_socket_goes_where_the_service_manager_says(
    data_dir: Path, server: Server, open_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(open_dir))
    assert socket_dir(server(data_dir).start()).parent.parent == open_dir


def test_a_socket_path_that_would_be_too_long_is_not_tried(
    data_dir: Path, server: Server, open_dir: Path, monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    deep = open_dir / ("x" * 90)
    deep.mkdir()
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(deep))
    dsn = server(data_dir).start()
    assert deep not in socket_dir(dsn).parents
    assert ask(dsn, "SELECT 1") == 1


@as_root
def test_a_runtime_directory_closed_to_the_servers_account_is_passed_over(
    data_dir: Path, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    """As /run/user/0 is, which root inherits from a login."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert ask(server(data_dir).start(), "SELECT 1") == 1
    assert not list(tmp_path.iterdir())


def test_the_server_starts_only_from_the_thread_whose_end_is_the_end_of_the_process(
    data_dir: Path, server: Server
) -> None:
    caught: list[BaseException] = []

    def run() -> None:
        try:
            server(data_dir).start()
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert "main thread" in str(caught[0])


def test_another_command_joins_the_running_server_and_finds_none_when_there_is_none(
    data_dir: Path, server: Server, ask: Ask
) -> None:
    assert running_dsn(data_dir) is None
    assert running_dsn(data_dir / "absent") is None
    one = server(data_dir)
    dsn = one.start()
    assert running_dsn(data_dir) == dsn
    assert ask(dsn, "SELECT 1") == 1
    instance = data_dir / "postgres" / "instance.json"
    whole = instance.read_text()
    for broken in ("", whole[:-3], "[]", '{"pid": null, "host": "/tmp"}', '{"pid": 1, "host": "/nowhere"}'):
        instance.write_text(broken)
        assert running_dsn(data_dir) is None, broken
    # A process id that is not the one that listens.
    instance.write_text(whole.replace('"pid": ', '"pid": 1'))
    assert running_dsn(data_dir) is None
    instance.write_text(whole)
    one.stop()
    instance.write_text(whole)
    assert running_dsn(data_dir) is None


STRANGER = """
import asyncio, os, sys, asyncpg
asyncio.run(asyncio.sleep(0))
os.setgroups([]); os.setgid(1); os.setuid(1)
try:
    asyncio.run(asyncpg.connect(sys.argv[1], ssl=False, passfile=""))
except Exception as error:
    print(type(error).__name__)
"""


@as_root
def test_another_account_of_the_machine_gets_no_connection(data_dir: Path, server: Server, ask: Ask) -> None:
    """Neither past the directory, nor, were that open, past the kernel's word on who connects."""
    dsn = server(data_dir).start()
    for closed, refusal in ((True, "PermissionError"), (False, "InvalidAuthorizationSpecificationError")):
        if not closed:
            socket_dir(dsn).chmod(0o777)
            (socket_dir(dsn) / ".s.PGSQL.5432").chmod(0o777)
        stranger = subprocess.run(
            [sys.executable, "-c", STRANGER, dsn], capture_output=True, text=True, check=True
        )
        assert stranger.stdout.strip() == refusal, stranger.stderr
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        ask(dsn.replace("gateway@", "postgres@"), "SELECT 1")


@as_root
def test_an_installation_closed_to_others_still_lends_its_programs_to_the_servers_account(
    data_dir: Path, server: Server, tmp_path: Path, ask: Ask
) -> None:
    """A virtual environment of root below a closed directory: PostgreSQL starts, and nothing is opened or left."""
    closed = tmp_path / "venv"
    linked = binaries._link_tree(binaries.find(bin_dir=None, major=None), closed)
    closed.chmod(0o700)
    one = server(data_dir, bin_dir=linked.directory)
    assert ask(one.start(), "SELECT 1") == 1
    one.stop()
    assert closed.stat().st_mode & 0o777 == 0o700
    assert not list((data_dir / "postgres").glob(".*"))


@as_root
def test_an_ordinary_user_without_a_home_runs_it_as_well(
    open_dir: Path, owner: Callable[..., Any], ask: Ask
) -> None:
    open_dir.chmod(0o777)
    told = owner(open_dir / "gateway", "--as", "nobody").told
    assert told["user"] == "gateway"
    assert told["joined"] == told["dsn"]
    assert (open_dir / "gateway" / "postgres" / "data").stat().st_uid == told["uid"] != 0
    assert (open_dir / "gateway").stat().st_mode & 0o777 == 0o700
    # Root may act for that user.
    assert running_dsn(open_dir / "gateway") == told["dsn"]
    assert ask(told["dsn"], "SELECT 1") == 1
