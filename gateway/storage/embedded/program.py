"""Runs PostgreSQL's programs: as the account, with a bare environment, and so that they do not outlive this process.

Must be used from the main thread, before there is another: the kernel's death signal follows the thread that
forked, and code runs between fork and exec.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from gateway.storage.embedded.account import Account, environment
from gateway.storage.embedded.errors import EmbeddedError

PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """How programs run. They inherit `lock_fd`, so its lock is held until the last of them has ended."""

    account: Account
    lock_fd: int

    def spawn(
        self, command: Sequence[str], *, cwd: Path, output: IO[bytes], stdin: IO[bytes] | None = None
    ) -> subprocess.Popen[bytes]:
        """Starts a program. `cwd` is entered before the account changes, so it may be out of the account's reach."""
        account = self.account
        return subprocess.Popen(  # noqa: S603 - programs of PostgreSQL, found by absolute path
            command,
            cwd=cwd,
            stdin=stdin or subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment(),
            user=account.uid if account.dropped else None,
            group=account.gid if account.dropped else None,
            extra_groups=[] if account.dropped else None,
            umask=0o077,
            pass_fds=(self.lock_fd,),
            # Its own session: a Ctrl-C at the terminal must reach the gateway only, which drains and then stops it.
            start_new_session=True,
            # After the change of account, which would clear it.
            preexec_fn=_dying_with(os.getpid()),  # noqa: PLW1509 - the main thread is alone, see above
        )

    def run(self, command: Sequence[str], *, cwd: Path, statement: str = "") -> str:
        """Runs a program to its end and gives what it wrote; `statement` is its input. Raises EmbeddedError."""
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as stdin:
            stdin.write(statement.encode())
            stdin.seek(0)
            try:
                status = self.spawn(command, cwd=cwd, output=output, stdin=stdin).wait()
            except OSError as error:
                raise EmbeddedError(
                    f"{command[0]} cannot be run as user {self.account.name}: {error}"
                ) from error
            output.seek(0)
            text = output.read().decode(errors="replace")
        if status != 0:
            raise EmbeddedError(f"{Path(command[0]).name} failed with status {status}:\n{tail(text)}")
        return text


def tail(text: str, lines: int = 12) -> str:
    """The last lines of a log, indented under the message that quotes them."""
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-lines:])


def _dying_with(parent: int) -> Callable[[], None] | None:
    # Elsewhere a killed gateway leaves its server running; the next start then names the process to stop.
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def arrange() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
        # The parent may have died before the line above.
        if os.getppid() != parent:
            os._exit(1)

    return arrange
