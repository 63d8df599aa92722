"""What a route asks of a caller, from its entry: who may call it, which kind of account, which versions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateway.core.model import Access, AccountKind
from gateway.core.rules import Rule
from gateway.settings.scalar import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.settings.map_reading import MapReading
    from gateway.settings.yaml_document import KeyPath, Value

KINDS: Final[Mapping[str, AccountKind | None]] = {**{str(kind): kind for kind in AccountKind}, "any": None}
RESERVED_WORDS: Final = {str(access): access for access in (Access.PUBLIC, Access.AUTHENTICATED, Access.DENY)}
NEEDS: Final = ("scope", "all_of", "any_of", "access")
# Scopes travel blank-separated in one header field, and inside a quoted string (RFC 6750 section 3).
SCOPE: Final = re.compile(r"[!#-+\--\[\]-~]{1,128}")
VERSION: Final = re.compile(r"[!-+\--~]{1,128}")

Needs = tuple[Access, tuple[str, ...]]
# What stands in for needs that could not be read: that route is left out, because there is a problem.
UNREAD: Final[Needs] = (Access.ALL_OF, ())


def read_account(reading: MapReading, path: KeyPath, value: Value) -> AccountKind | None:
    """The kind of account that may call; None for either."""
    if not isinstance(value, str) or value not in KINDS:
        reading.problem(path, f"account is {shown(value)}; write {', '.join(KINDS)}")
        return None
    return KINDS[value]


def scope_problem(value: Value) -> str | None:
    """Why a value cannot be a scope, and the way out; None when it can."""
    if not isinstance(value, str):
        return f"{shown(value)} is not a scope; write text, in quotes where it looks like something else"
    if value in RESERVED_WORDS:
        return f"{value} is no scope but a word of the route map; write `access: {value}`"
    if SCOPE.fullmatch(value) is None:
        return (
            f"{shown(value)} is not a scope; "
            "write 1 to 128 visible ASCII characters without blank, comma, quote or backslash"
        )
    return None


def short_needs(reading: MapReading, path: KeyPath, value: Value) -> Needs:
    """The needs of the short forms: one scope, a list of them, or a word of the map."""
    if isinstance(value, str) and value in RESERVED_WORDS:
        return RESERVED_WORDS[value], ()
    if isinstance(value, list):
        return Access.ALL_OF, _scopes(reading, path, value)
    if value is None:
        message = "the route does not say who may call it; write a scope, authenticated or public"
        reading.problem(path, message, Rule.MISSING_KEY)
        return UNREAD
    return Access.ALL_OF, _scope(reading, path, value)


def long_needs(reading: MapReading, path: KeyPath, entry: Mapping[str, Value]) -> Needs:
    """The needs of the long form: exactly one of `NEEDS`."""
    given = [need for need in NEEDS if need in entry]
    if not given:
        message = "the route does not say who may call it; write one of scope, all_of, any_of, access"
        reading.missing(path, message, *NEEDS)
        return UNREAD
    if len(given) > 1:
        message = f"{' and '.join(given)} exclude each other; keep one"
        reading.problem((*path, given[1]), message, Rule.CONFLICT)
    need = given[0]
    value, inside = entry[need], (*path, need)
    if need == "access":
        if not isinstance(value, str) or value not in RESERVED_WORDS:
            reading.problem(inside, f"access is {shown(value)}; write {', '.join(RESERVED_WORDS)}")
            return UNREAD
        return RESERVED_WORDS[value], ()
    if need == "scope":
        if isinstance(value, list):
            reading.problem(inside, "scope takes one scope; write all_of or any_of for a list")
            return UNREAD
        return Access.ALL_OF, _scope(reading, inside, value)
    return Access(need), _scopes(reading, inside, value)


def _scope(reading: MapReading, path: KeyPath, value: Value) -> tuple[str, ...]:
    problem = scope_problem(value)
    if problem is not None:
        reading.problem(path, problem)
    return (str(value),)


def _scopes(reading: MapReading, path: KeyPath, value: Value) -> tuple[str, ...]:
    if value == []:
        # Many API descriptions mean "open" by it, and as many mean "not written down".
        reading.problem(
            path, "an empty scope list is not open; write authenticated or public, or name a scope"
        )
        return ()
    scopes: list[str] = []
    for index, item in enumerate(reading.items(path, value, "[contacts.readonly, locations.readonly]")):
        (scope,) = _scope(reading, (*path, index), item)
        if scope in scopes:
            message = f"scope {shown(scope)} is listed twice; keep one"
            reading.problem((*path, index), message, Rule.DUPLICATE_VALUE)
        scopes.append(scope)
    return tuple(scopes)


def read_versions(reading: MapReading, path: KeyPath, entry: Mapping[str, Value]) -> tuple[str, ...]:
    """The versions of which the `Version` header must name one; none: it is not looked at."""
    if "versions" not in entry:
        return ()
    inside = (*path, "versions")
    versions: list[str] = []
    for index, item in enumerate(reading.items(inside, entry["versions"], "[2021-07-28]")):
        if not isinstance(item, str):
            message = (
                f"version {shown(item)} is not text; put it in quotes, so that it is compared as written"
            )
            reading.problem((*inside, index), message)
        elif VERSION.fullmatch(item) is None:
            message = (
                f"version {shown(item)} cannot stand in a header; write visible ASCII without blank or comma"
            )
            reading.problem((*inside, index), message)
        elif item in versions:
            message = f"version {shown(item)} is listed twice; keep one"
            reading.problem((*inside, index), message, Rule.DUPLICATE_VALUE)
        else:
            versions.append(item)
    return tuple(versions)
