"""What a route asks of a caller, in a few words for people."""

from __future__ import annotations

from gateway.core.model import Access, Route


def needs(route: Route) -> str:
    """What a route asks of a caller, in a word or as scopes."""
    match route.access:
        case Access.ALL_OF:
            return " and ".join(route.scopes)
        case Access.ANY_OF:
            return " or ".join(route.scopes)
        case Access.PUBLIC | Access.AUTHENTICATED | Access.DENY:
            return f"({route.access.value})"


def tried(route: Route) -> str:
    """What a route's shadow asks beyond the route itself; empty when it has none."""
    shadow = route.shadow
    if shadow is None:
        return ""
    words = [] if shadow.access is Access.AUTHENTICATED else [needs(shadow)]
    if shadow.account is not None and shadow.account is not route.account:
        words.append(f"account {shadow.account.value}")
    if shadow.versions:
        words.append(f"version {' or '.join(shadow.versions)}")
    return ", ".join(words)
