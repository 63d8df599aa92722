"""Under which operating system account the server runs: our own, or, since PostgreSQL refuses root, a lesser one."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.storage.embedded.errors import EmbeddedError

# No account is ever made. `nobody` is in every image.
CANDIDATES: Final = ("gateway", "postgres", "nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """`dropped`: the account is not ours, and a child process changes to it before it executes anything."""

    uid: int
    gid: int
    name: str
    dropped: bool

    def can_run(self, *command: str) -> bool:
        """Whether the program runs and succeeds as the account."""
        try:
            done = subprocess.run(  # noqa: S603 - programs of PostgreSQL and /bin/sh, by absolute path
                command,
                user=self.uid if self.dropped else None,
                group=self.gid if self.dropped else None,
                extra_groups=[] if self.dropped else None,
                cwd="/",
                env=environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
        except OSError:
            return False
        return done.returncode == 0

    def can_enter(self, directory: Path) -> bool:
        """Asked of the kernel, which knows access lists and mounts too."""
        return not self.dropped or self.can_run("/bin/sh", "-c", 'cd -- "$1"', "sh", str(directory))

    def chown(self, path: Path) -> None:
        """Gives a directory of ours to the account."""
        if self.dropped:
            try:
                os.chown(path, self.uid, self.gid, follow_symlinks=False)
            except OSError as error:
                raise EmbeddedError(
                    f"root may not give {path} to account {self.name} ({error.strerror}): "
                    "run the gateway as an ordinary user, or set database.url"
                ) from error


def environment() -> dict[str, str]:
    """What a program of another account may see: no PG* variable that could move the server, no secret of ours."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    # TZ spares initdb the search of the time zone files.
    return {"PATH": "/usr/bin:/bin", **kept, "LC_ALL": "C", "TZ": "UTC"}


def choose(data: Path) -> Account:
    """The account for the database in `data`: its owner if it exists, else ourselves or, as root, a candidate."""
    euid = os.geteuid()
    owner = data.stat().st_uid if data.exists() else None
    if euid != 0:
        if owner not in (None, euid):
            raise EmbeddedError(
                f"{data} belongs to user {_name(owner)}, not to {current_user()}: run as that user"
            )
        entry = _entry(euid)
        if entry is None:
            raise EmbeddedError(
                f"user id {euid} has no entry in the passwd database, which PostgreSQL asks for: "
                "add one, or set database.url to a server of its own"
            )
        return Account(uid=euid, gid=os.getegid(), name=entry.pw_name, dropped=False)
    if owner == 0:
        raise EmbeddedError(
            f"{data} belongs to root, as which PostgreSQL does not run: chown -R it to {_candidate().pw_name}"
        )
    entry = _candidate() if owner is None else _entry(owner)
    if entry is None:
        raise EmbeddedError(
            f"{data} belongs to user id {owner}, which has no passwd entry: chown -R it to one that has"
        )
    return Account(uid=entry.pw_uid, gid=entry.pw_gid, name=entry.pw_name, dropped=True)


def admitted(account: Account) -> list[str]:
    """The operating system users whom the server lets in: ourselves, its own account, root. All can read its files."""
    entries = [_entry(uid) for uid in sorted({0, os.geteuid(), account.uid})]
    return [entry.pw_name for entry in entries if entry is not None]


def current_user() -> str:
    return _name(os.geteuid())


def _name(uid: int) -> str:
    entry = _entry(uid)
    return str(uid) if entry is None else entry.pw_name


def _candidate() -> pwd.struct_passwd:
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return entry
    raise EmbeddedError(
        f"PostgreSQL does not run as root, and there is no account {', '.join(CANDIDATES[:-1])} or {CANDIDATES[-1]}: "
        "run the gateway as an ordinary user, or set database.url"
    )


def _entry(uid: int) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        return None
