"""What an explanation shows: the verdict, every step on the way to it, the routes in question, and the way out."""

from __future__ import annotations

from enum import StrEnum

from gateway.admin.management.record_views import RequestRecordView
from gateway.admin.management.values import Value
from gateway.core.model import AccountKind


class Stage(StrEnum):
    """The steps of a request, in the order in which the proxy takes them."""

    READ = "read"
    PATH = "path"
    MATCH = "match"
    CREDENTIAL = "credential"
    TOKEN = "token"  # noqa: S105 - the name of a step
    OPERATION = "operation"
    ACCOUNT = "account"
    SCOPE = "scope"
    VERSION = "version"
    LIMITS = "limits"
    SHADOW = "shadow"
    FORWARD = "forward"


class StepState(StrEnum):
    """How a step came out."""

    PASSED = "passed"
    REFUSED = "refused"
    NOTHING = "nothing"
    """There was nothing to judge."""
    UNREACHED = "unreached"
    """The request was refused before."""


class StepView(Value):
    """One step, in words."""

    stage: Stage
    state: StepState
    text: str


class ShadowView(Value):
    """What the route's shadow would refuse the request with, were it enforced."""

    code: str
    scope: str | None


class CandidateView(Value):
    """A route that fits the path. `won`: it is the one; else `text` says why not."""

    method: str
    path: str
    needs: str
    won: bool
    text: str


class ExplainedRouteView(Value):
    """The operation. `body_limit` is in bytes; Operators alone are told `where` in the map it stands, and `upstream` and `urls`."""

    method: str
    path: str
    service: str
    needs: str
    access: str
    scopes: tuple[str, ...]
    account: str
    versions: tuple[str, ...]
    shadow: str
    body_limit: int
    where: str
    upstream: str
    urls: tuple[str, ...]


class ExplainedCallerView(Value):
    """Whom the token belongs to. Without ids: nobody in particular, who holds these scopes."""

    account_id: str | None
    account_kind: AccountKind
    integration_id: str | None
    token_id: str | None
    scopes: tuple[str, ...]


class ExplanationView(Value):
    """What becomes of a request, and why.

    `status` and `code` are the gateway's own answer, and null when the request is forwarded. `message` is what the caller
    reads, `detail` what the log says, `way_out` what would change the verdict.
    """

    method: str
    path: str
    canonical_path: str | None
    allowed: bool
    status: int | None
    code: str | None
    scope: str | None
    message: str
    detail: str
    way_out: str
    steps: tuple[StepView, ...]
    route: ExplainedRouteView | None
    candidates: tuple[CandidateView, ...]
    caller: ExplainedCallerView | None
    shadow: ShadowView | None
    map_version: str
    is_draft: bool
    recorded: RequestRecordView | None
    """What was recorded of the request that is judged again."""
