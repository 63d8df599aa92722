"""The gateway as it is shipped: `gateway serve`, a PostgreSQL, the v2 route map, tokens in its database."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from gateway.settings.pepper import load_peppers
from gateway.storage.embedded import EmbeddedError, EmbeddedPostgres
from tests.bench.contender import Contender, Job
from tests.bench.mix import Caller
from tests.bench.population import caller, populate
from tests.bench.programs import Failed, Program, tree
from tests.bench.shipped_map import text

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
    """What all gateways here share: the database with `tokens` callers, the settings, the map.

    A database that is in the folder already is taken as it is, if it holds as many.
    """

    def __init__(self, folder: Path, *, upstream_port: int, tokens: int) -> None:
        self.folder = folder / "gateway"
        # PostgreSQL may run as another user, who has to reach its files below.
        self.folder.mkdir(mode=0o711, exist_ok=True)
        self._server = EmbeddedPostgres(data_dir=self.folder / "data", log=lambda line: None)
        try:
            self.dsn = self._server.start()
        except EmbeddedError as error:
            raise Failed(str(error)) from None
        try:
            self._fill(upstream_port, tokens)
        except BaseException:
            self._server.stop()
            raise

    def __repr__(self) -> str:
        return f"<Installation {self._server}>"

    def _fill(self, upstream_port: int, tokens: int) -> None:
        self.config = self.folder / "gateway.yaml"
        self.config.write_text(_SETTINGS)
        (self.folder / "routes.yaml").write_text(text(upstream_port=upstream_port))
        self._run("migrate")
        self.peppers = load_peppers(self.folder / "data" / "peppers", entropy=secrets.token_bytes)
        asyncio.run(populate(self.dsn, self.peppers.current, count=tokens))

    def callers(self, count: int) -> list[Caller]:
        """The first of those who are in the database."""
        return [caller(number) for number in range(count)]

    def _run(self, *words: str) -> None:
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
    """A gateway with the default settings, but for the access log, which goes to a file, and `settings`.

    It is one process on one core; with `workers` it is that many, on the job's core and on `more_cores`.
    """

    def __init__(
        self,
        name: str,
        job: Job,
        installation: Installation,
        *,
        log: bool,
        settings: Mapping[str, str] | None = None,
        workers: int | None = None,
        more_cores: Collection[int] = (),
    ) -> None:
        super().__init__(name, job, log=log)
        self._words = () if workers is None else ("--workers", str(workers))
        self._more_cores = more_cores
        self.admin_port = 0
        self._installation = installation
        self._settings = settings or {}

    def start(self) -> None:
        installation = self._installation
        self._program = Program(
            [_command(), "serve", "--config", installation.config, *self._words],
            core=self._job.core,
            more_cores=self._more_cores,
            output=self.folder / "output",
            environ=_environment(
                GATEWAY__DATABASE__URL=installation.dsn,
                GATEWAY__LOG__ACCESS="all" if self.log else "off",
                **self._settings,
            ),
        )
        self._program.wait_until(self._is_ready)

    def _is_ready(self) -> bool:
        assert self._program is not None
        for line in self._program.output.read_bytes().splitlines():
            if line.startswith(b"{") and b'"ready"' in line and line.endswith(b"}"):
                said = json.loads(line)
                self.port, self.admin_port = (
                    int(said[listener].rpartition(":")[2]) for listener in ("proxy", "admin")
                )
                return True
        return False
