"""The supervisor with programs of the test's own for workers: what it does when they will not live."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import pytest

from gateway.settings.addresses import ListenAddress
from gateway.wiring.configuration import Configuration, ConfigurationFiles
from gateway.wiring.listening import held_address, listening, listening_beside
from gateway.wiring.workers import supervisor as module
from gateway.wiring.workers.supervisor import MOST_QUICK_DEATHS, Supervisor, WorkersKeepDying
from tests.wiring.rig import PATIENCE_SECONDS, settings
from tests.wiring.standing import small_map

ANY = ListenAddress("127.0.0.1", 0)


def made(tmp_path: Path, program: str, held: socket.socket, count: int = 1) -> Supervisor:
    return Supervisor(
        command=(sys.executable, "-c", program),
        count=count,
        configuration=Configuration(
            settings=settings(tmp_path), route_map=small_map(tmp_path, main="http://127.0.0.1:8")
        ),
        files=ConfigurationFiles(tmp_path / "absent.yaml", {}),
        dsn="postgresql://nobody@127.0.0.1:1/none",
        listen=lambda: listening_beside(held),
        admin=listening("admin.listen", ANY),
    )


async def test_workers_that_die_at_once_end_it_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSES_SECONDS", (0.0, 0.01))
    trace = tmp_path / "trace"
    program = f"import sys; open({str(trace)!r}, 'a').write('x'); sys.exit(3)"
    with held_address("proxy.listen", ANY) as held:
        supervisor = made(tmp_path, program, held)
        with pytest.raises(WorkersKeepDying, match=r"worker 0 died 5 times in a row .* exit status 3"):
            await supervisor.run()
    assert trace.read_text() == "x" * MOST_QUICK_DEATHS


async def test_a_program_that_cannot_be_started_ends_it_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSES_SECONDS", (0.0, 0.01))
    with held_address("proxy.listen", ANY) as held:
        supervisor = made(tmp_path, "", held)
        supervisor._command = (str(tmp_path / "absent"),)
        with pytest.raises(WorkersKeepDying, match="could not be started"):
            await supervisor.run()


async def test_one_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GRACE_SECONDS", 0.2)
    deaf = tmp_path / "deaf"
    program = (
        "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"pathlib.Path({str(deaf)!r}).touch(); time.sleep(600)"
    )
    with held_address("proxy.listen", ANY) as held:
        supervisor = made(tmp_path, program, held)
        supervisor._configuration = Configuration(
            settings=settings(tmp_path, proxy__drain="0s"), route_map=supervisor._configuration.route_map
        )
        running = asyncio.create_task(supervisor.run())
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not deaf.exists():  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.01)
        supervisor.end()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await running
