"""What callers were found to be allowed: the decision about a caller and an operation, judged once and remembered.

Both are values that never change. A changed integration is a new caller, a changed map has new plans, so nothing
remembered can outlive what it was judged by. Deadlines and suspensions are not in here: they are judged each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.core.model import Caller
from gateway.proxy.identity import IdentityLines
from gateway.proxy.live import Plan


@dataclass(slots=True, eq=False)
class Grant:
    """A caller who may do an operation, and the lines that tell its upstream who that is. Not frozen for its cost alone."""

    caller: Caller
    plan: Plan
    lines: bytes


class Grants:
    """The grants that were made, in a bounded memory."""

    __slots__ = ("_identity", "_known")

    _MEMORY: Final = 16_384

    def __init__(self, identity: IdentityLines) -> None:
        self._identity = identity
        # Keyed by identity: a grant holds both, so that while it is here their id() stays their own.
        self._known: dict[tuple[int, int], Grant] = {}

    def __repr__(self) -> str:
        return f"Grants({len(self._known)})"

    def known(self, caller: Caller, plan: Plan) -> Grant | None:
        """The grant that was made for these two, whatever else a request says."""
        return self._known.get((id(caller), id(plan)))

    def make(self, caller: Caller, plan: Plan) -> Grant:
        """The grant for a caller who was found to be allowed; remembered, unless that depends on the request too."""
        grant = Grant(caller, plan, self._identity.lines(caller, plan.template))
        if not plan.route.versions:
            if len(self._known) >= self._MEMORY:
                self._known.clear()
            self._known[id(caller), id(plan)] = grant
        return grant
