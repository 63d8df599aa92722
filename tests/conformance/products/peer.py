"""What all other products here have in common: a binary, a configuration that is written for the run, a port."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.conformance.case import TOKEN, Stand
from tests.conformance.conversation import Door
from tests.conformance.expect import IDENTITY, NAMES
from tests.conformance.lane import Lane

_START_SECONDS: Final = 20.0
# Where pip puts binaries, and where Debian keeps servers.
_PLACES: Final = os.pathsep.join(
    (str(Path(sys.executable).parent), os.environ.get("PATH", "/usr/bin:/bin"), "/usr/sbin", "/sbin")
)
# What may be asked for with the token, and what without. Everything else is refused.
AREAS: Final = ("items/", "lists", "deep/", "me", "small/", "dated/", "socket")
PUBLIC: Final = "public/"
FORBIDDEN: Final = "admin/"
SECRET: Final = TOKEN.decode("ascii").replace("T", "7")
VOUCHED: Final = {
    "Account-Id": "acc_1",
    "Account-Kind": "sub_account",
    "Integration-Id": "int_1",
    "Token-Id": "tok_1",
    "Scopes": "items.write",
}
CREDENTIAL: Final = "^[Bb][Ee][Aa][Rr][Ee][Rr] +" + SECRET + " *$"
assert {*VOUCHED, "Route"} == {name.decode("ascii") for name in NAMES}


def prefix(lane: Lane) -> str:
    """The first path segment of a lane."""
    return lane.prefix.decode("ascii")


def vouched(lane: Lane, area: str) -> dict[str, str]:
    """The identity fields for an area."""
    route = f"{prefix(lane)}/{area}" + ("{id}" if area.endswith("/") else "")
    return {IDENTITY.decode("ascii") + name: value for name, value in (*VOUCHED.items(), ("Route", route))}


class Peer(ABC):
    """Another proxy, doing the same job: check a bearer token, vouch for the caller, keep connections."""

    exact = False
    name = ""
    program = ""
    install = ""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="gateway-conformance-")
        Path(self._folder.name).chmod(0o777)  # some serve as another user
        self._process: asyncio.subprocess.Process | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._process}>"

    @abstractmethod
    def configure(self, folder: Path, port: int, lanes: Sequence[Lane]) -> Sequence[str]:
        """Write its configuration; the words behind the program's name."""

    def missing(self) -> str | None:
        """Where to get it, if it is not there."""
        return None if shutil.which(self.program, path=_PLACES) else self.install

    async def start(self, lanes: Sequence[Lane]) -> Door:
        """Start it, and wait until it accepts connections."""
        folder = Path(self._folder.name)
        port = _free_port()
        words = self.configure(folder, port, lanes)
        program = shutil.which(self.program, path=_PLACES)
        assert program is not None
        with (folder / "log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                program, *words, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder
            )
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not await _accepts(port):
                    assert self._process.returncode is None, f"{self.name} ended:\n{self.log[-2000:]}"
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{self.name} did not start:\n{self.log[-2000:]}") from None
        return Door(dict.fromkeys(Stand, port), dict.fromkeys(Stand, SECRET))

    @property
    def log(self) -> str:
        """What it wrote so far."""
        return (Path(self._folder.name) / "log").read_text(errors="replace")

    async def stop(self) -> None:
        """End it."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(5):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        self._folder.cleanup()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.transport.abort()
    return True
