"""What a route only tries: needs that are judged and counted beside the enforced ones, and refuse nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.core.model import Access, Route
from gateway.core.rules import Rule
from gateway.settings.route_needs import NEEDS, long_needs, read_account, read_versions
from gateway.settings.scalar import shown

if TYPE_CHECKING:
    from gateway.settings.map_reading import MapReading
    from gateway.settings.yaml_document import KeyPath, Value

SHADOW_KEYS: Final = frozenset({*NEEDS, "versions", "account"})


def with_shadow(reading: MapReading, path: KeyPath, value: Value, route: Route) -> Route:
    """The route with its shadow: `true` tries all that the route needs, a mapping what is to be added to that."""
    if value is True:
        if route.access is Access.AUTHENTICATED and route.account is None and not route.versions:
            message = (
                "the route needs nothing that could be tried; write what is, such as {scope: contacts.write}"
            )
            reading.problem(path, message)
        tried = replace(route, where=reading.document.where(path))
        return replace(route, access=Access.AUTHENTICATED, scopes=(), account=None, versions=(), shadow=tried)
    if value is False:
        return route
    if not isinstance(value, dict):
        message = (
            f"shadow is {shown(value)}; write true, or what is to be tried, such as {{scope: contacts.write}}"
        )
        reading.problem(path, message)
        return route
    return replace(route, shadow=_added(reading, path, value, route))


def _added(reading: MapReading, path: KeyPath, value: Value, route: Route) -> Route:
    entry = reading.mapping(path, value, "{scope: contacts.write}", SHADOW_KEYS)
    if not entry:
        reading.problem(path, "shadow says nothing that could be tried; write what is, or remove it")
    tried = replace(
        route,
        access=Access.AUTHENTICATED,
        scopes=(),
        versions=read_versions(reading, path, entry),
        where=reading.document.where(path),
    )
    if not entry.keys().isdisjoint(NEEDS):
        access, scopes = long_needs(reading, path, entry)
        tried = replace(tried, access=access, scopes=scopes)
        if access in {Access.PUBLIC, Access.AUTHENTICATED}:
            message = f"{access.value} refuses nobody who is let in now; write deny, or a scope"
            reading.problem((*path, "access"), message)
    if "account" in entry:
        tried = replace(tried, account=read_account(reading, (*path, "account"), entry["account"]))
        if entry["account"] == "any":
            reading.problem((*path, "account"), "any refuses nobody; write agency or sub_account")
        elif route.account is not None and tried.account is not None:
            whom = "nobody" if tried.account is route.account else "everyone"
            message = f"the route is for {route.account.value} alone, so this refuses {whom}; remove account"
            reading.problem((*path, "account"), message, Rule.CONFLICT)
    if tried.access is Access.DENY:
        tried = replace(tried, account=None)
        for key in sorted(entry.keys() - {"access"}):
            reading.problem((*path, key), f"a denied route refuses everyone; remove {key}", Rule.CONFLICT)
    return tried
