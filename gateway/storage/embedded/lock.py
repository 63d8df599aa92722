"""One server per data directory: two locks, and the stale `postmaster.pid` that stands in nobody's way but its own.

`lock` is the gateway's and says who it is. `server.lock` is inherited by PostgreSQL's processes, so it is held for
as long as any of them lives, also after its gateway was killed, and in whatever container it runs.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from gateway.storage.embedded.errors import EmbeddedError
from gateway.storage.embedded.layout import Layout

# A server whose gateway died is in its fast shutdown: milliseconds, or a checkpoint.
SERVER_GONE_SECONDS: Final = 20.0
POLL_SECONDS: Final = 0.005


def acquire(layout: Layout, log: Callable[[str], None], undo: ExitStack) -> int:
    """Takes both locks until `undo` is closed, and gives the descriptor that PostgreSQL's processes must inherit.

    Raises EmbeddedError: at once where a gateway lives, after a while where only its server does.
    """
    # The files stay when the locks go: removing a lock file opens the door to two holders.
    gateway_fd = _open(layout.gateway_lock, undo)
    if not _try_lock(gateway_fd, layout.gateway_lock):
        holder = os.pread(gateway_fd, 32, 0).decode(errors="replace").strip() or "unknown"
        raise EmbeddedError(
            f"data_dir {layout.data_dir} is in use by process {holder}: stop it, or give this one another data_dir"
        )
    os.ftruncate(gateway_fd, 0)
    os.pwrite(gateway_fd, b"%d\n" % os.getpid(), 0)
    server_fd = _open(layout.server_lock, undo)
    _wait_for_server(server_fd, layout, log)
    return server_fd


def _wait_for_server(server_fd: int, layout: Layout, log: Callable[[str], None]) -> None:
    if _try_lock(server_fd, layout.server_lock):
        return
    log("waiting for the PostgreSQL of the previous run to stop")
    deadline = time.monotonic() + SERVER_GONE_SECONDS
    while not _try_lock(server_fd, layout.server_lock):
        if time.monotonic() > deadline:
            pid = recorded_pid(layout.data)
            raise EmbeddedError(
                f"the PostgreSQL of an earlier run still works in {layout.data}: stop it with kill -INT "
                f"{pid if pid is not None else 'and its process id'}, then start again"
            )
        time.sleep(POLL_SECONDS)


def clear_stale_pid_file(layout: Layout) -> None:
    """Removes a `postmaster.pid` that PostgreSQL would wrongly take for a living server. Call with both locks held.

    A dead pid is left to PostgreSQL, which then also looks for shared memory still in use. But it refuses when the
    number now belongs to any process of its account (usual in containers), and when the file is cut short.
    """
    path = layout.data / "postmaster.pid"
    if not path.exists():
        return
    pid = recorded_pid(layout.data)
    if pid is not None and _is_server_on(layout.data, pid):
        raise EmbeddedError(
            f"process {pid} is a PostgreSQL that works in {layout.data} and was not started by the gateway: stop it first"
        )
    if pid is None or _is_alive(pid):
        path.unlink(missing_ok=True)


def recorded_pid(data: Path) -> int | None:
    """The process id in `postmaster.pid`; None without the file or without a whole first line in it."""
    try:
        first, newline, _ = (data / "postmaster.pid").read_text(errors="replace").partition("\n")
    except OSError:
        return None
    return int(first) if newline and first.isdecimal() else None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _is_server_on(data: Path, pid: int) -> bool:
    # Without /proc there is no proof, and PostgreSQL's own check stands alone.
    process = Path(f"/proc/{pid}")
    try:
        program = (process / "cmdline").read_bytes().split(b"\0")[0]
        if Path(os.fsdecode(program)).name not in ("postgres", "postmaster"):
            return False
        # PostgreSQL enters its data directory and stays there.
        return (process / "cwd").samefile(data)
    except PermissionError:  # root without CAP_SYS_PTRACE: taken for the worse case
        return True
    except OSError:
        return False


def _open(path: Path, undo: ExitStack) -> int:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise EmbeddedError(
            f"{path} cannot be opened ({error.strerror}): run as the user who ran the gateway here before"
        ) from error
    undo.callback(os.close, fd)
    return fd


def _try_lock(fd: int, path: Path) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise EmbeddedError(
            f"{path} cannot be locked ({error.strerror}): put data_dir on a local file system"
        ) from error
    return True
