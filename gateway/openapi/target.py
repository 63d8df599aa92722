"""A map written to its file: whole or not at all, and never over what somebody else wrote meanwhile."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class TargetError(Exception):
    """A file that was not written. The text says why and what to do; the file is as it was."""


def read_if_there(path: Path) -> bytes | None:
    """The bytes of a file; None when there is none. Raises TargetError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TargetError(f"{path} cannot be read: {_words(error)}") from None


def write(path: Path, data: bytes, *, before: bytes | None) -> bool:
    """Put `data` into the file at `path`, which held `before` when it was looked at; None: it was not there.

    False when it holds `data` already. Raises TargetError when it holds anything else now, or cannot be written.
    """
    try:
        # A link stays a link: what it leads to is replaced.
        real = path.resolve()
        with _alone_in(real.parent):
            refuse_changed(path, before)
            if data == before:
                return False
            _replace(real, data, before)
    except RuntimeError:
        raise TargetError(f"{path} cannot be written: it links to itself; name another file") from None
    except OSError as error:
        raise TargetError(f"{path} cannot be written: {_words(error)}; nothing was changed") from None
    return True


def refuse_changed(path: Path, before: bytes | None) -> None:
    """Raises TargetError when the file at `path` does not hold `before` any more."""
    now = read_if_there(path)
    if now == before:
        return
    what = "appeared" if before is None else "is gone" if now is None else "was changed"
    raise TargetError(f"{path} {what} meanwhile; nothing was written, run the same command again")


def _replace(real: Path, data: bytes, before: bytes | None) -> None:
    number, name = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.", suffix=".new")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            _take_after(file.fileno(), real)
            os.fsync(file.fileno())
        if before is None:
            _link(name, real)
        else:
            Path(name).replace(real)
            name = ""
    finally:
        if name:
            Path(name).unlink()
    _sync(real.parent)


def _link(name: str, real: Path) -> None:
    """Put the new file there, unless another appeared since."""
    try:
        os.link(name, real)
    except FileExistsError:
        raise
    except OSError:
        # Some file systems have no links; there the look a moment ago has to do.
        shutil.copyfile(name, real)


def _take_after(number: int, real: Path) -> None:
    """Give the new file the mode and the owner of the old one, or what any new file gets."""
    try:
        old = real.stat()
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        os.fchmod(number, 0o666 & ~mask)
        return
    os.fchmod(number, old.st_mode & 0o7777)
    with suppress(PermissionError):
        os.fchown(number, old.st_uid, old.st_gid)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Two imports into one folder look and write one after the other."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _words(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
