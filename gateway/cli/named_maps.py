"""Route maps by the names that a command takes: a file, `live`, or the beginning of a version in the history."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from gateway.cli.context import map_path
from gateway.cli.desk import Desk
from gateway.cli.output import note
from gateway.core.model import RouteMap
from gateway.settings.model import Settings
from gateway.wiring.routes import publishable
from gateway.wiring.store import is_there

_LIVE: Final = "live"
_VERSION: Final = re.compile(r"[0-9a-f]{6,64}")


def needs_database(name: str, settings: Settings) -> bool:
    """Whether this name is looked up in a database, and there is one."""
    return (name == _LIVE and is_there(settings)) or _is_version(name)


def read_here(name: str, settings: Settings, config: Path | None) -> RouteMap:
    """The map of that name, without a database. Raises ConfigurationError."""
    if name != _LIVE:
        return publishable(Path(name))[0]
    path = map_path(settings, config)
    note(f"no gateway runs on these settings: `live` is {path}")
    return publishable(path)[0]


async def read_named(name: str, desk: Desk, settings: Settings, config: Path | None) -> RouteMap:
    """The map of that name. Raises ConfigurationError, and Refusal where the history does not have it."""
    changes = desk.management.map_changes
    if _is_version(name):
        return await changes.published(desk.by, name)
    version = await changes.served_by_nodes(desk.by) if name == _LIVE else None
    return read_here(name, settings, config) if version is None else await changes.published(desk.by, version)


def _is_version(name: str) -> bool:
    # A file of that name is meant as a file.
    return _VERSION.fullmatch(name) is not None and not Path(name).exists()
