"""Where things lie: BASE (`data_dir/postgres`), which stays, and RUN (a short temporary path), which goes.

BASE and RUN belong to the gateway's user; the server's account owns only BASE/data and RUN/socket. So whoever may
act as that account can neither redirect what the gateway writes nor change who is let in.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.storage.embedded.account import Account, current_user
from gateway.storage.embedded.errors import EmbeddedError

RUN_PREFIX: Final = "gateway-"
PORT: Final = 5432
# sockaddr_un.sun_path holds 108 bytes with the closing NUL.
MAX_SOCKET_PATH_BYTES: Final = 107
# What an interrupted start may leave in BASE: a half-made database, linked binaries.
LEFTOVERS: Final = (".init-*", ".bin-*")


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths below one data directory, absolute."""

    data_dir: Path

    @property
    def base(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def data(self) -> Path:
        return self.base / "data"

    @property
    def instance(self) -> Path:
        return self.base / "instance.json"

    @property
    def log(self) -> Path:
        return self.base / "postgres.log"

    @property
    def gateway_lock(self) -> Path:
        return self.base / "lock"

    @property
    def server_lock(self) -> Path:
        return self.base / "server.lock"


def prepare(layout: Layout) -> None:
    """Makes data_dir and BASE. As root they can be traversed, not listed: the server's account passes through."""
    mode = 0o711 if os.geteuid() == 0 else 0o700
    try:
        if not layout.data_dir.is_dir():
            layout.data_dir.mkdir(parents=True)
            layout.data_dir.chmod(mode)
        layout.base.mkdir(exist_ok=True)
        layout.base.chmod(mode)
        # A directory of our own may still lie on a file system that became read-only.
        tempfile.TemporaryFile(dir=layout.base).close()
    except OSError as error:
        raise EmbeddedError(
            f"data_dir {layout.data_dir} is not writable by user {current_user()} ({error.strerror}): "
            "make it writable, or set data_dir to another directory"
        ) from error


def sweep(layout: Layout) -> None:
    """Removes what interrupted starts left in BASE. Only for the holder of both locks."""
    for pattern in LEFTOVERS:
        for path in layout.base.glob(pattern):
            shutil.rmtree(path, ignore_errors=True)


def make_run_dir(account: Account) -> Path:
    """A fresh RUN, short enough for a socket path and open to the account. Raises EmbeddedError."""
    for parent in _run_parents():
        try:
            run = Path(tempfile.mkdtemp(prefix=RUN_PREFIX, dir=parent))
        except OSError:
            continue
        run.chmod(0o711 if account.dropped else 0o700)
        short = len(os.fsencode(socket_path(run / "socket"))) <= MAX_SOCKET_PATH_BYTES
        if short and account.can_enter(run):
            (run / "socket").mkdir(mode=0o700)
            return run
        run.rmdir()
    raise EmbeddedError(
        "no directory has a short path, may be written and is open to account "
        f"{account.name}, as the database's socket needs: set TMPDIR to one, such as /tmp"
    )


def _run_parents() -> list[str]:
    wanted = [os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0], os.environ.get("XDG_RUNTIME_DIR", "")]
    return [parent for parent in wanted if Path(parent).is_absolute()] + [tempfile.gettempdir(), "/tmp"]  # noqa: S108 - the last resort against a long TMPDIR; mkdtemp makes the name


def socket_path(socket_dir: Path) -> str:
    """The socket's full path: PostgreSQL fixes its name by the port."""
    return f"{socket_dir}/.s.PGSQL.{PORT}"
