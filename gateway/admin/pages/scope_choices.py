"""The scopes an account can choose from, by the service whose operations need them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from gateway.core.model import AccountKind, Route, RouteMap
from gateway.core.scopes import judged, offered

_READS: Final = frozenset({"readonly", "read"})
_READ_METHODS: Final = frozenset({"GET", "HEAD"})
# A search over records is often a POST.
_ALSO_READ_METHODS: Final = _READ_METHODS | {"POST"}
_SHORT: Final = {"ai": "AI", "api": "API", "isv": "ISV", "oauth": "OAuth", "saas": "SaaS"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A scope. `reads`: what it opens looks, and changes nothing; a hint for people, judged by name and methods."""

    scope: str
    words: str
    reads: bool
    operations: tuple[str, ...]
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service with its scopes; those that read stand first."""

    key: str
    name: str
    choices: tuple[Choice, ...]

    @property
    def chosen(self) -> int:
        return sum(choice.chosen for choice in self.choices)


def services(
    route_map: RouteMap,
    kind: AccountKind,
    *,
    chosen: Collection[str] = (),
    only: Collection[str] | None = None,
) -> tuple[Service, ...]:
    """The services by name with what `kind` of account can be given; of `only` these scopes, where there are any.

    A scope of several services stands with the one that needs it most. What the map does not offer (any more) stands
    last, in a service without a key, if it is in `only`.
    """
    routes: dict[str, list[Route]] = {}
    for route in judged(route_map.routes):
        if route.account not in (None, kind):
            continue
        for scope in route.scopes:
            routes.setdefault(scope, []).append(route)
    by_service: dict[str, list[Choice]] = {}
    offers = offered(route_map, kind)
    for scope in sorted(offers if only is None else offers & set(only)):
        home = Counter(route.service for route in routes[scope]).most_common(1)[0][0]
        by_service.setdefault(home, []).append(
            _choice(scope, route_map.scopes.get(scope, ""), routes[scope], scope in chosen)
        )
    found = [
        Service(key=key, name=service_name(key), choices=tuple(sorted(choices, key=_order)))
        for key, choices in sorted(by_service.items(), key=lambda item: service_name(item[0]).lower())
    ]
    gone = sorted(set(only or ()) - offers)
    if gone:
        left = tuple(
            Choice(scope=scope, words="", reads=False, operations=(), chosen=scope in chosen)
            for scope in gone
        )
        found.append(Service(key="", name="No longer offered", choices=left))
    return tuple(found)


def _choice(scope: str, words: str, routes: Iterable[Route], chosen: bool) -> Choice:
    found = tuple(routes)
    methods = {route.method for route in found}
    says_read = re.split(r"[./]", scope)[-1] in _READS
    return Choice(
        scope=scope,
        words=words or scope,
        reads=methods <= (_ALSO_READ_METHODS if says_read else _READ_METHODS),
        operations=tuple(dict.fromkeys(f"{route.method} {route.template}" for route in found)),
        chosen=chosen,
    )


def _order(choice: Choice) -> tuple[str, bool, str]:
    return re.split(r"\.(?=[^.]*$)", choice.scope)[0].lower(), not choice.reads, choice.scope


def service_name(key: str) -> str:
    """The name of a service, as people write it."""
    words = key.replace("_", "-").split("-")
    return " ".join(
        _SHORT.get(word, word.capitalize() if not place else word) for place, word in enumerate(words)
    )
