"""What is recorded of the use of tokens: when, by which operation, how it ended, from where. Values and their words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.core.reasons import Code

HOUR_SECONDS: Final = 3600
# How long counts are kept: thirteen months.
KEPT_SECONDS: Final = 396 * 86400
# What fails behind the gateway's decision was let through, and has used its scope.
_LET_THROUGH: Final = frozenset(
    {
        Code.UPSTREAM_UNREACHABLE,
        Code.UPSTREAM_BAD_RESPONSE,
        Code.UPSTREAM_TIMEOUT,
        Code.INTERNAL_ERROR,
    }
)
# The codes by which the gateway itself said no to a caller.
REFUSALS: Final = frozenset(code.value for code in Code if code not in _LET_THROUGH)


@dataclass(frozen=True, slots=True)
class TokenUse:
    """The first and last use of a token, of those that are reported; UNIX seconds by the database's clock."""

    token_id: str
    first_at: float
    last_at: float


@dataclass(frozen=True, slots=True)
class HourlyCount:
    """Requests of one token, operation and outcome within the hour that begins at `hour` (UNIX seconds)."""

    token_id: str
    hour: int
    route: str
    outcome: str
    count: int


@dataclass(frozen=True, slots=True)
class ShadowCount:
    """Requests of one token and operation within an hour that passed, and whose shadow would have refused them with `code`.

    They are among the hourly counts as well, by how they ended.
    """

    token_id: str
    hour: int
    route: str
    code: str
    count: int


@dataclass(frozen=True, slots=True)
class NetworkUse:
    """Requests of one token from one network; times as in `TokenUse`."""

    token_id: str
    network: str
    first_at: float
    last_at: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageBatch:
    """What is to be added to the records. No two members of a list speak of the same row."""

    uses: tuple[TokenUse, ...] = ()
    hours: tuple[HourlyCount, ...] = ()
    shadows: tuple[ShadowCount, ...] = ()
    networks: tuple[NetworkUse, ...] = ()


def outcome_of(status: int, code: str) -> str:
    """How a request ended: the code where there is one, else the class of the upstream's status, such as `2xx`."""
    return code or f"{status // 100}xx"


def operation_of(method: str, template: str) -> str:
    """An operation as it is recorded, such as `GET /contacts/{contactId}`; empty when no route was met."""
    return f"{method} {template}" if template else ""


def parted(operation: str) -> tuple[str, str]:
    """The method and the template of a recorded operation."""
    method, _, template = operation.partition(" ")
    return method, template
