"""What most commands begin with: the settings, the peppers, an open database."""

from __future__ import annotations

import asyncio
import getpass
import os
import secrets
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from gateway.core.model import RouteMap
from gateway.core.tokens import Digester
from gateway.settings.load import load_settings
from gateway.settings.model import Settings
from gateway.settings.pepper import load_peppers
from gateway.storage.audit import Actor, ActorKind
from gateway.storage.database import Database
from gateway.wiring.logs import configure
from gateway.wiring.routes import publishable, shipped_map
from gateway.wiring.store import database_address, opened

T = TypeVar("T")

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The settings file. Without it: the defaults, in this folder."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
RoutesOption = Annotated[
    Path | None, typer.Option("--routes", help="A route map, in place of the settings' own.")
]


def read_settings(config: Path | None) -> Settings:
    """The settings of a command. Raises ConfigurationError."""
    settings = load_settings(config, os.environ)
    configure(settings.log)
    return settings


def map_path(settings: Settings, config: Path | None) -> Path:
    """The route map: the one the settings name, or the shipped one where nothing was set up."""
    if config is None and not settings.routes.exists():
        return shipped_map()
    return settings.routes


def read_map(settings: Settings, config: Path | None, routes: Path | None = None) -> RouteMap:
    """The route map of a command, which `routes` may name. Raises ConfigurationError."""
    return publishable(routes or map_path(settings, config))[0]


def read_digester(settings: Settings) -> Digester:
    """The digests under the peppers of these settings. Raises ConfigurationError."""
    peppers = load_peppers(settings.pepper_file, entropy=secrets.token_bytes)
    return Digester(peppers.current, peppers.retired)


def with_database(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    """Run `work` on the database: the named one, that of a gateway running here, or an embedded one for a moment."""

    async def run(dsn: str) -> T:
        async with opened(dsn, pool_size=2) as database:
            return await work(database)

    def quiet(line: str) -> None:
        if settings.log.level.value == "debug":
            print(line, file=sys.stderr)

    with database_address(settings, join=True, log=quiet) as dsn:
        return asyncio.run(run(dsn))


def operator() -> Actor:
    """Who acts when a command changes something: the person at this terminal."""
    try:
        name = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid())
    return Actor(kind=ActorKind.OPERATOR, id=name, name=name)
