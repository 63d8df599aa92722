from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.settings.errors import ConfigurationError
from gateway.settings.pepper import Peppers, load_peppers

FIRST = "11" * 32
SECOND = "ab" * 32


def no_entropy(count: int) -> bytes:
    raise AssertionError("a file that is there is not made")


def fixed(count: int) -> bytes:
    return b"\x11" * count


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "peppers"


def write(file: Path, text: str, mode: int = 0o600) -> None:
    file.write_text(text)
    file.chmod(mode)


def refused(file: Path) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_peppers(file, entropy=no_entropy)
    return [str(problem).replace(f"{file.parent}/", "") for problem in caught.value.problems]


def test_a_missing_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "data" / "deeper" / "peppers"
    before = os.umask(0)
    try:
        peppers = load_peppers(file, entropy=fixed)
    finally:
        os.umask(before)
    assert peppers == Peppers(bytes.fromhex(FIRST))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() == f"11111111 {FIRST}\n"
    assert list(file.parent.iterdir()) == [file]


def test_what_was_made_is_read_again(file: Path) -> None:
    """Another pepper after a restart would make every token unknown."""
    made = load_peppers(file, entropy=os.urandom)
    assert load_peppers(file, entropy=no_entropy) == made
    assert len(made.current) == 32


def test_the_first_line_is_current_and_the_others_are_retired(file: Path) -> None:
    write(file, f"new {SECOND.upper()}\n\n  old {FIRST}  \r\noldest {'00' * 32}")
    peppers = load_peppers(file, entropy=no_entropy)
    assert peppers.current == bytes.fromhex(SECOND)
    assert peppers.retired == (bytes.fromhex(FIRST), bytes(32))


def test_a_repr_shows_no_pepper() -> None:
    peppers = Peppers(b"secret-current", (b"secret-retired",))
    assert repr(peppers) == str(peppers) == "Peppers(1 current, 1 retired)"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o666])
def test_a_file_that_is_open_to_others_is_refused_with_the_command_to_run(file: Path, mode: int) -> None:
    write(file, f"a {FIRST}\n", mode)
    assert refused(file) == [
        f"peppers: the peppers are open to others (mode {mode:04o}); run: chmod 600 {file}".replace(
            f"{file.parent}/", ""
        )
    ]


def test_a_file_that_its_owner_cannot_write_is_fine(file: Path) -> None:
    write(file, f"a {FIRST}\n", 0o400)
    assert load_peppers(file, entropy=no_entropy).current == bytes.fromhex(FIRST)


MALFORMED = "this is not a pepper; write `<id> <64 hex digits>`, or restore the file from a backup"
TWICE = "this pepper or its id stands in the file twice; keep one"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{SECOND}\n", [f"peppers:1: {MALFORMED}"]),
        (f"a {SECOND}0\n", [f"peppers:1: {MALFORMED}"]),
        (f"a {SECOND[1:]}\n", [f"peppers:1: {MALFORMED}"]),
        (f"a {SECOND} b\n", [f"peppers:1: {MALFORMED}"]),
        (f"a {FIRST}\nb {SECOND[2:]}zz\nc\n", [f"peppers:2: {MALFORMED}", f"peppers:3: {MALFORMED}"]),
        (f"a {FIRST}\na {SECOND}\n", [f"peppers:2: {TWICE}"]),
        (f"a {SECOND}\nb {SECOND.upper()}\n", [f"peppers:2: {TWICE}"]),
        (
            "",
            [
                "peppers: the file is empty; "
                "restore it from a backup, or remove it where no token was ever issued"
            ],
        ),
        (
            "\n \n",
            [
                "peppers: the file is empty; "
                "restore it from a backup, or remove it where no token was ever issued"
            ],
        ),
    ],
)
def test_a_malformed_file_is_refused_by_line_and_never_shown(
    file: Path, text: str, expected: list[str]
) -> None:
    write(file, text)
    assert refused(file) == expected
    assert SECOND[2:] not in "".join(refused(file)).lower()
    assert file.read_text() == text


def test_bytes_that_are_no_text_are_refused(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00" * 20)
    file.chmod(0o600)
    assert refused(file) == [f"peppers:1: {MALFORMED}"]


def test_a_huge_file_is_refused(file: Path) -> None:
    write(file, "\n" * 70_000)
    assert refused(file) == ["peppers: is larger than 65536 bytes; drop old peppers"]


def test_a_folder_or_a_pipe_in_its_place_is_refused_without_waiting(tmp_path: Path) -> None:
    folder, pipe = tmp_path / "folder", tmp_path / "pipe"
    folder.mkdir()
    os.mkfifo(pipe)
    for path in (folder, pipe):
        assert refused(path) == [f"{path.name}: this is not a file; name a file in tokens.pepper_file"]


def test_a_place_where_nothing_can_be_made_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigurationError, match="the peppers cannot be read or made: not a directory"):
        load_peppers(tmp_path / "file" / "peppers", entropy=fixed)


MAKER = """
import os, sys
from pathlib import Path
from gateway.settings.pepper import load_peppers

def entropy(count):
    # Whoever comes here has seen no file: both are told so before either may go on.
    print("making", flush=True)
    sys.stdin.readline()
    return os.urandom(count)

print(load_peppers(Path(sys.argv[1]), entropy=entropy).current.hex(), flush=True)
"""


def test_processes_that_make_the_file_at_once_end_with_the_same_pepper(file: Path) -> None:
    """Else one worker stores digests that another cannot find."""
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", MAKER, str(file)],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for maker in makers:
        assert maker.stdout is not None
        assert maker.stdout.readline() == "making\n"
    results = {maker.communicate("\n\n\n")[0].splitlines()[-1] for maker in makers}
    assert [maker.returncode for maker in makers] == [0, 0, 0]
    assert results == {file.read_text().split()[1]}
    assert list(file.parent.iterdir()) == [file]
