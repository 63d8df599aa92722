"""The record of each request: what happened, in one row, for the access log and the counters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gateway.core.model import Caller
from gateway.proxy.live import Plan


class Trail:
    """What one request leaves behind. The one mutable thing of a request; filled as it travels.

    `plan` is the operation that was meant, `caller` whom the token belongs to, also when it was refused. Times are
    monotonic seconds, sizes bytes of body. `status` 0: the caller left before any answer. `code` is the reason of our own
    answer, or how a forwarded one broke off; empty when the upstream's answer passed whole. `shadow` is the code that the
    route's shadow would have refused it with; empty when it would not have. `map_version` is the map that judged it.
    """

    # Defaults stand in the class: most requests set few of these, and setting costs more than looking up.
    plan: Plan | None = None
    caller: Caller | None = None
    status = 0
    code = ""
    detail = ""
    shadow = ""
    map_version = ""
    bytes_in = 0
    bytes_out = 0
    upstream_started = 0.0
    upstream_answered = 0.0
    ended = 0.0

    def __init__(self, request_id: str, client: str, method: str, path: str, started: float) -> None:
        self.request_id = request_id
        self.client = client
        self.method = method
        self.path = path
        self.started = started

    def __repr__(self) -> str:
        return f"Trail({self.request_id} {self.method} {self.path} {self.status} {self.code})"

    @property
    def route(self) -> str:
        """The template; empty when no route was met."""
        return "" if self.plan is None else self.plan.route.template

    @property
    def service(self) -> str:
        """The service of the route map."""
        return "" if self.plan is None else self.plan.route.service

    @property
    def upstream(self) -> str:
        """The upstream of the route map."""
        return "" if self.plan is None else self.plan.pool.name

    @property
    def account_id(self) -> str:
        """The tenant; empty when it is not known who called."""
        return "" if self.caller is None else self.caller.account_id

    @property
    def integration_id(self) -> str:
        """The integration."""
        return "" if self.caller is None else self.caller.integration_id

    @property
    def token_id(self) -> str:
        """The token, which is not the secret."""
        return "" if self.caller is None else self.caller.token_id


class Recorder(Protocol):
    """Takes each finished trail. Called on the hot path: it must not wait."""

    def record(self, trail: Trail) -> None: ...


class Recorders:
    """Several recorders as one."""

    def __init__(self, *recorders: Callable[[Trail], None]) -> None:
        self._recorders = recorders

    def __repr__(self) -> str:
        return f"Recorders({len(self._recorders)})"

    def record(self, trail: Trail) -> None:
        """Hand the trail to each."""
        for record in self._recorders:
            record(trail)
