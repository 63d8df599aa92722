"""`gateway map`: the maps that were in use, and going back to one of them."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from gateway.admin.management.map_views import MapHistory, MapText
from gateway.cli.context import ConfigOption, JsonOption, map_path, read_settings
from gateway.cli.desk import Desk, manage, wait_seconds
from gateway.cli.failures import BAD_USAGE, Refused
from gateway.cli.output import as_data, counted, note, print_json, print_table
from gateway.settings.errors import ConfigurationError
from gateway.storage.maps import MapCounts, Publication, publish
from gateway.storage.mutation import mutation
from gateway.wiring.map_file import MapFile, MapFileChanged, version_of
from gateway.wiring.reload import counts
from gateway.wiring.routes import judged, shipped_map

app = typer.Typer(help="The route maps that were in use.", no_args_is_help=True)

VersionArgument = Annotated[
    str,
    typer.Argument(metavar="VERSION", help="The map's version, or its beginning: six characters or more."),
]
_SHORT: Final = 12
_POLL_SECONDS: Final = 0.1


@app.command()
def history(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the last maps that were taken into use, newest first; * marks the one in this machine's file."""

    async def work(desk: Desk) -> MapHistory:
        return await desk.management.maps.history(desk.by)

    found = manage(config, work)
    if as_json:
        print_json(as_data(found))
        return
    here = _version_in(map_path(read_settings(config), config))
    print_table(
        ("VERSION", "", "PUBLISHED", "BY", "NODE", "ROUTES", "SOURCE", "NOTE"),
        (
            (
                item.version[:_SHORT],
                "*" if item.version == here else "",
                item.published_at,
                item.published_by.name,
                item.node,
                item.routes,
                item.source,
                item.note,
            )
            for item in found.items
        ),
    )
    note(counted(len(found.items), "map"))


@app.command()
def show(version: VersionArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Print a map that was in use, byte for byte as its file was."""
    found = _kept(version, config)
    if as_json:
        print_json(as_data(found))
        return
    sys.stdout.buffer.write(found.text.encode())
    sys.stdout.buffer.flush()


@app.command()
def rollback(
    version: VersionArgument,
    if_version: Annotated[
        str | None,
        typer.Option(help="Only while the file holds this version: so that nobody's newer map is lost."),
    ] = None,
    wait: Annotated[
        str | None, typer.Option(help="Wait until every live node serves it, at most this long, such as 5s.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a map that was in use back to this machine's file, where its nodes pick it up. The present one is kept."""
    seconds = wait_seconds(wait)
    settings = read_settings(config)
    path = map_path(settings, config)
    if path == shipped_map():
        raise Refused(
            "the map in use here is the one that comes with the gateway; name one of yours in `routes`",
            status=BAD_USAGE,
        )
    given = if_version

    async def work(desk: Desk) -> _Done:
        kept = await desk.management.maps.show(desk.by, _checked(version))
        done = await _write_back(desk, kept, path, given)
        served = await _served(desk, kept.version, seconds) if seconds is not None else None
        return _Done(before=done, kept=kept, served=served)

    done = manage(config, work)
    if as_json:
        print_json(
            {"version": done.kept.version, "before": done.before, "path": str(path), **(done.served or {})}
        )
        return
    if done.before == done.kept.version:
        note(f"{path} holds {done.kept.version[:_SHORT]} already")
    else:
        before = "nothing" if done.before is None else done.before[:_SHORT]
        note(
            f"{path} went from {before} to {done.kept.version[:_SHORT]}, {counted(done.kept.routes or 0, 'route')}"
        )
    if done.served is not None:
        waiting = done.served["waiting_for"]
        told = f"; NOT by {', '.join(waiting)}, which may read a file of another machine" if waiting else ""
        note(f"served by {counted(len(done.served['served_by']), 'node')}{told}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    before: str | None
    kept: MapText
    served: dict[str, list[str]] | None


def _kept(version: str, config: Path | None) -> MapText:
    async def work(desk: Desk) -> MapText:
        return await desk.management.maps.show(desk.by, _checked(version))

    return manage(config, work)


def _checked(version: str) -> str:
    if len(version) < 6 or set(version) - set("0123456789abcdef"):
        raise Refused(
            f"{version!r} is no version of a map; `gateway map history` shows those there are",
            status=BAD_USAGE,
        )
    return version


def _version_in(path: Path) -> str | None:
    try:
        present = MapFile(path).read()
    except OSError:
        return None
    return None if present is None else version_of(present)


async def _write_back(desk: Desk, kept: MapText, path: Path, if_version: str | None) -> str | None:
    """Replace the file's content; the version that was in it."""
    text = kept.text.encode()
    try:
        new = counts(judged(path, text)[0])
    except ConfigurationError as error:
        raise Refused(f"this version of the gateway does not take that map: {error.problems[0]}") from error
    file = MapFile(path)
    try:
        present = file.read()
        before = None if present is None else version_of(present)
        if if_version is not None and not (before or "").startswith(_checked(if_version)):
            raise Refused(f"{path} holds {before or 'no map'}, not {if_version}; nothing was changed")
        if before == kept.version:
            return before
        host = f"a command on {socket.gethostname()}"
        async with mutation(desk.database, actor=desk.by.actor) as change:
            # The nodes that read the file at once write after this: the change is told with its author's name.
            if present is not None:
                await publish(change, _found(present, path, host))
            await publish(change, _publication(kept, path, host, new))
            await asyncio.to_thread(file.replace, text, over=present)
    except MapFileChanged as error:
        raise Refused(str(error)) from error
    except OSError as error:
        raise Refused(
            f"{path} cannot be replaced: {(error.strerror or str(error)).lower()}; put the map in where it comes from: "
            f"`gateway map show {kept.version[:_SHORT]}` prints it"
        ) from error
    return before


def _publication(kept: MapText, path: Path, host: str, new: MapCounts) -> Publication:
    return Publication(
        version=kept.version,
        text=kept.text,
        node=host,
        source=str(path),
        note=f"back to what was published {kept.published_at:%Y-%m-%d %H:%M:%S}",
        counts=new,
    )


def _found(present: bytes, path: Path, host: str) -> Publication:
    """What was in the file, for the history. It may never have been in use, or be no map at all."""
    try:
        text = present.decode()
    except UnicodeDecodeError:
        raise Refused(f"{path} is not UTF-8, and cannot be kept; move it away first") from None
    try:
        found = counts(judged(path, present)[0])
    except ConfigurationError:
        found = None
    return Publication(
        version=version_of(present),
        text=text,
        node=host,
        source=str(path),
        note="found in the file",
        counts=found,
        in_use=False,
    )


async def _served(desk: Desk, version: str, seconds: float) -> dict[str, list[str]]:
    """Which live nodes serve this map, as soon as all do, or when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        nodes = [node for node in (await desk.management.nodes.list(desk.by)).items if node.alive]
        waiting = [node.id for node in nodes if node.map_version != version]
        if not waiting or time.monotonic() >= deadline:
            served = [node.id for node in nodes if node.map_version == version]
            found: dict[str, Any] = {"served_by": served, "waiting_for": waiting}
            return found
        await asyncio.sleep(_POLL_SECONDS)
