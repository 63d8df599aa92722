"""What differs between two routes, in a few words for people: how it was, and how it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from gateway.admin.management.route_words import needs, tried
from gateway.core.map_diff import Facet, OperationChange
from gateway.core.model import Route

UNMAPPED: Final = "(unmapped)"


def _account(route: Route) -> str:
    return f"account {route.account.value if route.account else 'any'}"


def _versions(route: Route) -> str:
    return f"version {' or '.join(route.versions) or 'any'}"


def _body_limit(route: Route) -> str:
    return f"body {'default' if route.body_limit is None else f'{route.body_limit} bytes'}"


def _timeout(route: Route) -> str:
    return f"timeout {'default' if route.timeout_seconds is None else f'{route.timeout_seconds:g}s'}"


FACET_WORDS: Final[Mapping[Facet, Callable[[Route], str]]] = {
    Facet.ACCESS: needs,
    Facet.ACCOUNT: _account,
    Facet.VERSIONS: _versions,
    Facet.SHADOW: lambda route: f"shadow {tried(route) or 'none'}",
    Facet.SERVICE: lambda route: f"service {route.service}",
    Facet.UPSTREAM: lambda route: f"upstream {route.upstream}",
    Facet.ROUTE: lambda route: f"as {route.template}",
    Facet.BODY_LIMIT: _body_limit,
    Facet.TIMEOUT: _timeout,
    Facet.WEBSOCKET: lambda route: "websocket" if route.websocket else "no websocket",
}


def was_and_now(change: OperationChange) -> tuple[str, str]:
    """What the operation was and what it is, as far as that differs."""
    return _words(change, change.old), _words(change, change.new)


def _words(change: OperationChange, route: Route | None) -> str:
    if route is None:
        return UNMAPPED
    if change.facets:
        return ", ".join(FACET_WORDS[facet](route) for facet in change.facets)
    words = [needs(route)]
    words += [_account(route)] if route.account is not None else []
    words += [_versions(route)] if route.versions else []
    return ", ".join(words)
