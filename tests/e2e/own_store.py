"""A PostgreSQL of a test's own that can be stopped, started and frozen while a node uses it."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from gateway.storage.embedded import EmbeddedPostgres
from tests.wiring.databases import quick_folder


class OwnStore:
    """Use in the main thread. The address stays the same over restarts, as a real server's does."""

    def __init__(self) -> None:
        self._folder = quick_folder("gateway-store-")
        self._server = EmbeddedPostgres(data_dir=self._folder / "gateway", log=lambda _line: None)
        self._link = self._folder / "socket"
        self._frozen: list[int] = []

    @property
    def dsn(self) -> str:
        return f"postgresql://gateway@/gateway?host={self._link}&port=5432"

    def start(self) -> None:
        # Each start has a socket folder of its own; the link makes them one address.
        (host,) = parse_qs(urlsplit(self._server.start()).query)["host"]
        self._link.unlink(missing_ok=True)
        self._link.symlink_to(host)

    def stop(self) -> None:
        self._server.stop()

    def freeze(self) -> None:
        """Every process of the server stands still: connections stay open and nothing answers."""
        data = self._folder / "gateway" / "postgres" / "data"
        postmaster = int((data / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGSTOP)  # first, so that it makes no more children
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        self._frozen = [postmaster, *map(int, children)]
        for pid in self._frozen[1:]:
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        frozen, self._frozen = self._frozen, []
        for pid in reversed(frozen):
            os.kill(pid, signal.SIGCONT)

    def remove(self) -> None:
        self.thaw()
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
