"""What an explanation is made of: a rehearsal with what its words need, and the step at which each refusal is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.admin.management.explain_views import Stage
from gateway.core.candidates import Candidate
from gateway.core.model import Route
from gateway.core.reasons import Code
from gateway.proxy.rehearsal import Rehearsal

# Where each code of a refusal before any upstream is given.
STAGES: Final = {
    Code.BAD_REQUEST: Stage.READ,
    Code.METHOD_REFUSED: Stage.READ,
    Code.PROTOCOL_UNSUPPORTED: Stage.READ,
    Code.TARGET_TOO_LONG: Stage.READ,
    Code.HEAD_TOO_LARGE: Stage.READ,
    Code.PATH_REFUSED: Stage.PATH,
    Code.TOKEN_MISSING: Stage.CREDENTIAL,
    Code.TOKEN_MALFORMED: Stage.CREDENTIAL,
    Code.TOKEN_UNKNOWN: Stage.TOKEN,
    Code.TOKEN_ROTATED: Stage.TOKEN,
    Code.TOKEN_EXPIRED: Stage.TOKEN,
    Code.TOKEN_REVOKED: Stage.TOKEN,
    Code.INTEGRATION_SUSPENDED: Stage.TOKEN,
    Code.ROUTE_UNKNOWN: Stage.OPERATION,
    Code.ACCOUNT_KIND: Stage.ACCOUNT,
    Code.SCOPE_MISSING: Stage.SCOPE,
    Code.VERSION_REQUIRED: Stage.VERSION,
    Code.BODY_TOO_LARGE: Stage.LIMITS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A rehearsal and what its words need. `credential` says what stands for a token, where none was sent.

    `sent` are the names of the header fields that were given, in lower case. Of `assumed` steps it is not known what was
    sent, and what would pass stands in its place. `in_full`: it is told to somebody who may know where the map stands on
    disk and where upstreams are.
    """

    rehearsal: Rehearsal
    method: str
    path: str
    candidates: tuple[Candidate, ...]
    nearest: str
    credential: str
    sent: frozenset[str]
    body_bytes: int
    assumed: frozenset[Stage]
    in_full: bool

    @property
    def route(self) -> Route | None:
        """The operation that the request means."""
        return None if self.rehearsal.plan is None else self.rehearsal.plan.route
