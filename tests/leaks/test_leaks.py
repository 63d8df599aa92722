"""A secret that any test makes the gateway log fails the run, by the name of that test. Proved on runs that do it."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from hashlib import blake2b
from pathlib import Path
from typing import Final

import pytest

from gateway.core.tokens import hint, mint, redacted
from tests.leaks.ledger import Ledger
from tests.wiring.tenants import never_issued

ROOT: Final = Path(__file__).parents[2]
TESTS: Final = ROOT / "tests"

CONFTEST: Final = """
from tests.leaks.ledger import ledger
from tests.leaks.plugin import LeakSearch, note_what_is_minted


def pytest_configure(config):
    note_what_is_minted(ledger)
    config.pluginmanager.register(LeakSearch(ledger))
"""
OPTIONS: Final = ("-o", "asyncio_default_fixture_loop_scope=function", "-W", "error")
HEAD: Final = """
import logging, secrets, subprocess, sys, warnings
from pathlib import Path
from gateway.admin.passwords import hash_password
from gateway.core.tokens import Digester, hint, redacted
from gateway.settings.pepper import load_peppers
from gateway.wiring.credentials import new_admin_key, new_token
from tests.cli.process import gateway

DIGESTER = Digester(b"a pepper that this run alone knows")
TOKEN, _ = new_token("pit", DIGESTER)


def test_innocent():
    print(hint(TOKEN), redacted(TOKEN), "token_unknown", "0" * 64)
    logging.warning("refused %s", hint(TOKEN))
"""


def run_of(folder: Path, body: str, *arguments: str) -> tuple[int, str]:
    """The status and the words of a run of its own, of these tests."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_it.py").write_text(HEAD + body)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *OPTIONS, *arguments, "test_it.py"],
        cwd=folder,
        env={**environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def leaks_in(words: str) -> list[str]:
    return re.findall(r"^LEAK test_it\.py::(.*)$", words, re.MULTILINE)


GUILTY: Final = """

def test_logging():
    logging.getLogger("asyncio").warning("a task failed with %s", TOKEN)

def test_output():
    print("Bearer " + TOKEN)

def test_part_of_it():
    print("...", TOKEN[9:31].upper(), file=sys.stderr)

def test_never_issued_here():
    print("pit_0123456789abcdefghijABCDEFGHIJKL2nGC3S", "pit_0123456789abcdefghijABCDEFGHIJKLAAAAAA")

def test_admin_key():
    logging.error(new_admin_key(DIGESTER)[0])

def test_session():
    print(secrets.token_urlsafe(24))

def test_password():
    hash_password("correct horse battery staple")
    logging.warning("no member with correct horse battery staple")

def test_pepper():
    print(b"a pepper that this run alone knows".hex())

def test_pepper_as_it_is():
    print(repr(b"a pepper that this run alone knows"))

def test_pepper_of_a_command(tmp_path):
    peppers = "from gateway.settings.pepper import load_peppers; from pathlib import Path; import secrets;"
    made = f"load_peppers(Path({str(tmp_path / 'peppers')!r}), entropy=secrets.token_bytes)"
    subprocess.run([sys.executable, "-c", peppers + made], check=True)
    print((tmp_path / "peppers").read_text())

def test_command():
    minting = "from gateway.core.tokens import mint; import sys; print(mint('pit', bytes(range(32))), file=sys.stderr)"
    gateway("-c", minting, program=(sys.executable,))

def test_command_later():
    shown = "from gateway.core.tokens import mint; import sys; t = mint('abc', bytes(range(32))); print(t)"
    gateway("-c", shown + "; print(t[5:30], file=sys.stderr)", program=(sys.executable,))

def test_inherited():
    subprocess.run([sys.executable, "-c", "import sys; print(sys.argv[1], file=sys.stderr)", TOKEN], check=True)
"""


@pytest.mark.parametrize("divided", [(), ("-n", "2")])
def test_whatever_tells_a_secret_fails_the_run_by_the_name_of_its_test(
    tmp_path: Path, divided: tuple[str, ...]
) -> None:
    status, words = run_of(tmp_path, GUILTY, *divided)
    assert status == 1, words
    told = {leak.partition(":")[0] for leak in leaks_in(words)}
    assert told == set(re.findall(r"def (test_\w+)", GUILTY))
    assert "test_innocent" not in words
    # The search is a log as well.
    assert not any(re.search(r"[0-9A-Za-z]{16,}", leak) for leak in leaks_in(words))


def test_a_run_that_tells_nothing_passes(tmp_path: Path) -> None:
    status, words = run_of(tmp_path, "")
    assert (status, leaks_in(words)) == (0, []), words


def test_a_part_of_a_run_is_searched_as_well(tmp_path: Path) -> None:
    status, words = run_of(tmp_path, GUILTY, "-k", "test_output or innocent")
    assert (status, len(leaks_in(words))) == (1, 1), words
    status, words = run_of(tmp_path, GUILTY, "-k", "innocent")
    assert (status, leaks_in(words)) == (0, []), words


def test_the_report_of_a_failure_is_searched(tmp_path: Path) -> None:
    body = "\ndef test_fails():\n    raise RuntimeError(f'cannot look up {TOKEN}')\n"
    status, words = run_of(tmp_path, body)
    assert status == 1
    assert any("the report of its failure" in leak for leak in leaks_in(words)), words


# The ledger alone.


@pytest.mark.parametrize("number", range(20))
def test_a_secret_is_found_from_twenty_characters_on_wherever_it_is_cut(number: int) -> None:
    """Shorter pieces are what is shown on purpose."""
    token = mint("pit", blake2b(bytes([number]), digest_size=32).digest())
    for at in range(len(token) - 20):
        ledger = Ledger()
        ledger.secret(token)
        ledger.logged(f"x={token[at : at + 20]}&y", "log", test="t")
        assert len(ledger.leaks()) == 1, at


def test_what_is_shown_of_a_token_is_no_leak() -> None:
    ledger, token = Ledger(), never_issued()
    ledger.secret(token)
    for text in (hint(token), redacted(token), redacted(f"GET /x/{token}"), token[:12], token[-12:]):
        ledger.logged(text, "log", test="t")
    ledger.logged(f"{'0' * 80} {'a' * 80} {bytes(40).hex()}", "log", test="t")
    ledger.secret("pit_" + "0" * 38)
    assert ledger.leaks() == []


def test_it_does_not_matter_which_comes_first() -> None:
    ledger, token = Ledger(), never_issued()
    ledger.logged(token[4:30], "log", test="t")
    assert ledger.leaks() == []
    ledger.secret(token)
    assert len(ledger.leaks()) == 1


# Nobody forgets to hand over what another process wrote.

# Processes that hold no secret of the gateway's, or whose words are their own.
OTHERS: Final = {
    "tests/admin/test_description.py": "schemathesis prints the calls it makes, with a key that is cut out",
    "tests/bench": "no part of the test run",
    "tests/cli/test_commands.py": "check and routes in a shell",
    "tests/cli/test_manage.py": "hands a Result over, which the ledger reads",
    "tests/cli/warm.py": "its parent reads what it wrote",
    "tests/conformance/products": "no part of the test run",
    "tests/deploy": "linters, pip, and gateway check",
    "tests/e2e/clients": "clients of the platform: curl and node",
    "tests/leaks/test_leaks.py": "these runs",
    "tests/openapi/test_real_description.py": "npm fetches a public description",
    "tests/settings/test_pepper.py": "shows the pepper it made, to the test alone",
    "tests/storage": "PostgreSQL, its tools, and an owner of it",
}
STARTS: Final = frozenset(
    {"Popen", "run", "create_subprocess_exec", "create_subprocess_shell", "fork", "check_output"}
)
MODULES: Final = frozenset({"subprocess", "asyncio", "os"})


def starts_processes(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in STARTS
        and isinstance(node.value, ast.Name)
        and node.value.id in MODULES
        and (node.value.id, node.attr) != ("asyncio", "run")
        for node in ast.walk(tree)
    )


def test_every_file_that_starts_a_process_hands_its_words_over_or_says_why_not() -> None:
    found = set()
    for path in TESTS.rglob("*.py"):
        text = path.read_text()
        name = path.relative_to(ROOT).as_posix()
        excused = next((other for other in OTHERS if name == other or name.startswith(f"{other}/")), None)
        if not starts_processes(ast.parse(text)):
            continue
        assert excused or "ledger.logged(" in text, (
            f"{name} starts a process and keeps what it wrote from the ledger"
        )
        found.add(excused)
    assert found >= set(OTHERS), f"excused for nothing: {set(OTHERS) - found}"
