"""The options of an import, read into what it takes: what cannot be meant is bad usage, told by its option."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from gateway.cli.failures import BAD_USAGE, Refused
from gateway.openapi.needs import Kinds
from gateway.openapi.operation import Description
from gateway.openapi.scope_list import KINDS, ScopeList, read_scope_list
from gateway.settings.addresses import parse_base_url
from gateway.settings.route_map import NAME
from gateway.settings.suggestion import way_out
from gateway.settings.template import parse_key
from gateway.settings.units import parse_size
from gateway.settings.yaml_document import read_bytes


def scope_list_of(path: Path | None) -> ScopeList | None:
    """The list of scopes in a file. Raises ConfigurationError."""
    return None if path is None else read_scope_list(path, read_bytes(path))


def _pairs(option: str, given: Iterable[str], form: str) -> Iterable[tuple[str, str]]:
    for text in given:
        name, equals, value = text.partition("=") if option == "--upstream" else text.rpartition("=")
        if not (name and equals and value):
            raise Refused(f"{option}: {text!r} is not {form}", status=BAD_USAGE)
        yield name, value


def kinds_of(given: Iterable[str]) -> dict[str, Kinds]:
    """The kinds of account that schemes stand for."""
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


def upstreams_of(given: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Upstreams with their addresses; a name that is given again has one more."""
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


def prefix_of(given: str | None) -> str | None:
    """What stands before every path; None: nobody said."""
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


def size_of(text: str) -> int:
    """Bytes."""
    try:
        return parse_size(text)
    except ValueError as error:
        raise Refused(f"--max-size: {error}", status=BAD_USAGE) from None


def refuse_unknown(option: str, given: Iterable[str], descriptions: Sequence[Description]) -> None:
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
