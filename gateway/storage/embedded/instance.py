"""BASE/instance.json, by which other commands find the server that a gateway process runs on the same data directory.

Format: `{"pid": postmaster's process id or null while it starts, "host": directory of its socket}`. Keys may be
added; a reader that finds less than these two takes the server for absent.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from gateway.storage.embedded.account import current_user
from gateway.storage.embedded.errors import EmbeddedError
from gateway.storage.embedded.layout import PORT, RUN_PREFIX, Layout, socket_path

USER: Final = "gateway"
DATABASE: Final = "gateway"
CONNECT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A started server: its process and its socket's directory, RUN/socket."""

    pid: int | None
    host: Path

    @property
    def dsn(self) -> str:
        # The port is spelt out: else a PGPORT in the environment would choose it.
        return f"postgresql://{USER}@/{DATABASE}?host={quote(str(self.host), safe='/')}&port={PORT}"

    def is_alive(self) -> bool:
        """Whether that very process answers on the socket. A socket file alone outlives its server."""
        if self.pid is None:
            return False
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(CONNECT_SECONDS)
            try:
                probe.connect(socket_path(self.host))
                if sys.platform != "linux":
                    return True
                credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            except OSError:
                return False
        pid: int = struct.unpack("3i", credentials)[0]
        return pid == self.pid


def running_dsn(data_dir: Path) -> str | None:
    """The DSN of the server that another gateway process runs on `data_dir`; None when none answers.

    Raises EmbeddedError when this user may not look.
    """
    layout = Layout(Path(data_dir).absolute())
    instance = read(layout)
    return instance.dsn if instance is not None and instance.is_alive() else None


def read(layout: Layout) -> Instance | None:
    """What instance.json says; None when it is absent or not whole."""
    try:
        text = layout.instance.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise EmbeddedError(
            f"{layout.instance} is not readable by user {current_user()} ({error.strerror}): "
            "run as the user who runs the gateway"
        ) from error
    try:
        match json.loads(text):
            case {"pid": int() | None as pid, "host": str() as host}:
                return Instance(pid=pid, host=Path(host))
    except ValueError:
        pass
    return None


def write(layout: Layout, instance: Instance) -> None:
    """Replaces instance.json in one step, for the eyes of this user only."""
    fresh = layout.instance.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"pid": instance.pid, "host": str(instance.host)}, file)
    fresh.replace(layout.instance)


def forget(layout: Layout) -> None:
    """Removes instance.json and the RUN it names, which a killed gateway left. Only for the holder of both locks."""
    instance = read(layout)
    if instance is not None:
        run = instance.host.parent
        if run.name.startswith(RUN_PREFIX) and run.is_dir() and run.stat().st_uid == os.geteuid():
            shutil.rmtree(run, ignore_errors=True)
    layout.instance.unlink(missing_ok=True)
