"""Settings and route map, read together from their files: what a node runs on, or everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from gateway.core.model import Problem, RouteMap
from gateway.settings.errors import ConfigurationError
from gateway.settings.load import load_settings
from gateway.settings.model import Settings
from gateway.settings.yaml_document import read_bytes
from gateway.wiring.certificates import certificate_files, contents
from gateway.wiring.routes import judged

# What tells whether a file changed since it was looked at: which file it is, how long, and when it was written.
Signature: TypeAlias = tuple[str, int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What a node runs on. `map_text` None: the map was made in memory, and there is nothing to keep of it.

    `certificates` tells the contents of the certificate and key files apart, whose names may stay.
    """

    settings: Settings
    route_map: RouteMap
    warnings: tuple[Problem, ...] = ()
    map_text: str | None = None
    source: str = ""
    certificates: str = ""


class ConfigurationFiles:
    """The files that a configuration is read from, again and again.

    `map_path` finds the route map of some settings; `adapt` may be set, and is done to each map that is read.
    """

    def __init__(
        self,
        settings_file: Path | None,
        environ: Mapping[str, str],
        *,
        map_path: Callable[[Settings], Path] = lambda settings: settings.routes,
    ) -> None:
        self._settings_file = settings_file
        self._environ = dict(environ)
        self._map_path = map_path
        self.adapt: Callable[[RouteMap], RouteMap] = lambda route_map: route_map
        # The last settings that could be read: where the map is, also while the settings are wrong.
        self._settings: Settings | None = None
        self._seen: tuple[Signature, ...] = ()

    def __repr__(self) -> str:
        return f"ConfigurationFiles({', '.join(str(path) for path in self.paths())})"

    def begin_with(self, settings: Settings) -> None:
        """What was read elsewhere tells where the files are; whether they say the same is found at the next look."""
        self._settings = settings

    def read(self) -> Configuration:
        """The configuration as the files are now. Raises ConfigurationError with the problems of all of them."""
        problems: list[Problem] = []
        own = self._settings_paths()
        # Looked at before it is read: what is written meanwhile is a change.
        seen = [_signature(path) for path in own]
        try:
            settings = self._settings = load_settings(self._settings_file, self._environ)
        except ConfigurationError as error:
            problems += error.problems
            if self._settings is None:
                raise
            settings = self._settings
        finally:
            self._seen = (*seen, *(_signature(path) for path in self.paths()[len(own) :]))
        path = self._map_path(settings)
        try:
            data = read_bytes(path)
            route_map, warnings = judged(path, data)
        except ConfigurationError as error:
            raise ConfigurationError([*problems, *error.problems]) from None
        if problems:
            raise ConfigurationError(problems)
        return Configuration(
            settings=settings,
            route_map=self.adapt(route_map),
            warnings=tuple(warnings),
            map_text=data.decode("utf-8"),
            source=str(path),
            certificates=contents(certificate_files(settings)),
        )

    def _settings_paths(self) -> list[Path]:
        return [] if self._settings_file is None else [self._settings_file.absolute()]

    def paths(self) -> tuple[Path, ...]:
        """The files to be watched, as they were named last."""
        found = self._settings_paths()
        if self._settings is not None:
            found += [self._map_path(self._settings), *certificate_files(self._settings)]
        return tuple(found)

    def changed(self) -> bool:
        """Whether a file was written, replaced, made or removed since the last reading began."""
        return tuple(_signature(path) for path in self.paths()) != self._seen


def _signature(path: Path) -> Signature:
    try:
        found = path.stat()  # follows links: a swapped link is another file
    except OSError:
        return str(path), 0, 0, 0, 0
    return str(path), found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
