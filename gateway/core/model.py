"""The values every layer speaks in: callers, tokens, routes, upstreams. No behaviour beyond their own shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.core.rules import Rule


class AccountKind(StrEnum):
    """What an account is. An agency may own sub-accounts; its token does not open their data."""

    AGENCY = "agency"
    SUB_ACCOUNT = "sub_account"


class Ending(StrEnum):
    """Why a token stops working, or will: its rotation deadline, `expire` or inactivity, or revocation."""

    ROTATED = "rotated"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is calling: what the upstream is told, and what the policy judges."""

    account_id: str
    account_kind: AccountKind
    integration_id: str
    token_id: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """What the store knows of one issued token, live or dead.

    `ends_at` is a UNIX time in seconds by the database's clock; None means no deadline. From that instant on the
    token is dead for the reason `ending`, which is set exactly when `ends_at` is.
    """

    caller: Caller
    suspended: bool
    ends_at: float | None
    ending: Ending | None


class Access(StrEnum):
    """What a route asks of a caller."""

    PUBLIC = "public"
    AUTHENTICATED = "authenticated"
    ALL_OF = "all_of"
    ANY_OF = "any_of"
    DENY = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation of the route map: a method and a path template, what it needs, and who serves it.

    `account` None means either kind. `versions` empty means the `Version` header is not looked at. `body_limit` is in
    bytes and `timeout_seconds` until the upstream's first byte; None means the listener's default. `shadow` is the route
    with the needs that are judged and counted and refuse nobody; it has no shadow itself. `where` is `file:line`.
    """

    method: str
    template: str
    service: str
    upstream: str
    access: Access
    scopes: tuple[str, ...] = ()
    account: AccountKind | None = None
    versions: tuple[str, ...] = ()
    body_limit: int | None = None
    timeout_seconds: float | None = None
    websocket: bool = False
    shadow: Route | None = None
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A platform service: one or more `http://` or `https://` base addresses (scheme, host, port; no path)."""

    name: str
    urls: tuple[str, ...]
    preserve_host: bool = False
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteMap:
    """The route map as it was read: valid in shape, not yet checked as a whole (see `core.routes`).

    `scopes` maps a scope to the words for the person who chooses it. `scope_lines` maps a described scope to
    `file:line`. `version` is the hex SHA-256 of the file's bytes.
    """

    upstreams: Mapping[str, Upstream]
    routes: tuple[Route, ...]
    scopes: Mapping[str, str]
    scope_lines: Mapping[str, str]
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something wrong with a configuration: where, what, and the way out. Warnings do not stop a start.

    `where` is `file:line`, a file, or the name of an environment variable. `column` counts characters from 1; 0: not
    known.
    """

    where: str
    message: str
    warning: bool = False
    rule: Rule = Rule.INVALID_VALUE
    column: int = 0

    @property
    def place(self) -> tuple[str, int]:
        """The file or variable, and the line, which is 0 where there is none."""
        source, _, line = self.where.rpartition(":")
        return (source, int(line)) if source and line.isascii() and line.isdigit() else (self.where, 0)

    def __str__(self) -> str:
        return f"{self.where}: {'warning: ' if self.warning else ''}{self.message}"
