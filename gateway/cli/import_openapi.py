"""`gateway import-openapi`: a route map from descriptions of the API, so that nobody writes one by hand."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.cli.context import ConfigOption, JsonOption, read_settings
from gateway.cli.failures import BAD_USAGE, FAILED, Refused
from gateway.cli.import_summary import as_json, tell
from gateway.cli.output import note, print_json
from gateway.openapi.drafting import ServiceFrom, Wishes
from gateway.openapi.merging import MergeWishes
from gateway.openapi.needs import Anonymous, Kinds, Reading
from gateway.openapi.operation import Description
from gateway.openapi.scope_list import KINDS, ScopeList, read_scope_list
from gateway.openapi.sources import SourceError
from gateway.openapi.target import TargetError, read_if_there, write
from gateway.settings.addresses import parse_base_url
from gateway.settings.route_map import NAME
from gateway.settings.suggestion import way_out
from gateway.settings.template import parse_key
from gateway.settings.units import parse_size
from gateway.settings.yaml_document import read_bytes

_FROM: Final = "From what"
_HOW: Final = "How it is read"
_TO: Final = "To where"


def import_openapi(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="FILE|URL…", help="OpenAPI 3.0 or 3.1, JSON or YAML; - is standard input."),
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
    config: ConfigOption = None,
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
        raise Refused(
            "--prune, --take-described and --part say how to merge; name the map with --merge",
            status=BAD_USAGE,
        )
    before = _before(output, merge, force)
    old = None if merge is None else OldText(path=merge, data=before[merge.resolve()] or b"")
    limits = Limits(max_bytes=_size(max_size), folder=refs_in)
    scope_list = _scope_list(scopes_from)
    upstreams = _upstreams(upstream or ())
    prefix = _prefix(prefix)
    kinds = _kinds(account_from or ())
    descriptions = []
    try:
        for source in sources:
            if source == "-":
                data = sys.stdin.buffer.read(limits.max_bytes + 1)
                if len(data) > limits.max_bytes:
                    raise Refused(
                        f"standard input holds more than {limits.max_bytes} bytes; raise --max-size",
                        status=BAD_USAGE,
                    )
                descriptions.append(describe_text("standard input", data, limits, versions=versions))
            else:
                descriptions.append(describe(source, limits, versions=versions))
    except SourceError as error:
        raise Refused(str(error)) from None
    _refuse_unknown("--scheme", scheme or (), descriptions)
    _refuse_unknown("--account-from", kinds, descriptions)
    imported = make_map(
        descriptions,
        Wishes(
            reading=Reading(schemes=frozenset(scheme or ()), kinds=kinds, anonymous=anonymous),
            scope_list=scope_list,
            service_from=service_from,
            upstreams=upstreams,
            prefix=prefix,
            versions=versions,
        ),
        target=output or Path("(standard output)"),
        old=old,
        merge_wishes=MergeWishes(
            prune=prune, take_described=take_described, part=part, own_upstreams=bool(upstreams)
        ),
    )
    changed = True
    if output is not None:
        try:
            changed = write(output, imported.data, before=before[output.resolve()])
        except TargetError as error:
            raise Refused(str(error)) from None
    seconds = time.monotonic() - began
    if as_data:
        print_json(as_json(descriptions, imported, output, changed=changed, seconds=seconds))
    else:
        if output is None:
            sys.stdout.buffer.write(imported.data)
            sys.stdout.buffer.flush()
        tell(
            descriptions,
            imported,
            output,
            changed=changed,
            seconds=seconds,
            say=note if output is None else print,
        )
    denied, left_out = len(imported.denied), len(imported.drafted.left_out)
    if strict and (denied or left_out):
        note(f"--strict: {denied} operations are denied and {left_out} left out")
        raise typer.Exit(FAILED)


def _before(output: Path | None, merge: Path | None, force: bool) -> dict[Path, bytes | None]:
    """What is in the files now: read once, so that a change while we work is noticed. Raises Refused."""
    found: dict[Path, bytes | None] = {}
    try:
        for path in (merge, output):
            if path is not None and path.resolve() not in found:
                found[path.resolve()] = read_if_there(path)
    except TargetError as error:
        raise Refused(str(error)) from None
    if merge is not None and found[merge.resolve()] is None:
        raise Refused(f"--merge: {merge} is not there; leave it out for a first import", status=BAD_USAGE)
    if output is None or found[output.resolve()] is None or force:
        return found
    if merge is None or merge.resolve() != output.resolve():
        raise Refused(
            f"{output} is there already; --merge {output} keeps what people edited, --force writes over it",
            status=BAD_USAGE,
        )
    return found


def _scope_list(path: Path | None) -> ScopeList | None:
    return None if path is None else read_scope_list(path, read_bytes(path))


def _pairs(option: str, given: Iterable[str], form: str) -> Iterable[tuple[str, str]]:
    for text in given:
        name, equals, value = text.partition("=") if option == "--upstream" else text.rpartition("=")
        if not (name and equals and value):
            raise Refused(f"{option}: {text!r} is not {form}", status=BAD_USAGE)
        yield name, value


def _kinds(given: Iterable[str]) -> dict[str, Kinds]:
    found: dict[str, Kinds] = {}
    for name, value in _pairs("--account-from", given, "SCHEME=KIND"):
        if value not in KINDS:
            raise Refused(
                f"--account-from: {value!r} is no kind of account; {way_out(value, KINDS)}", status=BAD_USAGE
            )
        if found.setdefault(name, KINDS[value]) != KINDS[value]:
            raise Refused(
                f"--account-from: {name} is given two kinds; write {name}=any for both", status=BAD_USAGE
            )
    return found


def _upstreams(given: Iterable[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in _pairs("--upstream", given, "NAME=URL"):
        if NAME.fullmatch(name) is None:
            raise Refused(
                f"--upstream: {name!r} is no name; write letters, digits, dots, hyphens", status=BAD_USAGE
            )
        try:
            url = parse_base_url(value)
        except ValueError as error:
            raise Refused(f"--upstream {name}: {error}", status=BAD_USAGE) from None
        found[name] = tuple(dict.fromkeys((*found.get(name, ()), url)))
    return found


def _prefix(given: str | None) -> str | None:
    if given is None:
        return None
    plain = given.rstrip("/")
    if not plain:
        return ""
    try:
        parse_key(f"GET {plain}")
    except ValueError as error:
        raise Refused(f"--prefix: {error}", status=BAD_USAGE) from None
    return plain


def _size(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as error:
        raise Refused(f"--max-size: {error}", status=BAD_USAGE) from None


def _refuse_unknown(option: str, given: Iterable[str], descriptions: Sequence[Description]) -> None:
    """A mistyped scheme would leave every operation without a scope, or without its kind of account."""
    known = {scheme for description in descriptions for scheme in description.schemes}
    known |= {
        scheme
        for description in descriptions
        for operation in description.operations
        for requirement in operation.security or ()
        for scheme in requirement
    }
    for scheme in given:
        if scheme not in known:
            raise Refused(
                f"{option}: no description has a scheme {scheme!r}; {way_out(scheme, known)}",
                status=BAD_USAGE,
            )
