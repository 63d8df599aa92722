"""The map that descriptions ask for, as values: entries with their needs, services, upstreams, and what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.core.model import Access, AccountKind
from gateway.core.routes import shape
from gateway.openapi.needs import Needs

METHOD_ORDER = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the map. `account` None means either kind; `kind_known` tells whether the description says so.

    `reason` says why it is denied, None where it is not. `listed`: its needs are from a list of scopes. `words` are the comment's, beside that. `release` is the version
    of the description that it comes from.
    """

    method: str
    template: str
    service: str
    needs: Needs
    account: AccountKind | None = None
    kind_known: bool = False
    versions: tuple[str, ...] = ()
    deprecated: bool = False
    reason: str | None = None
    listed: bool = False
    words: tuple[str, ...] = ()
    release: str = ""

    @property
    def key(self) -> str:
        """The entry's key in the map."""
        return f"{self.method} {self.template}"

    @property
    def identity(self) -> tuple[str, str]:
        """What makes two entries the same operation: the method, and the path whatever its parameters are called."""
        return self.method, shape(self.template)

    @property
    def order(self) -> tuple[str, int]:
        """Where it stands among the entries of its service."""
        return self.template, METHOD_ORDER.index(self.method)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An operation without an entry, and why."""

    operation: str
    reason: str


@dataclass(frozen=True, slots=True)
class Service:
    """The entries of a service in their order, and who serves them."""

    name: str
    upstream: str
    entries: tuple[Entry, ...]

    @property
    def account(self) -> AccountKind | None:
        """The kind of account that most of its entries are for: those write none of their own."""
        kinds = Counter(entry.account for entry in self.entries if entry.needs.access not in _OWN_KIND)
        return kinds.most_common(1)[0][0] if kinds else None


# Nobody is asked who they are, or nobody gets in: the kind of account says nothing there.
_OWN_KIND = frozenset({Access.PUBLIC, Access.DENY})


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamDraft:
    """An upstream's addresses; `guessed`: nobody named one, and a placeholder stands there."""

    name: str
    urls: tuple[str, ...]
    guessed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """All that the descriptions come to. `titles` are those of the descriptions with their versions."""

    titles: tuple[str, ...]
    upstreams: tuple[UpstreamDraft, ...]
    services: tuple[Service, ...]
    scopes: Mapping[str, str]
    left_out: tuple[LeftOut, ...] = ()
    remarks: tuple[str, ...] = ()
    folded: int = 0
    unused_lines: tuple[str, ...] = field(default=())

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries of all services."""
        return tuple(entry for service in self.services for entry in service.entries)
