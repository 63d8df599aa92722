"""Programs that the bench starts: each pinned to one core, its CPU time read from /proc, ended by its own id."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
# Where pip puts binaries, and where Debian keeps servers; an ordinary user's PATH may leave both out.
_PLACES: Final = os.pathsep.join(
    (str(Path(sys.executable).parent), os.environ.get("PATH", "/usr/bin:/bin"), "/usr/sbin", "/sbin")
)
_START_SECONDS: Final = 20.0
_STOP_SECONDS: Final = 10.0
_PR_SET_PDEATHSIG: Final = 1


class Failed(Exception):
    """The bench cannot go on. The text is for the person who runs it."""


def found(program: str) -> Path | None:
    """Where a program is, be it of the system or of a wheel."""
    place = shutil.which(program, path=_PLACES)
    return Path(place) if place is not None else None


def pinned(*cores: int) -> Callable[[], None]:
    """What a child does before it becomes a program: it stays on these, and does not outlive the bench."""
    prctl = ctypes.CDLL(None).prctl

    def arrange() -> None:
        os.sched_setaffinity(0, cores)
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)

    return arrange


def free_port() -> int:
    """A port for those programs that cannot choose one and say which."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Program:
    """A process in the background, with what it writes in `output`."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        core: int,
        more_cores: Collection[int] = (),
        output: Path,
        cwd: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.name = Path(command[0]).name
        self.output = output
        with output.open("wb") as file:
            self._process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=environ,
                # Ctrl-C reaches the bench alone, which ends its programs in order.
                start_new_session=True,
                preexec_fn=pinned(core, *more_cores),  # noqa: PLW1509 - there are no threads here
            )

    def __repr__(self) -> str:
        return f"<Program {self.name} pid={self._process.pid}>"

    @property
    def pids(self) -> list[int]:
        """The process and all that descend from it."""
        return tree(self._process.pid)

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait for it to be ready. Raises Failed, with its last words, when it ends or takes too long."""
        deadline = time.monotonic() + _START_SECONDS
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                ended = "did not get ready" if self._process.returncode is None else "ended"
                words = self.output.read_text(errors="replace")[-2000:]
                raise Failed(f"{self.name} {ended}; the end of what it wrote:\n{words}")
            time.sleep(0.02)

    def wait_for_port(self, port: int) -> None:
        """Wait until it accepts connections."""
        self.wait_until(lambda: _accepts(port))

    def stop(self) -> None:
        """End it, and if it does not, kill it."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def tree(root: int) -> list[int]:
    """`root` and its living descendants."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat_fields(path.read_text())
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found_pids, frontier = [root], [root]
    while frontier:
        frontier = [child for pid in frontier for child in children.get(pid, ())]
        found_pids += frontier
    return found_pids


def stat_fields(text: str) -> list[str]:
    """The fields of /proc/PID/stat after the program's name, which may hold blanks and parentheses."""
    return text.rpartition(")")[2].split()


def cpu_ticks(text: str) -> int:
    """utime, stime, and those of children that ended and were waited for, from the text of /proc/PID/stat."""
    return sum(map(int, stat_fields(text)[11:15]))


def cpu_seconds(pids: Iterable[int]) -> float:
    """What these processes have used so far. Meant for a whole tree: who ends in it lives on in its parent's sum."""
    ticks = 0
    for pid in pids:
        try:
            ticks += cpu_ticks(Path(f"/proc/{pid}/stat").read_text())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return ticks / TICKS_PER_SECOND


def running_seconds(pids: Iterable[int]) -> float:
    """What the living threads of these processes have used so far, to the nanosecond: fine enough for a light load.

    What a thread used that has ended is not in it, so it is for programs that keep theirs.
    """
    nanoseconds = 0
    for pid in pids:
        for path in Path(f"/proc/{pid}/task").glob("[0-9]*/schedstat"):
            try:
                nanoseconds += int(path.read_text().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                continue
    return nanoseconds / 1e9


def core_busy_seconds(core: int) -> float:
    """How long this core has worked so far, for whomever (all but idle and iowait of /proc/stat)."""
    with Path("/proc/stat").open() as lines:
        for line in lines:
            name, *fields = line.split()
            if name == f"cpu{core}":
                user, nice, system, _, _, irq, softirq, steal = map(int, fields[:8])
                return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND
    raise Failed(f"/proc/stat knows no core {core}")
