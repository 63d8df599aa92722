"""`gateway serve` as a process of its own: started on a database of the test run, with all it writes, and its memory."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from tests.leaks.ledger import ledger
from tests.proxy.caller import Caller
from tests.wiring.tenants import PEPPERS_FILE

# Only what fails takes so long.
_READY_SECONDS: Final = 90.0
_PROJECT: Final = Path(__file__).parents[2]
_SETTINGS: Final = """
proxy: {listen: "127.0.0.1:0"}
admin: {listen: "127.0.0.1:0"}
tokens: {pepper_file: peppers}
routes: served.yaml
"""


class Served:
    """The process. `output` is all that it has written so far, on both of its channels."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._reading = [
            asyncio.create_task(self._read(stream)) for stream in (process.stdout, process.stderr) if stream
        ]
        self._news = asyncio.Event()
        self.output = b""
        self.proxy_port = 0
        self.admin_port = 0

    async def ready(self) -> None:
        async with asyncio.timeout(_READY_SECONDS):
            while not self.proxy_port:
                assert not all(task.done() for task in self._reading), self.output.decode()
                self._news.clear()
                self._look_for_ports()
                if not self.proxy_port:
                    await self._news.wait()

    def _look_for_ports(self) -> None:
        for line in self.output.splitlines():
            event = json.loads(line) if line.startswith(b"{") and line.endswith(b"}") else {}
            if event.get("event") == "ready":
                self.proxy_port = int(event["proxy"].rpartition(":")[2])
                self.admin_port = int(event["admin"].rpartition(":")[2])

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while piece := await stream.read(65536):
            self.output += piece
            self._news.set()
        self._news.set()

    async def caller(self) -> Caller:
        return await Caller.connect(self.proxy_port)

    def terminate(self) -> None:
        self._process.send_signal(signal.SIGTERM)

    async def ended(self) -> int:
        """Waits for its end; the exit status."""
        async with asyncio.timeout(_READY_SECONDS):
            await asyncio.gather(*self._reading)
            ledger.logged(self.output, "the output of a gateway")
            return await self._process.wait()

    # Memory, in bytes.

    def resident(self) -> int:
        return self._status("VmRSS")

    def peak(self) -> int:
        """The most that was resident since the last `forget_peak`."""
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")

    def _status(self, name: str) -> int:
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            key, _, value = line.partition(":")
            if key == name:
                return int(value.split()[0]) * 1024
        raise AssertionError(f"no {name}")


@asynccontextmanager
async def served(folder: Path, dsn: str, routes: str, **environ: str) -> AsyncIterator[Served]:
    """A running gateway with this route map, and settings by their environment names without the prefix."""
    (folder / "served.yaml").write_text(routes)
    config = folder / "gateway.yaml"
    config.write_text(_SETTINGS)
    peppers = folder / "peppers"
    peppers.touch(mode=0o600)
    peppers.write_text(PEPPERS_FILE)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY__")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from gateway.cli import main; main()",
        "serve",
        "--config",
        config,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        cwd=_PROJECT,
        env={
            **kept,
            "GATEWAY__LOG__FORMAT": "json",
            "GATEWAY__DATABASE__URL": dsn,
            **{f"GATEWAY__{name}": value for name, value in environ.items()},
        },
    )
    made = Served(process)
    try:
        await made.ready()
        yield made
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await made.ended()
        except TimeoutError:
            process.kill()
            await process.wait()
