"""`gateway import-openapi`: a route map from descriptions of the API, so that nobody writes one by hand."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.cli.context import JsonOption, read_settings
from gateway.cli.failures import BAD_USAGE, FAILED, Refused
from gateway.cli.import_files import Files
from gateway.cli.import_options import (
    kinds_of,
    prefix_of,
    refuse_unknown,
    scope_list_of,
    size_of,
    upstreams_of,
)
from gateway.cli.import_summary import Told
from gateway.cli.output import note, print_json
from gateway.openapi.drafting import ServiceFrom, Wishes
from gateway.openapi.merging import MergeWishes
from gateway.openapi.needs import Anonymous, Reading
from gateway.openapi.scope_list import blank_scope_list
from gateway.openapi.sources import SourceError

_NO_FILE: Final = Path("(standard output)")


def import_openapi(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="FILE|URL", help="OpenAPI 3.0 or 3.1, JSON or YAML; - is standard input."),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where the map goes. Without it: to standard output."),
    ] = None,
    merge: Annotated[
        Path | None,
        typer.Option(help="The map to merge into: what people edited stays, what came and went is marked."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over the file of -o, whatever is in it.")
    ] = False,
    scheme: Annotated[
        list[str] | None,
        typer.Option(help="A security scheme that counts; the others are not looked at. Default: all."),
    ] = None,
    account_from: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SCHEME=KIND", help="The kind of account a scheme stands for: sub_account, agency or any."
        ),
    ] = None,
    scopes_from: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV", help="method,path,scope[,account] for operations whose description has no scope."
        ),
    ] = None,
    missing_to: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV", help="Where to list what has no scope, to be filled in for --scopes-from."
        ),
    ] = None,
    anonymous: Annotated[
        Anonymous, typer.Option(help="What an operation becomes that the description opens to anyone.")
    ] = Anonymous.DENY,
    versions: Annotated[
        bool,
        typer.Option(
            "--versions/--no-versions", help="Ask for the Version header where it is described as required."
        ),
    ] = True,
    service_from: Annotated[
        ServiceFrom, typer.Option(help="What services are named after.")
    ] = ServiceFrom.TAG,
    upstream: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=URL",
            help="Who serves; several: each the service of its name. Default: the description's servers.",
        ),
    ] = None,
    prefix: Annotated[
        str | None,
        typer.Option(
            metavar="PATH", help="Before every path, in place of what the servers say; / for nothing."
        ),
    ] = None,
    prune: Annotated[bool, typer.Option("--prune", help="With --merge: take out what went.")] = False,
    take_described: Annotated[
        bool,
        typer.Option(
            "--take-described", help="With --merge: where an entry differs, the description is right."
        ),
    ] = False,
    part: Annotated[
        bool,
        typer.Option("--part", help="With --merge: leave services alone that the descriptions do not name."),
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit status 1 when an operation was denied or left out.")
    ] = False,
    refs_in: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Where files of $refs may be. Default: the description's folder."
        ),
    ] = None,
    max_size: Annotated[str, typer.Option(help="The largest description that is read.")] = "64MiB",
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="The settings file; without --merge its map is merged into."),
    ] = None,
    as_data: JsonOption = False,
) -> None:
    """Make a route map from OpenAPI descriptions. An operation without a scope is denied, never open."""
    began = time.monotonic()
    # The models of the library take a quarter of a second to build: only for who needs them.
    from gateway.openapi.importing import Limits, OldText, describe, describe_text, make_map  # noqa: PLC0415

    if config is not None and merge is None:
        named = read_settings(config).routes
        merge = named if named.exists() else None
    if merge is None and (prune or take_described or part):
        options = "--prune, --take-described and --part"
        raise Refused(f"{options} say how to merge; name the map with --merge", status=BAD_USAGE)
    files = Files.look(output=output, merge=merge, missing=missing_to, force=force)
    kinds, upstreams = kinds_of(account_from or ()), upstreams_of(upstream or ())
    wishes = Wishes(
        reading=Reading(schemes=frozenset(scheme or ()), kinds=kinds, anonymous=anonymous),
        scope_list=scope_list_of(scopes_from),
        service_from=service_from,
        upstreams=upstreams,
        prefix=prefix_of(prefix),
        versions=versions,
    )
    merge_wishes = MergeWishes(
        prune=prune, take_described=take_described, part=part, own_upstreams=bool(upstreams)
    )
    limits = Limits(max_bytes=size_of(max_size), folder=refs_in)
    try:
        descriptions = [
            describe_text("standard input", _standard_input(limits.max_bytes), limits, versions=versions)
            if source == "-"
            else describe(source, limits, versions=versions)
            for source in sources
        ]
    except SourceError as error:
        raise Refused(str(error)) from None
    refuse_unknown("--scheme", scheme or (), descriptions)
    refuse_unknown("--account-from", kinds, descriptions)
    old = None if merge is None or files.old is None else OldText(path=merge, data=files.old)
    imported = make_map(descriptions, wishes, target=output or _NO_FILE, old=old, merge_wishes=merge_wishes)
    changed = files.write(imported.data, blank_scope_list(imported.denied) if imported.denied else None)
    told = Told(descriptions, imported, output, changed, time.monotonic() - began)
    if as_data:
        print_json(told.as_json())
    else:
        if output is None:
            sys.stdout.buffer.write(imported.data)
            sys.stdout.buffer.flush()
        told.tell(note if output is None else print)
    denied, left_out = len(imported.denied), len(imported.drafted.left_out)
    if strict and (denied or left_out):
        note(f"--strict: {denied} operations are denied and {left_out} left out")
        raise typer.Exit(FAILED)


def _standard_input(max_bytes: int) -> bytes:
    data = sys.stdin.buffer.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise Refused(f"standard input holds more than {max_bytes} bytes; raise --max-size", status=BAD_USAGE)
    return data
