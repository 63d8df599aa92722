"""What an operation needs, read from its `security`: alternatives of schemes with scopes, into the one need of a route.

Whatever is not said plainly becomes no need at all but a reason, and the operation is denied: nothing is ever open because
a description was silent, sloppy or more complicated than an entry of the map.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.core.model import Access, AccountKind
from gateway.openapi.operation import Requirement
from gateway.settings.route_needs import scope_problem
from gateway.settings.scalar import shown

Kinds = frozenset[AccountKind]
EVERY_KIND: Kinds = frozenset(AccountKind)


class Anonymous(StrEnum):
    """What is written for an operation that its description opens to anyone."""

    DENY = "deny"
    SCOPE = "scope"
    AUTHENTICATED = "authenticated"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Needs:
    """What an entry of the map asks of a caller. `scopes` is empty exactly for the words of the map."""

    access: Access
    scopes: tuple[str, ...] = ()

    def same(self, other: Needs) -> bool:
        """Whether both let the same callers through."""
        if len(self.scopes) == len(other.scopes) == 1:
            return self.scopes == other.scopes
        return self.access is other.access and set(self.scopes) == set(other.scopes)

    def __str__(self) -> str:
        words = {Access.ALL_OF: " and ", Access.ANY_OF: " or "}
        return words[self.access].join(self.scopes) if self.access in words else self.access.value


DENIED = Needs(Access.DENY)


@dataclass(frozen=True, slots=True)
class Judged:
    """The needs, or DENIED and the reason. `kinds` None: the description does not say which accounts may call."""

    needs: Needs
    kinds: Kinds | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How security is read: the schemes that count (none named: all), the kinds of account that schemes stand for, and
    what becomes of operations that are open to anyone."""

    schemes: frozenset[str] = frozenset()
    kinds: Mapping[str, Kinds] | None = None
    anonymous: Anonymous = Anonymous.DENY

    def counts(self, scheme: str) -> bool:
        """Whether a scheme is looked at."""
        return not self.schemes or scheme in self.schemes


@dataclass(frozen=True, slots=True)
class _Alternative:
    """One way in: all these scopes, for accounts of these kinds."""

    scopes: tuple[str, ...]
    kinds: Kinds | None

    def covers(self, other: _Alternative) -> bool:
        """Whether everyone whom `other` lets in gets in by this one as well."""
        if not set(self.scopes) <= set(other.scopes):
            return False
        return self.kinds is None or (other.kinds is not None and self.kinds >= other.kinds)


def judge(security: tuple[Requirement, ...] | None, reading: Reading) -> Judged:
    """What the alternatives of an operation come to."""
    if security is None:
        return Judged(DENIED, reason="the description names no security for it")
    bad = next(_bad_scopes(security, reading), None)
    if bad is not None:
        return Judged(DENIED, reason=bad)
    anonymous = not security or any(not requirement for requirement in security)
    counted = [
        {scheme: scopes for scheme, scopes in requirement.items() if reading.counts(scheme)}
        for requirement in security
    ]
    ways = [_alternative(requirement, reading) for requirement in counted if requirement]
    possible = [way for way in ways if way.kinds is None or way.kinds]
    scoped = _without_covered([way for way in possible if way.scopes])
    if anonymous and not (scoped and reading.anonymous is Anonymous.SCOPE):
        return _open(scoped, reading)
    if not scoped:
        kinds = _union(way.kinds for way in possible) if possible else None
        return Judged(DENIED, kinds, _no_scope(security, ways, possible))
    return _needs(scoped)


def _bad_scopes(security: tuple[Requirement, ...], reading: Reading) -> Iterator[str]:
    for requirement in security:
        for scheme, scopes in requirement.items():
            for scope in scopes if reading.counts(scheme) else ():
                if scope_problem(scope) is not None:
                    yield f"{shown(scope)} cannot be a scope"


def _alternative(requirement: Requirement, reading: Reading) -> _Alternative:
    scopes = dict.fromkeys(scope for scopes in requirement.values() for scope in scopes)
    kinds: Kinds | None = None
    for scheme in requirement:
        meant = (reading.kinds or {}).get(scheme)
        if meant is not None:
            kinds = meant if kinds is None else kinds & meant
    return _Alternative(tuple(scopes), kinds)


def _union(kinds: Iterable[Kinds | None]) -> Kinds | None:
    found: Kinds = frozenset()
    for each in kinds:
        if each is None:
            return None
        found |= each
    return found


def _without_covered(ways: list[_Alternative]) -> list[_Alternative]:
    by_scopes: dict[frozenset[str], _Alternative] = {}
    for way in ways:
        key = frozenset(way.scopes)
        same = by_scopes.get(key)
        by_scopes[key] = way if same is None else _Alternative(same.scopes, _union((same.kinds, way.kinds)))
    found = list(by_scopes.values())
    return [way for way in found if not any(other is not way and other.covers(way) for other in found)]


def _open(scoped: list[_Alternative], reading: Reading) -> Judged:
    if reading.anonymous in {Anonymous.PUBLIC, Anonymous.AUTHENTICATED}:
        return Judged(Needs(Access(reading.anonymous.value)))
    ways = " or ".join(_in_words(way.scopes, len(scoped) > 1) for way in scoped)
    return Judged(DENIED, reason=f"open to anyone in the description{f', or with {ways}' if ways else ''}")


def _no_scope(
    security: tuple[Requirement, ...], ways: list[_Alternative], possible: list[_Alternative]
) -> str:
    if not ways:
        schemes = dict.fromkeys(scheme for requirement in security for scheme in requirement)
        return f"only {', '.join(map(shown, schemes))}, which does not count"
    if not possible:
        return "its schemes are of different kinds of account"
    return "the description names none"


def _needs(ways: list[_Alternative]) -> Judged:
    kinds = _union(way.kinds for way in ways)
    if len(ways) == 1:
        return Judged(Needs(Access.ALL_OF, ways[0].scopes), kinds)
    words = " or ".join(_in_words(way.scopes, True) for way in ways)
    if any(way.kinds != ways[0].kinds for way in ways):
        return Judged(DENIED, kinds, f"{words}, by kind of account, cannot be one entry")
    if any(len(way.scopes) > 1 for way in ways):
        return Judged(DENIED, kinds, f"{words} cannot be one entry")
    return Judged(Needs(Access.ANY_OF, tuple(way.scopes[0] for way in ways)), kinds)


def _in_words(scopes: tuple[str, ...], grouped: bool) -> str:
    words = " and ".join(scopes)
    return f"({words})" if grouped and len(scopes) > 1 else words
