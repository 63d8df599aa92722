"""One entry under `routes`: `METHOD /path` and what it needs, in the short forms and the long one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.core.model import Access, AccountKind, Route
from gateway.core.rules import Rule
from gateway.settings.route_needs import NEEDS, long_needs, read_account, read_versions, short_needs
from gateway.settings.route_shadow import with_shadow
from gateway.settings.template import parse_key
from gateway.settings.units import parse_duration, parse_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.settings.map_reading import MapReading
    from gateway.settings.yaml_document import KeyPath, Value

ROUTE_KEYS: Final = frozenset({*NEEDS, "versions", "account", "shadow", "body_limit", "timeout", "websocket"})


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
        entry = reading.mapping(path, value, "{scope: contacts.readonly}", ROUTE_KEYS)
        access, scopes = long_needs(reading, path, entry)
    else:
        entry = {}
        access, scopes = short_needs(reading, path, value)
    _refuse_senseless(reading, path, entry, access)
    if "account" in entry:
        account = read_account(reading, (*path, "account"), entry["account"])
    route = Route(
        method=method,
        template=template,
        service=service,
        upstream=upstream,
        access=access,
        scopes=scopes,
        # On a public route nobody is asked who they are, on a denied one it is all the same, whatever the service says.
        account=None if access in {Access.PUBLIC, Access.DENY} else account,
        versions=read_versions(reading, path, entry),
        body_limit=_body_limit(reading, path, entry),
        timeout_seconds=_timeout_seconds(reading, path, entry),
        websocket=_websocket(reading, path, entry, method),
        where=reading.document.where(path),
    )
    if "shadow" in entry and access not in {Access.PUBLIC, Access.DENY}:
        route = with_shadow(reading, (*path, "shadow"), entry["shadow"], route)
    return route if len(reading.problems) == before else None


def _refuse_senseless(reading: MapReading, path: KeyPath, entry: Mapping[str, Value], access: Access) -> None:
    """Keys that mean nothing beside this access."""
    if access is Access.PUBLIC:
        if "account" in entry:
            message = "a public route has no caller to be of a kind; remove account"
            reading.problem((*path, "account"), message, Rule.CONFLICT)
        if "shadow" in entry:
            message = "a public route has no caller to judge; remove shadow"
            reading.problem((*path, "shadow"), message, Rule.CONFLICT)
    elif access is Access.DENY:
        for key in entry:
            if key == "shadow":
                message = (
                    "a denied route refuses everyone; remove shadow, or to try a denial keep the route's needs and "
                    "write shadow: {access: deny}"
                )
                reading.problem((*path, key), message, Rule.CONFLICT)
            elif key != "access":
                message = f"a denied route refuses everyone; remove {key}"
                reading.problem((*path, key), message, Rule.CONFLICT)


def _key(reading: MapReading, path: KeyPath) -> tuple[str, str]:
    try:
        return parse_key(str(path[-1]))
    except ValueError as error:
        reading.problem(path, str(error), Rule.ROUTE_KEY)
        return "", ""


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
        reading.problem((*path, "websocket"), message, Rule.CONFLICT)
    return websocket
