"""This project's gateway: `gateway demo` with a route map of lanes, twice: with the usual time-outs and with short ones."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.conformance.case import Stand
from tests.conformance.conversation import Door
from tests.conformance.lane import Lane

_START_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 60.0
# What the cases of each class stand on. Areas other than `items` hold what this token may not do.
_ROUTES: Final = """
  lane{n}:
    upstream: lane{n}
    account: sub_account
    routes:
      GET {p}/items/{{id}}: items.write
      POST {p}/items/{{id}}: items.write
      PUT {p}/items/{{id}}: items.write
      PATCH {p}/items/{{id}}: items.write
      DELETE {p}/items/{{id}}: items.write
      OPTIONS {p}/items/{{id}}: items.write
      GET {p}/lists/: items.write
      GET {p}/deep/{{a}}/x/{{b}}: items.write
      GET {p}/me: authenticated
      POST {p}/me: authenticated
      GET {p}/public/ping: public
      POST {p}/public/ping: public
      POST {p}/small/{{id}}: {{scope: items.write, body_limit: 1KiB}}
      GET {p}/dated/{{id}}: {{scope: items.write, versions: [2021-07-28]}}
      GET {p}/socket: {{scope: items.write, websocket: true}}
      GET {p}/admin/{{id}}: {{scope: items.admin, account: agency}}
      POST {p}/admin/{{id}}: {{scope: items.admin, account: agency}}
"""
_HASTY: Final = {
    "GATEWAY__PROXY__TIMEOUTS__HEAD": "1200ms",
    "GATEWAY__PROXY__TIMEOUTS__BODY": "1200ms",
    "GATEWAY__PROXY__TIMEOUTS__IDLE": "1800ms",
    "GATEWAY__UPSTREAM__TIMEOUTS__FIRST_BYTE": "1200ms",
    "GATEWAY__UPSTREAM__TIMEOUTS__SILENCE": "1200ms",
}


def route_map(lanes: Sequence[Lane]) -> str:
    """A route map in which each lane is an upstream, and each lane's name the first segment of its paths."""
    upstreams = "".join(
        f"  lane{lane.number}: {{urls: ['http://127.0.0.1:{lane.port}']}}\n" for lane in lanes
    )
    services = "".join(_ROUTES.format(n=lane.number, p=lane.prefix.decode("ascii")) for lane in lanes)
    return f"upstreams:\n{upstreams}services:{services}scopes:\n  items.write: Everything\n  items.admin: Nothing\n"


class _Demo:
    """One `gateway demo` process."""

    def __init__(self, folder: Path, *, routes: Path, environ: dict[str, str]) -> None:
        self._folder = folder
        self._routes = routes
        self._environ = {
            name: value for name, value in os.environ.items() if not name.startswith("GATEWAY__")
        }
        self._environ |= {
            "GATEWAY__PROXY__GUESSING__FREE": "1000000",
            "GATEWAY__LOG__ACCESS": "off",
        } | environ
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> tuple[int, str]:
        """The port of its proxy, and the token."""
        command = (
            Path(sys.executable).with_name("gateway"),
            "demo",
            "--proxy-port",
            "0",
            "--admin-port",
            "0",
        )
        with (self._folder / "log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                "--data",
                self._folder / "data",
                "--routes",
                self._routes,
                "--json",
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=self._environ,
            )
        assert self._process.stdout is not None
        async with asyncio.timeout(_START_SECONDS):
            line = await self._process.stdout.readline()
        assert line, f"the gateway did not start:\n{self.log}"
        told = json.loads(line)
        return int(told["proxy"].rpartition(":")[2]), told["token"]

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")

    async def stop(self) -> None:
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        self._process._transport.close()  # type: ignore[attr-defined] # else the loop ends before its pipe does


class Gateway:
    """The product under test."""

    name = "gateway"
    exact = True

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="gateway-conformance-")
        self._demos: list[_Demo] = []
        self.logs = ""

    def __repr__(self) -> str:
        return f"Gateway({self._folder.name})"

    def missing(self) -> str | None:
        """It is always there."""
        return None

    def _lay_out(self, lanes: Sequence[Lane]) -> None:
        folder = Path(self._folder.name)
        folder.chmod(0o711)  # PostgreSQL may run as another user
        routes = folder / "routes.yaml"
        routes.write_text(route_map(lanes))
        for stand, environ in ((Stand.USUAL, {}), (Stand.HASTY, _HASTY)):
            own = folder / stand.value
            own.mkdir(mode=0o711)
            self._demos.append(_Demo(own, routes=routes, environ=environ))

    async def start(self, lanes: Sequence[Lane]) -> Door:
        """Both of them, side by side."""
        self._lay_out(lanes)
        try:
            (usual, token), (hasty, hasty_token) = await asyncio.gather(
                *(demo.start() for demo in self._demos)
            )
        except BaseException:
            await self.stop()
            raise
        return Door(
            {Stand.USUAL: usual, Stand.HASTY: hasty},
            {Stand.USUAL: token, Stand.HASTY: hasty_token},
            patience=10.0,
        )

    async def stop(self) -> None:
        """End both. What they logged stays in `logs`."""
        await asyncio.gather(*(demo.stop() for demo in self._demos))
        self.logs = "".join(demo.log for demo in self._demos)
        self._folder.cleanup()
