"""A map's file: whole or not at all, and nobody's change is lost."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from gateway.openapi import target
from gateway.openapi.target import TargetError, read_if_there, write


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "routes.yaml"


def alone(file: Path) -> bool:
    return [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_new_file_is_made_as_any_file_is(file: Path) -> None:
    assert write(file, b"new", before=None) is True
    assert file.read_bytes() == b"new"
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(file.stat().st_mode) == 0o666 & ~mask
    assert alone(file)


def test_a_file_is_replaced_with_its_mode(file: Path) -> None:
    file.write_bytes(b"old")
    file.chmod(0o640)
    assert write(file, b"new", before=b"old") is True
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert alone(file)


def test_what_is_there_already_is_not_written(file: Path) -> None:
    file.write_bytes(b"same")
    number = file.stat().st_ino
    assert write(file, b"same", before=b"same") is False
    assert file.stat().st_ino == number


def test_a_link_stays_a_link(file: Path) -> None:
    real = file.parent / "real" / "map.yaml"
    real.parent.mkdir()
    real.write_bytes(b"old")
    file.symlink_to(real)
    write(file, b"new", before=b"old")
    assert file.is_symlink()
    assert real.read_bytes() == b"new"


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (b"old", b"edited", "was changed meanwhile"),
        (b"old", None, "is gone meanwhile"),
        (None, b"edited", "appeared meanwhile"),
    ],
)
def test_a_change_of_somebody_else_is_never_written_over(
    file: Path, before: bytes | None, now: bytes | None, told: str
) -> None:
    if now is not None:
        file.write_bytes(now)
    with pytest.raises(TargetError, match=told):
        write(file, b"new", before=before)
    assert read_if_there(file) == now
    assert len(list(file.parent.iterdir())) == (now is not None)


def test_a_file_that_appears_in_the_last_moment_stays(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "refuse_changed", lambda *_: file.write_bytes(b"theirs"))
    with pytest.raises(TargetError, match="cannot be written: file exists; nothing was changed"):
        write(file, b"new", before=None)
    assert file.read_bytes() == b"theirs"
    assert alone(file)


def test_a_disk_that_is_full_leaves_the_file_as_it_was(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    file.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TargetError, match="cannot be written: no space left on device; nothing was changed"):
        write(file, b"new", before=b"old")
    assert file.read_bytes() == b"old"
    assert alone(file)


def test_a_folder_that_is_not_there_and_a_file_that_is_one(file: Path) -> None:
    with pytest.raises(TargetError, match="no such file or directory"):
        write(file / "routes.yaml", b"new", before=None)
    with pytest.raises(TargetError, match="is a directory"):
        read_if_there(file.parent)


def test_of_two_writers_at_once_one_is_told(file: Path) -> None:
    """Both looked at the same map: whoever is second must not undo what the first did."""
    file.write_bytes(b"old")
    ready = threading.Barrier(8)
    told: list[str] = []

    def work(number: int) -> None:
        ready.wait()
        try:
            write(file, b"of %d" % number, before=b"old")
        except TargetError as error:
            told.append(str(error))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 7
    assert all("was changed meanwhile" in each for each in told)
    assert file.read_bytes().startswith(b"of ")
    assert alone(file)
