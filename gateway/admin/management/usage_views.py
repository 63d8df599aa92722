"""What is shown of the use of an integration: its requests over time, the evidence about a rotation, unused scopes."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from gateway.admin.management.values import Value
from gateway.core.cutover import Verdict
from gateway.core.model import Ending
from gateway.storage.usage import Bucket


class RequestsView(Value):
    """Requests with one token and one outcome in the bucket that begins at `at`.

    `outcome` is the code of the gateway's own answer, or the class of the upstream's status, such as `2xx`.
    """

    at: datetime
    token_id: str
    outcome: str
    count: int


class TokenActivityView(Value):
    """A token that is live or was used in this time. Counts are of this time, uses of all time."""

    id: str
    hint: str
    created_at: datetime
    ends_at: datetime | None
    ending: Ending | None
    first_used_at: datetime | None
    last_used_at: datetime | None
    served: int
    refused: int


class RouteActivityView(Value):
    """Requests of one operation; `last_at` is the hour of the last one."""

    route: str
    served: int
    refused: int
    last_at: datetime


class ShadowActivityView(Value):
    """Requests that passed, and that the operation's shadow would have refused with `code`; `last_at` as above."""

    route: str
    code: str
    count: int
    last_at: datetime


class NetworkActivityView(Value):
    """A client network of one token, over all time."""

    token_id: str
    network: str
    first_seen_at: datetime
    last_seen_at: datetime
    count: int


class ActivityView(Value):
    """What an integration did in a time, which is told in whole buckets."""

    since: datetime = Field(serialization_alias="from")
    until: datetime = Field(serialization_alias="to")
    bucket: Bucket
    requests: tuple[RequestsView, ...]
    totals: dict[str, int]
    refusals: dict[str, int]
    tokens: tuple[TokenActivityView, ...]
    routes: tuple[RouteActivityView, ...]
    shadow: tuple[ShadowActivityView, ...]
    networks: tuple[NetworkActivityView, ...]


class RouteSideView(Value):
    """Requests of one token by operation; an empty `route`: none was met."""

    route: str
    served: int
    refused: int


class SideView(Value):
    """One of the two tokens of a rotation, counted from the full hour in which the rotation began."""

    token_id: str
    hint: str
    created_at: datetime
    ends_at: datetime | None
    first_used_at: datetime | None
    last_used_at: datetime | None
    served: int
    refused: int
    routes: tuple[RouteSideView, ...]


class NetworkMoveView(Value):
    """A network: when it last used the old token, when it first and last used the new one."""

    network: str
    old_last_seen_at: datetime | None
    new_first_seen_at: datetime | None
    new_last_seen_at: datetime | None
    still_old: bool


class CutoverView(Value):
    """The evidence about a rotation under way. Use of the old token that ended before `quiet_since` counts for nothing.

    `still_old` are the networks that still use the old token; `elsewhere`: somebody does of whom no network is known.
    """

    verdict: Verdict
    still_old: tuple[str, ...]
    elsewhere: bool
    started_at: datetime
    ends_at: datetime
    judged_at: datetime
    counted_from: datetime
    quiet_since: datetime
    old: SideView
    new: SideView
    networks: tuple[NetworkMoveView, ...]


class CutoverAnswer(Value):
    """The evidence; null while no rotation is under way."""

    cutover: CutoverView | None


class ScopeUseView(Value):
    """A scope that an integration has, and the hour in which it was last needed; null: not since `since`."""

    scope: str
    last_needed_at: datetime | None


class ScopesUsed(Value):
    """Which of its scopes an integration has needed since a time: the others could be taken away."""

    since: datetime
    items: tuple[ScopeUseView, ...]
