"""The `gateway` command as its users meet it: a process, its two outputs, its exit status."""

from __future__ import annotations

import itertools
import json
import os
import select
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.leaks.ledger import ledger

COMMAND = str(Path(sys.executable).with_name("gateway"))
# Only what fails takes so long: half a second of Python's start may be many on a machine that has others to serve.
PATIENCE_SECONDS = 90.0


def environment(**overrides: str) -> dict[str, str]:
    """What the process gets: nothing of ours that would change it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY__", "PYTEST"))}
    for value in overrides.values():
        ledger.phrase(value.rpartition("@")[0].rpartition(":")[2])  # the password in an address
    return {**kept, "PYTHONWARNINGS": "default", **overrides}


@dataclass(frozen=True, slots=True)
class Result:
    status: int
    out: str
    err: str

    def __post_init__(self) -> None:
        ledger.shown(self.out)
        ledger.logged(self.err, "standard error of a command")

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        """What it said to the person."""
        return self.err.splitlines()


def gateway(
    *arguments: str | Path,
    cwd: Path | None = None,
    given: str | None = None,
    program: tuple[str, ...] = (COMMAND,),
    **overrides: str,
) -> Result:
    """Run the command, or another program with its arguments, in a fresh Python to its end."""
    done = subprocess.run(
        [*program, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        env=environment(**overrides),
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


class Warm:
    """Runs commands in processes forked from one that has imported everything."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        self._python = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("warm.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
            bufsize=0,
        )

    def __call__(
        self, *arguments: str | Path, cwd: Path | None = None, given: str = "", **overrides: str
    ) -> Result:
        assert self._python.stdin is not None
        assert self._python.stdout is not None
        stem = self._folder / str(next(self._numbers))
        files = {name: stem.with_suffix(f".{name}") for name in ("in", "out", "err")}
        files["in"].write_text(given)
        ledger.phrase(given.strip())
        order = {
            "arguments": [str(argument) for argument in arguments],
            "environment": environment(**overrides),
            "cwd": str(cwd or self._folder),
            **{name: str(path) for name, path in files.items()},
        }
        self._python.stdin.write(json.dumps(order).encode() + b"\n")
        ready, _, _ = select.select([self._python.stdout], [], [], PATIENCE_SECONDS)
        assert ready, f"{arguments} did not end"
        status = self._python.stdout.readline()
        assert status, "the warm Python is gone"
        return Result(int(status), files["out"].read_text(), files["err"].read_text())

    def close(self) -> None:
        assert self._python.stdin is not None
        assert self._python.stdout is not None
        self._python.stdin.close()
        self._python.wait(PATIENCE_SECONDS)
        self._python.stdout.close()


@dataclass(slots=True, eq=False)
class Running:
    """A command that serves until it is told to stop. Ended by the fixture that made it, whatever happens."""

    arguments: tuple[str | Path, ...]
    folder: Path
    overrides: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] = field(init=False)
    _heard: bytes = field(init=False, default=b"")
    _over: bool = field(init=False, default=False)
    _news: threading.Condition = field(init=False, default_factory=threading.Condition)
    _listening: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.process = subprocess.Popen(
            [COMMAND, *map(str, self.arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,  # what is waited for is the pipe, not a buffer before it
            cwd=self.folder,
            env=environment(**self.overrides),
            start_new_session=True,  # a signal of the test is for it alone
        )
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def _listen(self) -> None:
        """Reads what it writes to standard error until it ended; children that outlive it may hold the pipe open."""
        assert self.process.stderr is not None
        pipe, end = self.process.stderr.fileno(), os.pidfd_open(self.pid)
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        poll.register(end, select.POLLIN)
        try:
            # What it wrote before its end is read before the end is noticed.
            while pipe in {descriptor for descriptor, _ in poll.poll()}:
                piece = os.read(pipe, 65536)
                if not piece:
                    break
                with self._news:
                    self._heard += piece
                    self._news.notify_all()
        finally:
            os.close(end)
            with self._news:
                self._over = True
                self._news.notify_all()

    @property
    def said(self) -> str:
        """What it wrote to standard error so far; all of it, once it ended."""
        return self._heard.decode(errors="replace")

    @property
    def events(self) -> list[dict[str, Any]]:
        """Its log, which is JSON where nobody looks at a terminal."""
        whole, _, _ = self.said.rpartition("\n")
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    @property
    def pid(self) -> int:
        return self.process.pid

    def first_line(self) -> str:
        """The first line of its standard output."""
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE_SECONDS)
        assert ready, f"it said nothing: {self.said}"
        line = self.process.stdout.readline().decode()
        assert line, f"it ended: {self.said}"
        ledger.shown(line)
        return line

    def event(self, name: str) -> dict[str, Any]:
        """Waits for an event in its log."""

        def found() -> dict[str, Any] | None:
            return next((event for event in self.events if event["event"].startswith(name)), None)

        with self._news:
            self._news.wait_for(lambda: found() or self._over, PATIENCE_SECONDS)
            event = found()
        assert event is not None, f"no {name!r} in {self.said}"
        return event

    def tell(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        """Its exit status, once it ended."""
        status = self.process.wait(PATIENCE_SECONDS)
        self._listening.join(PATIENCE_SECONDS)
        return status

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.tell(number)
        return self.wait()

    def rest(self) -> bytes:
        """What else it wrote to standard output, after its end."""
        assert self.process.stdout is not None
        return self.process.stdout.read()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._listening.join(PATIENCE_SECONDS)
        ledger.logged(self.said, "standard error of a command that serves")
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()


def processes_of(data_dir: Path) -> list[int]:
    """The processes whose command line or working directory speaks of this folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
            place = str((entry / "cwd").readlink())
        except OSError:
            continue
        if str(data_dir).encode() in command or place.startswith(str(data_dir)):
            found.append(int(entry.name))
    return found


def gone(data_dir: Path) -> bool:
    """Whether all processes of this folder end in time; the kernel ends orphans a moment after their parent."""
    while found := processes_of(data_dir):
        for process in found:
            try:
                end = os.pidfd_open(process)
            except ProcessLookupError:
                continue
            try:
                ended, _, _ = select.select([end], [], [], PATIENCE_SECONDS)
            finally:
                os.close(end)
            if not ended:
                return False
    return True
