"""The database on disk: made once, whole or not at all, and the settings its server runs with."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.storage.embedded.account import Account, admitted
from gateway.storage.embedded.binaries import Binaries
from gateway.storage.embedded.errors import EmbeddedError
from gateway.storage.embedded.instance import DATABASE, USER
from gateway.storage.embedded.layout import PORT, Layout
from gateway.storage.embedded.program import Runner

# The first version that neither leaves its working directory at start nor looks it up by name.
FIRST_MAJOR_STARTED_IN_PLACE: Final = 16
# The first version with a Unicode collation that no C library's update can change under an index.
FIRST_MAJOR_WITH_BUILTIN_LOCALE: Final = 17

SETTINGS: Final = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "shared_buffers": "32MB",
    "max_connections": "60",
    # A crashed server is back within seconds: it never has more than this to replay.
    "max_wal_size": "256MB",
    # One query of a settings page does not take the second core; and containers have little /dev/shm.
    "max_parallel_workers_per_gather": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    "logging_collector": "off",
    # The log is read when something is wrong; a line every five minutes would bury it.
    "log_checkpoints": "off",
    "cluster_name": "gateway",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Programs, account and place of one database. `in_place`: the account cannot come to the data by its path."""

    binaries: Binaries
    runner: Runner
    layout: Layout
    in_place: bool

    def data_option(self, data: Path) -> str:
        """What `-D` gets, for a program started in `data`."""
        # A closed directory above, such as root's home, is passed by entering the data before the account changes.
        return "/proc/self/cwd" if self.in_place else str(data)

    def ensure(self) -> bool:
        """Makes the database unless it is there, and tells whether it did. Raises EmbeddedError."""
        made = not self.layout.data.exists()
        if made:
            self._make()
        self._check_version()
        return made

    def server_command(self, run: Path) -> Sequence[str]:
        """The command that serves the database on a socket in RUN, letting in whom RUN's two files name."""
        options = {
            **SETTINGS,
            "unix_socket_directories": str(run / "socket"),
            "hba_file": str(run / "pg_hba.conf"),
            "ident_file": str(run / "pg_ident.conf"),
        }
        pairs = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [self.binaries.path("postgres"), "-D", self.data_option(self.layout.data), *pairs]

    def _make(self) -> None:
        unfinished = Path(tempfile.mkdtemp(prefix=".init-", dir=self.layout.base))
        try:
            self.runner.account.chown(unfinished)
            place = ("-D", self.data_option(unfinished))
            initdb, postgres = self.binaries.path("initdb"), self.binaries.path("postgres")
            locale = ["--no-locale"]
            if self.binaries.major >= FIRST_MAJOR_WITH_BUILTIN_LOCALE:
                locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            # Its own access files are not used by us; they are what a person meets who starts it by hand.
            access = ["--auth-local=peer", "--auth-host=reject"]
            how = ["-U", USER, "-E", "UTF8", *locale, *access, "--no-instructions", "--no-sync"]
            self.runner.run([initdb, *place, *how], cwd=unfinished)
            # Without a server, so that a database is either whole, with this in it, or not there.
            alone = [postgres, "--single", *place, "-F", "-c", "exit_on_error=true", "postgres"]
            self.runner.run(alone, cwd=unfinished, statement=f"CREATE DATABASE {DATABASE};\n")
            self.runner.run([initdb, *place, "--sync-only"], cwd=unfinished)
            unfinished.rename(self.layout.data)
            _sync(self.layout.base)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise

    def _check_version(self) -> None:
        data, ours = self.layout.data, self.binaries.major
        theirs = written_by(data)
        if theirs is None:
            raise EmbeddedError(f"{data} is not a PostgreSQL database: it has no PG_VERSION; move it away")
        if theirs != ours:
            tools = self.binaries.directory
            raise EmbeddedError(
                f"{data} was written by PostgreSQL {theirs}, and {tools} is PostgreSQL {ours}.\n"
                f"Install PostgreSQL {theirs} beside it: the gateway then uses that. To carry the data over to {ours}:\n"
                f"  1. while the gateway runs on {theirs} (URL is in its log): {tools}/pg_dump -Fc -f gateway.dump URL\n"
                f"  2. stop the gateway, then: mv {data} {data}.{theirs}\n"
                f"  3. start it on {ours}, then: {tools}/pg_restore --clean --if-exists -d URL gateway.dump"
            )


def written_by(data: Path) -> int | None:
    """The major version of the database in `data`; None when there is none."""
    try:
        return int((data / "PG_VERSION").read_text())
    except (OSError, ValueError):
        return None


def cluster_for(binaries: Binaries, runner: Runner, layout: Layout) -> Cluster:
    """The cluster in `layout`, by path or in place, whichever its account can. Raises EmbeddedError."""
    account = runner.account
    in_place = not account.can_enter(layout.base)
    startable = binaries.major >= FIRST_MAJOR_STARTED_IN_PLACE and Path("/proc/self/cwd").exists()
    if in_place and not startable:
        raise EmbeddedError(
            f"account {account.name}, as which PostgreSQL runs for root, cannot enter {layout.base}: "
            "put data_dir below directories open to it, such as /var/lib/gateway"
        )
    return Cluster(binaries=binaries, runner=runner, layout=layout, in_place=in_place)


def write_access_files(run: Path, account: Account) -> None:
    """Who is let in: named operating system users as `gateway`, proved by the kernel. No password, no TCP."""
    users = [name.replace('"', '""') for name in admitted(account)]
    for name, text in (
        ("pg_hba.conf", "local all all peer map=gw\n"),
        ("pg_ident.conf", "".join(f'gw "{user}" {USER}\n' for user in users)),
    ):
        path = run / name
        path.write_text(text)
        path.chmod(0o644)


def _sync(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
