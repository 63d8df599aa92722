"""After a process, a start or a file came to a bad end, the next start works, with everything that was committed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.storage.embedded import EmbeddedError, EmbeddedPostgres, binaries, lock
from gateway.storage.embedded.account import Account, environment

Server = Callable[..., EmbeddedPostgres]
Ask = Callable[[str, str], object]
Owned = Callable[..., Any]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_gateway_that_dies_leaves_no_server_behind(
    number: int, data_dir: Path, server: Server, owner: Owned, gone: Callable[[int], None], ask: Ask
) -> None:
    process = owner(data_dir)
    told = process.told
    # Ctrl-C at the terminal reaches the gateway only: it still needs its database to drain.
    assert os.getsid(told["pid"]) == told["pid"]
    ask(told["dsn"], f"CREATE TABLE died_{number} AS SELECT 42 AS answer")
    process.kill(number)
    gone(told["pid"])
    assert not (data_dir / "postgres" / "data" / "postmaster.pid").exists(), (
        "the server did not shut down in order"
    )
    one = server(data_dir)
    assert ask(one.start(), f"SELECT answer FROM died_{number}") == 42
    assert not Path(told["dsn"].split("host=")[1].split("&")[0]).parent.exists(), (
        "the old socket stays behind"
    )


def test_a_restart_at_once_waits_for_the_dying_server(
    data_dir: Path, server: Server, owner: Owned, ask: Ask
) -> None:
    process = owner(data_dir)
    told = process.told
    ask(told["dsn"], "CREATE TABLE waited AS SELECT 42 AS answer")
    # Held still until the new gateway says that it waits.
    os.kill(told["pid"], signal.SIGSTOP)
    process.kill(signal.SIGKILL)
    lines: list[str] = []

    def log(line: str) -> None:
        if not lines:
            os.kill(told["pid"], signal.SIGCONT)
        lines.append(line)

    try:
        assert ask(server(data_dir, log=log).start(), "SELECT answer FROM waited") == 42
    finally:
        log("a server that is held still would outlive this test")
    assert lines[0] == "waiting for the PostgreSQL of the previous run to stop"


def test_gateway_and_server_killed_together_lose_nothing_that_was_committed(
    data_dir: Path, server: Server, owner: Owned, ask: Ask
) -> None:
    process = owner(data_dir)
    told = process.told
    ask(told["dsn"], "CREATE TABLE replayed AS SELECT n FROM generate_series(1, 100000) n")
    process.process.send_signal(signal.SIGSTOP)
    os.kill(told["pid"], signal.SIGKILL)
    process.kill(signal.SIGKILL)
    assert (data_dir / "postgres" / "data" / "postmaster.pid").exists()
    assert ask(server(data_dir).start(), "SELECT count(*) FROM replayed") == 100_000


@pytest.mark.parametrize(
    "content", ["", "12", "{pid}\n", "{pid}\n/elsewhere\n17\n5432\n/tmp\n\n  1  2\nready   \n"]
)
def test_a_stale_or_truncated_pid_file_does_not_keep_the_server_down(
    content: str, data_dir: Path, account: Account, server: Server, ask: Ask
) -> None:
    """The number may have gone to a living process of the same account: usual in containers."""
    user = account.uid if account.dropped else None
    with subprocess.Popen(["sleep", "60"], user=user) as other:
        try:
            path = data_dir / "postgres" / "data" / "postmaster.pid"
            path.write_text(content.format(pid=other.pid))
            os.chown(path, account.uid, account.gid)
            assert ask(server(data_dir).start(), "SELECT 1") == 1
        finally:
            other.kill()


def test_an_initdb_killed_half_way_is_started_over(
    tmp_path: Path, server: Server, owner: Owned, ask: Ask
) -> None:
    for attempt in range(20):
        data_dir = tmp_path / f"gateway-{attempt}"
        process = owner(data_dir)
        made = data_dir / "postgres" / "data"
        while not made.exists() and not list(data_dir.glob("postgres/.init-*/PG_VERSION")):
            assert process.process.poll() is None, "it ended by itself"
        process.kill(signal.SIGKILL)
        if not made.exists():
            break  # else it was over before it could be killed
    assert list(data_dir.glob("postgres/.init-*"))
    assert not made.exists()
    assert ask(server(data_dir).start(), "SELECT 1") == 1
    assert not list(data_dir.glob("postgres/.init-*"))


def test_a_second_process_is_refused_at_once_and_told_who_has_it(
    data_dir: Path, server: Server, owner: Owned
) -> None:
    process = owner(data_dir)
    process.told  # noqa: B018 - waits until it is ready
    with pytest.raises(EmbeddedError) as refused:
        server(data_dir).start()
    assert str(refused.value).startswith(f"data_dir {data_dir} is in use by process {process.process.pid}: ")
    assert "\n" not in str(refused.value)


def test_a_server_that_somebody_started_by_hand_is_neither_joined_nor_disturbed(
    data_dir: Path, account: Account, open_dir: Path, server: Server
) -> None:
    os.chown(open_dir, account.uid, account.gid)
    data = data_dir / "postgres" / "data"
    postgres = binaries.find(bin_dir=None, major=None).path("postgres")
    with subprocess.Popen(
        [postgres, "-D", "/proc/self/cwd", "-k", str(open_dir), "-c", "listen_addresses="],
        cwd=data,
        env=environment(),
        user=account.uid if account.dropped else None,
        stderr=subprocess.DEVNULL,
    ) as by_hand:
        try:
            while lock.recorded_pid(data) is None:
                assert by_hand.poll() is None
            with pytest.raises(
                EmbeddedError, match=f"process {by_hand.pid} is a PostgreSQL .* stop it first"
            ):
                server(data_dir).start()
            assert by_hand.poll() is None
        finally:
            by_hand.send_signal(signal.SIGINT)
            by_hand.wait()
