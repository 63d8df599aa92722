"""The sections in the side bar: only those that the visitor may open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.admin.pages.answers import OPERATORS
from gateway.admin.pages.visit import Visit


@dataclass(frozen=True, slots=True)
class Item:
    """A section: its key, its name, where it is, and the name of its icon."""

    key: str
    name: str
    location: str
    icon: str


@dataclass(frozen=True, slots=True)
class Group:
    """Sections under a heading."""

    name: str
    items: tuple[Item, ...]


_OPERATORS: Final = Group(
    "Gateway",
    (
        Item("accounts", "Accounts", f"{OPERATORS}/accounts", "building"),
        Item("map", "Route map", f"{OPERATORS}/map", "route"),
        Item("explain", "Explain a call", f"{OPERATORS}/explain", "question"),
        Item("requests", "Requests", f"{OPERATORS}/requests", "search"),
        Item("nodes", "Nodes", f"{OPERATORS}/nodes", "server"),
        Item("keys", "Admin keys", f"{OPERATORS}/keys", "key"),
        Item("all-audit", "Audit log", f"{OPERATORS}/audit", "list"),
    ),
)


def groups(visit: Visit) -> tuple[Group, ...]:
    """The side bar for this visitor: within an account its sections, else those of operators."""
    if visit.entered is None:
        return (_OPERATORS,)
    first = []
    other = []
    if visit.is_admin:
        first += [
            Item("team", "My Team", visit.here("team"), "people"),
            Item("labs", "Labs", visit.here("labs"), "flask"),
        ]
    if visit.sees_integrations:
        other.append(Item("integrations", "Private Integrations", visit.here("private-integrations"), "key"))
    if visit.is_admin:
        other.append(Item("audit", "Audit log", visit.here("audit"), "list"))
    found = (Group("Settings", tuple(first)), Group("Other Settings", tuple(other)))
    return tuple(group for group in found if group.items)
