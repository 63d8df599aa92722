"""SIGHUP is a reload, unless it says that the terminal is gone: then it is the end, and an orderly one."""

from __future__ import annotations

import os
import select
import subprocess
import time

from tests.cli.conftest import Site
from tests.cli.process import COMMAND, PATIENCE_SECONDS, environment
from tests.leaks.ledger import ledger


def test_closing_its_terminal_ends_a_gateway_cleanly(site: Site) -> None:
    ours, theirs = os.openpty()
    with subprocess.Popen(
        ["setsid", "--ctty", COMMAND, "serve", "--config", site.config],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(),
    ) as process:
        os.close(theirs)
        said = b""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while b"admin" not in said:
            assert time.monotonic() < deadline, said
            if select.select([ours], [], [], 1)[0]:
                said += os.read(ours, 4096)
        os.close(ours)
        ledger.logged(said, "the terminal of a gateway")
        try:
            assert process.wait(PATIENCE_SECONDS) == 0
        finally:
            process.kill()
