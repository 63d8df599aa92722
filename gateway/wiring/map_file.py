"""The route map's file, written by a command: whole or not at all, and only over what was read."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class MapFileChanged(Exception):
    """Somebody else wrote the file since it was read. The text is for the operator."""


class MapFile:
    """A route map's file. `path` may be a link: what it leads to is what is written."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __repr__(self) -> str:
        return f"MapFile({self._path})"

    def read(self) -> bytes | None:
        """What is in it; None: there is no file. Raises OSError."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None

    def replace(self, text: bytes, *, over: bytes | None) -> None:
        """Put `text` in the place of `over`, which was read before. Raises MapFileChanged and OSError.

        Readers see the one or the other. Two commands that do this at once do it one after the other, so the second is
        refused; an editor that saves in the same instant is not held up.
        """
        target = self._path.resolve()
        with _alone(target.parent):
            if self.read() != over:
                raise MapFileChanged(f"{self._path} was changed since it was read; look at it, and try again")
            draft = target.with_name(f".{target.name}.{os.getpid()}")
            try:
                _write(draft, text, like=target)
                draft.replace(target)
            finally:
                draft.unlink(missing_ok=True)


def version_of(text: bytes) -> str:
    """The version of the map in a file."""
    return hashlib.sha256(text).hexdigest()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        # The new name is to outlast a power cut as the text does.
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(path: Path, text: bytes, *, like: Path) -> None:
    """A new file with the rights and, where we may, the owner of the one that it will replace."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with suppress(FileNotFoundError):
            found = like.stat()
            with suppress(PermissionError):
                os.fchown(descriptor, found.st_uid, found.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(found.st_mode))
        file.write(text)
        file.flush()
        os.fsync(descriptor)
