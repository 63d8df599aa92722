"""The gateway as it is shipped: `gateway serve`, a PostgreSQL, the v2 route map, a token made by its own command."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from gateway.storage.embedded import EmbeddedError, EmbeddedPostgres
from tests.bench.contender import SCOPE, Contender, Job
from tests.bench.programs import Failed, Program, tree

_SHIPPED_MAP: Final = Path(__file__).parents[2] / "config" / "v2.routes.yaml"
_URLS: Final = re.compile(r"http://127\.0\.0\.1:9001\b")
_SETTINGS: Final = """
data_dir: data
routes: routes.yaml
proxy: {listen: "127.0.0.1:0"}
admin: {listen: "127.0.0.1:0"}
log: {format: json}
"""


def _command() -> Path:
    command = Path(sys.executable).with_name("gateway")
    if not command.exists():
        raise Failed(
            f"{command} is missing; install the project where this Python is: pip install -e '.[embedded]'"
        )
    return command


def _environment(**settings: str) -> dict[str, str]:
    """Nothing of the caller's own settings: what is measured is what the file says."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY__")}
    return {**kept, **settings}


class Installation:
    """What all gateways here share: the database, the settings, the map, one account with one token."""

    def __init__(self, folder: Path, *, upstream_port: int) -> None:
        self.folder = folder / "gateway"
        # PostgreSQL may run as another user, who has to reach its files below.
        self.folder.mkdir(mode=0o711)
        self._server = EmbeddedPostgres(data_dir=self.folder / "data", log=lambda line: None)
        try:
            self.dsn = self._server.start()
        except EmbeddedError as error:
            raise Failed(str(error)) from None
        try:
            self._fill(upstream_port)
        except BaseException:
            self._server.stop()
            raise

    def __repr__(self) -> str:
        return f"<Installation {self._server}>"

    def _fill(self, upstream_port: int) -> None:
        self.config = self.folder / "gateway.yaml"
        self.config.write_text(_SETTINGS)
        text, replaced = _URLS.subn(f"http://127.0.0.1:{upstream_port}", _SHIPPED_MAP.read_text())
        if replaced != 1:
            raise Failed(f"{_SHIPPED_MAP} names {replaced} upstreams where one was expected")
        (self.folder / "routes.yaml").write_text(text)
        account = json.loads(self._run("account", "create", "bench", "--json"))
        self.account_id: str = account["account"]["id"]
        words = ("--account", self.account_id, "--name", "bench", "--scope", SCOPE)
        self.token = self._run("integration", "create", *words).strip()

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            [_command(), *words, "--config", self.config],
            env=_environment(GATEWAY__DATABASE__URL=self.dsn),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise Failed(f"gateway {' '.join(words)} failed:\n{done.stderr}")
        return done.stdout

    @property
    def database_pids(self) -> list[int]:
        """PostgreSQL's processes, which are on the load's core and no contender's."""
        children = tree(os.getpid())[1:]
        return [pid for pid in children if _is_postgres(pid)]

    def stop(self) -> None:
        """End PostgreSQL."""
        self._server.stop()


def _is_postgres(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().startswith("postgres")
    except (FileNotFoundError, ProcessLookupError):
        return False


class Gateway(Contender):
    """One gateway process with the default settings, but for the access log: `all`, to a file, or `off`."""

    def __init__(self, name: str, job: Job, installation: Installation, *, access_log: str) -> None:
        super().__init__(name)
        self._job = job
        self._installation = installation
        self._access_log = access_log

    def start(self) -> None:
        installation = self._installation
        self._program = Program(
            [_command(), "serve", "--config", installation.config],
            core=self._job.core,
            output=installation.folder / f"serve-{self._access_log}.log",
            environ=_environment(
                GATEWAY__DATABASE__URL=installation.dsn, GATEWAY__LOG__ACCESS=self._access_log
            ),
        )
        self._program.wait_until(self._is_ready)

    def _is_ready(self) -> bool:
        assert self._program is not None
        for line in self._program.output.read_bytes().splitlines():
            if line.startswith(b"{") and b'"ready"' in line and line.endswith(b"}"):
                self.port = int(json.loads(line)["proxy"].rpartition(":")[2])
                return True
        return False
