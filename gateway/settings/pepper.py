"""The peppers' file: made once, read at every start. Its content never appears in a message, a log line or a repr.

One line per pepper, `<id> <64 hex digits>`: the first is current, the others are retired but still readable. A new
pepper is put on top; a retired one is dropped by removing its line. Another format would be another file: this reader
refuses what it does not know.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.core.model import Problem
from gateway.core.rules import Rule
from gateway.settings.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

PEPPER_BYTES: Final = 32
_ID_BYTES: Final = 4
_MAX_BYTES: Final = 64 * 1024
_LINE: Final = re.compile(rb"(?P<id>[A-Za-z0-9_-]{1,64})[ \t]+(?P<pepper>[0-9A-Fa-f]{64})")


@dataclass(frozen=True, slots=True, repr=False)
class Peppers:
    """The keys of the digests: the one new tokens are stored under, and those that old ones may be found under."""

    current: bytes
    retired: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        return f"Peppers(1 current, {len(self.retired)} retired)"


def load_peppers(path: Path, *, entropy: Callable[[int], bytes]) -> Peppers:
    """The peppers in the file at `path`, which is made when it is missing; `entropy(n)` gives n bytes of a CSPRNG.

    Of several processes that make it at once one wins, and all read what it wrote. Raises ConfigurationError when the
    file is open to others, malformed, or can be neither read nor made.
    """
    try:
        data = _read(path)
        if data is None:
            _create(path, entropy)
            data = _read(path)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        message = f"the peppers cannot be read or made: {reason}; check the path and its permissions"
        raise ConfigurationError([Problem(where=str(path), message=message, rule=Rule.UNREADABLE)]) from None
    return _parse(path, data or b"")


def _read(path: Path) -> bytes | None:
    try:
        # Not blocking: a named pipe in its place must not hold up the start.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    try:
        _check_status(path, os.fstat(descriptor))
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(_MAX_BYTES + 1)
    finally:
        os.close(descriptor)


def _check_status(path: Path, status: os.stat_result) -> None:
    mode = stat.S_IMODE(status.st_mode)
    if not stat.S_ISREG(status.st_mode):
        message = "this is not a file; name a file in tokens.pepper_file"
        rule = Rule.UNREADABLE
    elif mode & 0o077:
        message = f"the peppers are open to others (mode {mode:04o}); run: chmod 600 {path}"
        rule = Rule.OPEN_TO_OTHERS
    else:
        return
    raise ConfigurationError([Problem(where=str(path), message=message, rule=rule)])


def _create(path: Path, entropy: Callable[[int], bytes]) -> None:
    line = f"{entropy(_ID_BYTES).hex()} {entropy(PEPPER_BYTES).hex()}\n"
    # Others may pass through the folder (an embedded database's account does) but not list it.
    path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    # Written aside and linked into place: whoever finds the file finds all of it, and a second maker finds it there.
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # 0600, O_EXCL
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(line.encode("ascii"))
            file.flush()
            os.fsync(descriptor)
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        Path(draft).unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _parse(path: Path, data: bytes) -> Peppers:
    problems: list[Problem] = []
    ids: list[bytes] = []
    peppers: list[bytes] = []
    for number, line in enumerate(data[:_MAX_BYTES].splitlines(), start=1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.strip())
        message, rule = "", Rule.INVALID_VALUE
        if match is None:
            message = "this is not a pepper; write `<id> <64 hex digits>`, or restore the file from a backup"
        elif match["id"] in ids or bytes.fromhex(match["pepper"].decode()) in peppers:
            message, rule = "this pepper or its id stands in the file twice; keep one", Rule.DUPLICATE_VALUE
        else:
            ids.append(match["id"])
            peppers.append(bytes.fromhex(match["pepper"].decode()))
        if message:
            problems.append(Problem(where=f"{path}:{number}", message=message, rule=rule))
    if len(data) > _MAX_BYTES:
        message = f"is larger than {_MAX_BYTES} bytes; drop old peppers"
        problems.append(Problem(where=str(path), message=message, rule=Rule.TOO_LARGE))
    if not peppers and not problems:
        # Not filled in: a new pepper would make every issued token unknown.
        message = "the file is empty; restore it from a backup, or remove it where no token was ever issued"
        problems.append(Problem(where=str(path), message=message, rule=Rule.EMPTY))
    if problems:
        raise ConfigurationError(problems)
    return Peppers(current=peppers[0], retired=tuple(peppers[1:]))
