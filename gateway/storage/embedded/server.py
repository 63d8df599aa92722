"""The embedded server as an object: start it, use its DSN, stop it. Blocking, and outside of any event loop."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Final

from gateway.storage.embedded import account, binaries, instance
from gateway.storage.embedded.cluster import Cluster, cluster_for, write_access_files, written_by
from gateway.storage.embedded.errors import EmbeddedError
from gateway.storage.embedded.instance import Instance
from gateway.storage.embedded.layout import Layout, make_run_dir, prepare, sweep
from gateway.storage.embedded.lock import acquire, clear_stale_pid_file
from gateway.storage.embedded.program import Runner, tail

READY_SECONDS: Final = 300.0
SLOW_SECONDS: Final = 3.0
POLL_SECONDS: Final = 0.005
FAST_STOP_SECONDS: Final = 20.0
IMMEDIATE_STOP_SECONDS: Final = 10.0
MAX_LOG_BYTES: Final = 4 * 1024 * 1024
# Line 8 of postmaster.pid, counted from 0.
STATUS_LINE: Final = 7


class EmbeddedPostgres:
    """A PostgreSQL server on `data_dir`, child of this process: it dies with it.

    `bin_dir` replaces the search for PostgreSQL's programs. `log` takes one line for people per event.
    """

    def __init__(self, *, data_dir: Path, bin_dir: Path | None = None, log: Callable[[str], None]) -> None:
        self._layout = Layout(Path(data_dir).absolute())
        self._bin_dir = bin_dir
        self._log = log
        self._instance: Instance | None = None
        self._release = ExitStack()

    def __repr__(self) -> str:
        state = (
            "stopped" if self._instance is None else f"pid={self._instance.pid} host={self._instance.host}"
        )
        return f"<EmbeddedPostgres {self._layout.data_dir} {state}>"

    @property
    def dsn(self) -> str:
        """Where to connect. Only between `start` and `stop`."""
        if self._instance is None:
            raise RuntimeError("the embedded PostgreSQL is not started")
        return self._instance.dsn

    def start(self) -> str:
        """Makes the database at first, starts its server and gives the DSN once it answers. Raises EmbeddedError.

        Call it from the main thread before any other thread exists: the kernel ends the server when the thread that
        started it ends.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("start the embedded PostgreSQL from the main thread")
        if self._instance is None:
            with ExitStack() as undo:
                try:
                    self._instance = self._start(undo)
                except OSError as error:
                    raise EmbeddedError(
                        f"the embedded PostgreSQL in {self._layout.base} failed: {error}"
                    ) from error
                self._release = undo.pop_all()
        return self.dsn

    def stop(self) -> None:
        """Stops the server, at the latest after 30 s, and removes its socket. Harmless when it is stopped."""
        self._instance = None
        self._release.close()

    def _start(self, undo: ExitStack) -> Instance:
        began = time.monotonic()
        layout = self._layout
        prepare(layout)
        lock_fd = acquire(layout, self._log, undo)
        programs = binaries.find(bin_dir=self._bin_dir, major=written_by(layout.data))
        instance.forget(layout)
        sweep(layout)
        owner = account.choose(layout.data)

        run = make_run_dir(owner)
        undo.callback(shutil.rmtree, run, ignore_errors=True)
        # Written before the server runs: whoever starts after a kill finds what to remove.
        instance.write(layout, Instance(pid=None, host=run / "socket"))
        undo.callback(layout.instance.unlink, missing_ok=True)
        owner.chown(run / "socket")
        write_access_files(run, owner)

        linked = layout.base / f".bin-{os.getpid()}"
        undo.callback(shutil.rmtree, linked, ignore_errors=True)
        programs = binaries.within_reach(programs, owner, (linked, run / "programs"))
        cluster = cluster_for(programs, Runner(account=owner, lock_fd=lock_fd), layout)
        if cluster.ensure():
            self._log(f"made a PostgreSQL {programs.version} database in {layout.data}")
        clear_stale_pid_file(layout)

        child = self._serve(cluster, run, undo)
        started = Instance(pid=child.pid, host=run / "socket")
        instance.write(layout, started)
        self._log(
            f"PostgreSQL {programs.version} is ready after {time.monotonic() - began:.2f} s: {started.dsn}"
        )
        return started

    def _serve(self, cluster: Cluster, run: Path, undo: ExitStack) -> subprocess.Popen[bytes]:
        if self._layout.log.exists() and self._layout.log.stat().st_size > MAX_LOG_BYTES:
            self._layout.log.replace(self._layout.log.with_suffix(".log.1"))
        with _open_log(self._layout.log) as output:
            own_part = output.tell()
            child = cluster.runner.spawn(cluster.server_command(run), cwd=self._layout.data, output=output)
        undo.callback(_end, child)
        deadline, patience = time.monotonic() + READY_SECONDS, time.monotonic() + SLOW_SECONDS
        while not _is_ready(self._layout.data, child.pid):
            if child.poll() is not None or time.monotonic() > deadline:
                state = (
                    "did not become ready"
                    if child.returncode is None
                    else f"ended with status {child.returncode}"
                )
                with self._layout.log.open("rb") as log:
                    log.seek(own_part)
                    said = tail(log.read().decode(errors="replace"))
                raise EmbeddedError(f"PostgreSQL {state}; the end of {self._layout.log}:\n{said}")
            if time.monotonic() > patience:
                self._log("PostgreSQL takes its time: it replays what an unclean end left in its log")
                patience = deadline
            time.sleep(POLL_SECONDS)
        return child


def _open_log(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600), "ab")


def _is_ready(data: Path, pid: int) -> bool:
    try:
        lines = (data / "postmaster.pid").read_text(errors="replace").splitlines()
    except OSError:
        return False
    return len(lines) > STATUS_LINE and lines[0] == str(pid) and lines[STATUS_LINE].strip() == "ready"


def _end(child: subprocess.Popen[bytes]) -> None:
    """Fast shutdown, then immediate, then none at all: what follows is recovery at the next start."""
    for number, seconds in ((signal.SIGINT, FAST_STOP_SECONDS), (signal.SIGQUIT, IMMEDIATE_STOP_SECONDS)):
        child.send_signal(number)
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return
    child.kill()
    child.wait()
