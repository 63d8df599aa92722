"""Where and with what was measured: a figure without that is worth nothing."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.bench.programs import found

_PACKAGES = ("private-integrations-gateway", "aiohttp", "httptools", "uvloop", "asyncpg", "orjson")
_ROOT = Path(__file__).parents[2]


def facts() -> dict[str, object]:
    """What the machine is, as JSON takes it."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "python": platform.python_version(),
        "packages": {name: _installed(name) for name in _PACKAGES},
        "nginx": _said("nginx", "-v", r"nginx/(\S+)"),
        "wrk": _said("wrk", "-v", r"wrk \S*?([0-9][0-9.]*)"),
        "commit": _commit(),
    }


def _cpu_model() -> str:
    match = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return match[1] if match else platform.machine()


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _said(program: str, option: str, pattern: str) -> str | None:
    """Both of them tell their version on either stream, and with a status of their own."""
    place = found(program)
    if place is None:
        return None
    done = subprocess.run([place, option], capture_output=True, text=True, check=False)
    match = re.search(pattern, done.stdout + done.stderr)
    return match[1] if match else None


def _commit() -> str | None:
    git = found("git")
    if git is None:
        return None
    done = subprocess.run(
        [git, "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or None
