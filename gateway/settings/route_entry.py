"""One entry under `routes`: `METHOD /path` and what it needs, in the short forms and the long one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateway.core.model import Access, AccountKind, Route
from gateway.settings.scalar import shown
from gateway.settings.template import parse_key
from gateway.settings.units import parse_duration, parse_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.settings.map_reading import MapReading
    from gateway.settings.yaml_document import KeyPath, Value

_KINDS: Final[Mapping[str, AccountKind | None]] = {**{str(kind): kind for kind in AccountKind}, "any": None}
_RESERVED: Final = {str(access): access for access in (Access.PUBLIC, Access.AUTHENTICATED)}
_NEEDS: Final = ("scope", "all_of", "any_of", "access")
_KEYS: Final = frozenset({*_NEEDS, "versions", "account", "body_limit", "timeout", "websocket"})
# Scopes travel blank-separated in one header field, and inside a quoted string (RFC 6750 section 3).
_SCOPE: Final = re.compile(r"[!#-+\--\[\]-~]{1,128}")
_VERSION: Final = re.compile(r"[!-+\--~]{1,128}")

_Needs = tuple[Access, tuple[str, ...]]
# What stands in for needs that could not be read: that route is left out, because there is a problem.
_UNREAD: Final[_Needs] = (Access.ALL_OF, ())


def read_route(
    reading: MapReading,
    path: KeyPath,
    value: Value,
    *,
    service: str,
    upstream: str,
    account: AccountKind | None,
) -> Route | None:
    """The route at `path`, whose last word is its key; `account` is its service's. None when it has problems."""
    before = len(reading.problems)
    method, template = _key(reading, path)
    if isinstance(value, dict):
        entry = reading.mapping(path, value, "{scope: contacts.readonly}", _KEYS)
        access, scopes = _long_needs(reading, path, entry)
    else:
        entry = {}
        access, scopes = _short_needs(reading, path, value)
    if "account" in entry:
        account = read_account(reading, (*path, "account"), entry["account"])
        if access is Access.PUBLIC:
            reading.problem(
                (*path, "account"), "a public route has no caller to be of a kind; remove account"
            )
    route = Route(
        method=method,
        template=template,
        service=service,
        upstream=upstream,
        access=access,
        scopes=scopes,
        # Nobody is asked who they are on a public route, whatever the service says.
        account=None if access is Access.PUBLIC else account,
        versions=_versions(reading, path, entry),
        body_limit=_body_limit(reading, path, entry),
        timeout_seconds=_timeout_seconds(reading, path, entry),
        websocket=_websocket(reading, path, entry, method),
        where=reading.document.where(path),
    )
    return route if len(reading.problems) == before else None


def read_account(reading: MapReading, path: KeyPath, value: Value) -> AccountKind | None:
    """The kind of account that may call; None for either."""
    if not isinstance(value, str) or value not in _KINDS:
        reading.problem(path, f"account is {shown(value)}; write {', '.join(_KINDS)}")
        return None
    return _KINDS[value]


def scope_problem(value: Value) -> str | None:
    """Why a value cannot be a scope, and the way out; None when it can."""
    if not isinstance(value, str):
        return f"{shown(value)} is not a scope; write text, in quotes where it looks like something else"
    if value in _RESERVED:
        return f"{value} is no scope but a word of the route map; write `access: {value}`"
    if _SCOPE.fullmatch(value) is None:
        return (
            f"{shown(value)} is not a scope; "
            "write 1 to 128 visible ASCII characters without blank, comma, quote or backslash"
        )
    return None


def _key(reading: MapReading, path: KeyPath) -> tuple[str, str]:
    try:
        return parse_key(str(path[-1]))
    except ValueError as error:
        reading.problem(path, str(error))
        return "", ""


def _short_needs(reading: MapReading, path: KeyPath, value: Value) -> _Needs:
    if isinstance(value, str) and value in _RESERVED:
        return _RESERVED[value], ()
    if isinstance(value, list):
        return Access.ALL_OF, _scopes(reading, path, value)
    if value is None:
        message = "the route does not say who may call it; write a scope, authenticated or public"
        reading.problem(path, message)
        return _UNREAD
    return Access.ALL_OF, _scope(reading, path, value)


def _long_needs(reading: MapReading, path: KeyPath, entry: Mapping[str, Value]) -> _Needs:
    given = [need for need in _NEEDS if need in entry]
    if not given:
        message = "the route does not say who may call it; write one of scope, all_of, any_of, access"
        reading.problem(path, message)
        return _UNREAD
    if len(given) > 1:
        reading.problem((*path, given[1]), f"{' and '.join(given)} exclude each other; keep one")
    need = given[0]
    value, inside = entry[need], (*path, need)
    if need == "access":
        if not isinstance(value, str) or value not in _RESERVED:
            reading.problem(inside, f"access is {shown(value)}; write {' or '.join(_RESERVED)}")
            return _UNREAD
        return _RESERVED[value], ()
    if need == "scope":
        if isinstance(value, list):
            reading.problem(inside, "scope takes one scope; write all_of or any_of for a list")
            return _UNREAD
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
            reading.problem((*path, index), f"scope {shown(scope)} is listed twice; keep one")
        scopes.append(scope)
    return tuple(scopes)


def _versions(reading: MapReading, path: KeyPath, entry: Mapping[str, Value]) -> tuple[str, ...]:
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
        elif _VERSION.fullmatch(item) is None:
            message = (
                f"version {shown(item)} cannot stand in a header; write visible ASCII without blank or comma"
            )
            reading.problem((*inside, index), message)
        elif item in versions:
            reading.problem((*inside, index), f"version {shown(item)} is listed twice; keep one")
        else:
            versions.append(item)
    return tuple(versions)


def _body_limit(reading: MapReading, path: KeyPath, entry: Mapping[str, Value]) -> int | None:
    if "body_limit" not in entry:
        return None
    return reading.parsed((*path, "body_limit"), entry["body_limit"], parse_size)


def _timeout_seconds(reading: MapReading, path: KeyPath, entry: Mapping[str, Value]) -> float | None:
    if "timeout" not in entry:
        return None
    seconds = reading.parsed((*path, "timeout"), entry["timeout"], parse_duration)
    if seconds == 0:
        reading.problem((*path, "timeout"), "timeout is no time at all; write a duration such as 500ms or 5m")
    return seconds


def _websocket(reading: MapReading, path: KeyPath, entry: Mapping[str, Value], method: str) -> bool:
    websocket = "websocket" in entry and reading.flag((*path, "websocket"), entry["websocket"])
    if websocket and method not in {"GET", ""}:
        message = f"a WebSocket is opened by GET, not by {method}; remove websocket, or write a GET route"
        reading.problem((*path, "websocket"), message)
    return websocket
