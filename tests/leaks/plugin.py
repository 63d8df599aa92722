"""The search of a whole run's logs: notes secrets where they are made, reads what each test wrote, fails the run.

It sees this process. What other processes write is handed to the ledger by whoever starts them, which a test holds.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from gateway.admin import passwords
from gateway.core import tokens
from tests.leaks.ledger import Ledger

_MAX_PEPPERS_BYTES = 64 * 1024
_LEAKS = "leaks"


class LeakSearch:
    """Lives as long as the run."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._leaks: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """What a phase of a test wrote on both channels and logged, and what is printed of it if it failed."""
        for channel, text in report.sections:
            if channel.endswith(report.when):
                self._ledger.logged(text, channel, test=report.nodeid)
        if report.failed:
            self._ledger.logged(report.longreprtext, "the report of its failure", test=report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Look for all secrets in all that was said."""
        for path in _peppers_made(session.config):
            for word in path.read_text(errors="replace").split():
                self._ledger.secret(word)
        self._leaks += [str(leak) for leak in self._ledger.leaks()]
        if (told := getattr(session.config, "workeroutput", None)) is not None:
            told[_LEAKS] = self._leaks  # a part of a divided run: the whole fails
        if self._leaks and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A part of a run that is divided among processes has ended; it searched what its own tests wrote."""
        self._leaks += getattr(node, "workeroutput", {}).get(_LEAKS, [])

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._leaks:
            terminalreporter.section("secrets were logged", red=True, bold=True)
            for leak in dict.fromkeys(self._leaks):
                terminalreporter.line(f"LEAK {leak}")


def _peppers_made(config: pytest.Config) -> list[Path]:
    """The peppers' files that commands of this run made; each holds an id and the pepper."""
    factory = getattr(config, "_tmp_path_factory", None)
    base = getattr(factory, "_basetemp", None)
    found = [] if base is None else [path for path in Path(base).rglob("peppers*") if path.is_file()]
    return [path for path in found if path.stat().st_size <= _MAX_PEPPERS_BYTES]


def note_what_is_minted(ledger: Ledger) -> None:
    """From now on each secret that this process makes or is given is in the ledger."""
    _around(tokens, "checksum", lambda found, text: ledger.secret(text + found))
    _around(secrets, "token_urlsafe", lambda found, *_: ledger.secret(found))
    passwords._HASHER = _NotingHasher(passwords._HASHER, ledger)  # type: ignore[misc,assignment]
    original = tokens.Digester.__init__

    def init(self: tokens.Digester, current: bytes, retired: tuple[bytes, ...] = ()) -> None:
        original(self, current, retired)
        for pepper in (current, *retired):
            ledger.pepper(pepper)

    tokens.Digester.__init__ = init  # type: ignore[method-assign]


class _NotingHasher:
    """Hashes as the one it stands for."""

    def __init__(self, hasher: PasswordHasher, ledger: Ledger) -> None:
        self._hasher = hasher
        self._ledger = ledger

    def hash(self, password: str) -> str:
        self._ledger.phrase(password)
        return self._hasher.hash(password)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hasher, name)


def _around(module: Any, name: str, note: Callable[..., None]) -> None:
    function = getattr(module, name)

    def noting(*arguments: Any) -> Any:
        found = function(*arguments)
        note(found, *arguments)
        return found

    setattr(module, name, noting)
