"""Whom a route lets pass, as a set that can be compared with another route's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, assert_never

from gateway.core.model import Access, AccountKind, Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The callers that are let through: of these kinds, with all scopes of one of `clauses`, sending one of `versions`.

    `anonymous`: everybody is, token or not, and the rest says nothing. `versions` None: the header is not looked at. No
    clauses: nobody is; one that is empty: no scope is needed.
    """

    anonymous: bool = False
    kinds: frozenset[AccountKind] = frozenset(AccountKind)
    clauses: frozenset[frozenset[str]] = frozenset()
    versions: frozenset[str] | None = None

    def includes(self, other: Admission) -> bool:
        """Whether everyone in `other` is in this one as well."""
        if self.anonymous or other.is_empty:
            return True
        return not other.anonymous and other.kinds <= self.kinds and self._takes(other)

    @property
    def asks(self) -> bool:
        """Whether it depends on the caller who is let through."""
        return bool(self.clauses)

    @property
    def is_empty(self) -> bool:
        """Whether nobody is let through."""
        return not self.anonymous and not self.clauses

    def _takes(self, other: Admission) -> bool:
        # More scopes never hurt, so a clause is met by whoever meets a longer one.
        if not all(any(ours <= theirs for ours in self.clauses) for theirs in other.clauses):
            return False
        return self.versions is None or (other.versions is not None and other.versions <= self.versions)


NOBODY: Final = Admission()
_NO_SCOPE: Final = frozenset({frozenset[str]()})


def admission(route: Route | None) -> Admission:
    """Whom this route lets pass; None: there is no such operation."""
    if route is None:
        return NOBODY
    if route.access is Access.PUBLIC:
        return Admission(anonymous=True)
    clauses = _clauses(route)
    if not clauses:
        return NOBODY
    return Admission(
        kinds=frozenset(AccountKind) if route.account is None else frozenset({route.account}),
        clauses=clauses,
        versions=frozenset(route.versions) or None,
    )


def _clauses(route: Route) -> frozenset[frozenset[str]]:
    match route.access:
        case Access.ALL_OF:
            return frozenset({frozenset(route.scopes)} if route.scopes else ())
        case Access.ANY_OF:
            return frozenset(frozenset({scope}) for scope in route.scopes)
        case Access.PUBLIC | Access.AUTHENTICATED:
            return _NO_SCOPE
        case Access.DENY:
            return frozenset()
    assert_never(route.access)
