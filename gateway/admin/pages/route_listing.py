"""The operations of a route map as operators look them up: by service, and by words of their path, scopes or service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Final, assert_never

from gateway.admin.management.route_words import tried
from gateway.admin.pages.moments import span_words
from gateway.admin.pages.scope_choices import service_name
from gateway.core.model import Access, AccountKind, Route, RouteMap

_KINDS: Final = {AccountKind.AGENCY: "Agencies only", AccountKind.SUB_ACCOUNT: "Sub-accounts only"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation: what it needs in words beside its scopes, and what is special about it. `text` is searched."""

    method: str
    template: str
    scopes: tuple[str, ...]
    joined_by: str
    need: str
    notes: tuple[str, ...]
    where: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A service and its operations."""

    key: str
    name: str
    upstream: str
    operations: tuple[Operation, ...]


def find(route_map: RouteMap, words: str) -> tuple[Served, ...]:
    """The services by name with the operations that have all the words; services without one are left out."""
    wanted = words.lower().split()
    found = []
    for service in _listed(route_map):
        operations = tuple(
            operation for operation in service.operations if all(word in operation.text for word in wanted)
        )
        if operations:
            found.append(
                Served(key=service.key, name=service.name, upstream=service.upstream, operations=operations)
            )
    return tuple(found)


def _listed(route_map: RouteMap) -> tuple[Served, ...]:
    return _by_service(route_map.routes)


@lru_cache(maxsize=2)
def _by_service(routes: tuple[Route, ...]) -> tuple[Served, ...]:
    services: dict[str, list[Route]] = {}
    for route in routes:
        services.setdefault(route.service, []).append(route)
    return tuple(
        Served(
            key=key,
            name=service_name(key),
            upstream=_upstreams(of_service),
            operations=tuple(_operation(route) for route in sorted(of_service, key=_order)),
        )
        for key, of_service in sorted(services.items(), key=lambda item: service_name(item[0]).lower())
    )


def _upstreams(routes: Sequence[Route]) -> str:
    return ", ".join(sorted({route.upstream for route in routes}))


def _order(route: Route) -> tuple[str, str]:
    return route.template, route.method


def _operation(route: Route) -> Operation:
    need, joined_by = need_words(route.access)
    words = [route.method, route.template, *route.scopes, route.service, service_name(route.service), need]
    if route.shadow is not None:
        words += ["shadow", *route.shadow.scopes]
    return Operation(
        method=route.method,
        template=route.template,
        scopes=route.scopes,
        joined_by=joined_by,
        need=need,
        notes=tuple(_notes(route)),
        where=route.where.rpartition("/")[2],
        text=" ".join(words).lower(),
    )


def need_words(access: Access) -> tuple[str, str]:
    """What a route asks of a caller where it names no scope, and the word between the scopes where it does."""
    match access:
        case Access.PUBLIC:
            return "No token", ""
        case Access.AUTHENTICATED:
            return "Any token that works", ""
        case Access.ALL_OF:
            return "", "and"
        case Access.ANY_OF:
            return "", "or"
        case Access.DENY:
            return "Refused to everyone", ""
        case _:
            assert_never(access)


def _notes(route: Route) -> Iterator[str]:
    if route.account is not None:
        yield _KINDS[route.account]
    if route.shadow is not None:
        yield f"Tried, refuses nobody: {tried(route) or 'the same'}"
    if route.versions:
        yield f"Version {' or '.join(route.versions)}"
    if route.websocket:
        yield "WebSocket"
    if route.body_limit is not None:
        yield f"Body up to {size_words(route.body_limit)}"
    if route.timeout_seconds is not None:
        yield f"Answers within {_seconds(route.timeout_seconds)}"


def _seconds(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 60 else span_words(timedelta(seconds=seconds))


def size_words(size: int) -> str:
    """Bytes in the largest unit that leaves a short number."""
    for unit, length in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if size >= length:
            return f"{size / length:g} {unit}"
    return f"{size} bytes"
