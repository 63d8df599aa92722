"""What a call of the API is: a row of a table, from which the router and the description are made."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, TypeAlias

from pydantic import BaseModel, Field

from gateway.admin.management.integrations import Versions
from gateway.admin.management.outcomes import Changed
from gateway.admin.management.principal import Person, Principal
from gateway.admin.management.services import Management
from gateway.admin.management.values import (
    Identifier,
    Instant,
    Search,
    Span,
    StatusWanted,
    Value,
    Wait,
    statuses_of,
    unsent,
)
from gateway.storage.request_records import Wanted as RequestsWanted
from gateway.storage.usage import Bucket

# What an identifier in a path looks like; what does not is missing, without asking the store.
IDENTIFIER: Final = re.compile(r"[a-z]{2,8}_[0-9A-Za-z]{20}")
_TRACE_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
# The beginning of a map's version, long enough to mean one.
_VERSION: Final = re.compile(r"[0-9a-f]{6,64}")


def path_pattern(name: str) -> re.Pattern[str]:
    """What this parameter of a path looks like."""
    match name:
        case "trace_id":
            return _TRACE_ID
        case "version":
            return _VERSION
        case _:
            return IDENTIFIER


MAX_BODY_BYTES: Final = 256 * 1024


class Access(StrEnum):
    """Who may call."""

    ANYONE = "anyone"
    KNOWN = "known"  # with an admin key or a session
    MEMBER = "member"  # with a session


class Bare(Value):
    """A query without parameters."""


class Paged(Value):
    """The parameters of a list."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    """How many at most."""
    cursor: Annotated[str, Field(max_length=200)] = unsent(None)
    """Where to go on: `next_cursor` of the page before."""


class AccountsQuery(Paged):
    """Which accounts."""

    parent_id: Identifier = unsent(None)
    """Only the sub-accounts of this agency."""


class IntegrationsQuery(Paged):
    """Which integrations."""

    deleted: bool = False
    """Whether deleted ones are listed as well."""
    search: Search = ""
    """Only those that have each of these words in name, description or id, in any case."""


class AuditQuery(Paged):
    """Which rows of the audit."""

    action: Identifier = unsent(None)
    """Only this action, such as `token.rotate_later`."""
    actor: Identifier = unsent(None)
    """Only what the one with this id did."""
    subject: Identifier = unsent(None)
    """Only what was done to the one with this id."""
    since: Annotated[Instant, Field(alias="from")] = unsent(None)
    """Only from this time on."""
    until: Annotated[Instant, Field(alias="to")] = unsent(None)
    """Only before this time."""


class RequestsQuery(Paged):
    """Which of the recorded requests."""

    integration: Identifier = unsent(None)
    """Only those of this integration."""
    token: Identifier = unsent(None)
    """Only those with the token of this id."""
    route: Annotated[str, Field(max_length=2000)] = unsent(None)
    """Only this operation, such as `GET /contacts/{contactId}`."""
    status: StatusWanted = unsent(None)
    """Only this status, such as `404`, or class of statuses, such as `5xx`; `0`: the caller left before any answer."""
    code: Identifier = unsent(None)
    """Only those refused, or broken off, with this code, such as `scope_missing`."""
    shadow: Identifier = unsent(None)
    """Only those that a need which is only judged would have refused with this code."""
    trace_id: Annotated[str, Field(pattern=f"^{_TRACE_ID.pattern}$")] = unsent(None)
    """Only those with this trace id."""
    since: Annotated[Instant, Field(alias="from")] = unsent(None)
    """Only from this time on."""
    until: Annotated[Instant, Field(alias="to")] = unsent(None)
    """Only before this time."""

    def wanted(self, *, account_id: str | None) -> RequestsWanted:
        """What the store is asked for."""
        statuses = statuses_of(self.status) if "status" in self.model_fields_set else None
        return RequestsWanted(
            account_id=account_id,
            integration_id=self.integration,
            token_id=self.token,
            trace_id=self.trace_id,
            route=self.route,
            status_from=None if statuses is None else statuses.start,
            status_below=None if statuses is None else statuses.stop,
            code=self.code,
            shadow=self.shadow,
            since=self.since,
            until=self.until,
        )


class AllRequestsQuery(RequestsQuery):
    """Which of the recorded requests of all accounts."""

    account: Identifier = unsent(None)
    """Only those of this account."""


class ActivityQuery(Value):
    """Which time, in which steps."""

    since: Annotated[Instant, Field(alias="from")] = unsent(None)
    """From when on; by default a day, with `bucket=day` 30 days, before `to`."""
    until: Annotated[Instant, Field(alias="to")] = unsent(None)
    """Until when; by default now."""
    bucket: Bucket = Bucket.HOUR
    """In which steps; days are those of UTC."""


class SinceQuery(Value):
    """Since when."""

    since: Annotated[Instant, Field(alias="from")] = unsent(None)
    """From when on; by default 90 days ago."""


class SuggestionsQuery(Paged):
    """For how long something was not used."""

    unused_for: Span = unsent(None)
    """Such as 90d; by default 30d."""


class Waiting(Value):
    """The parameters of a change."""

    wait: Wait = unsent(None)
    """Hold the answer until every live node has applied the change, at most this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call, parsed: who, on what, with what. `principal` is None where anyone may call."""

    principal: Principal | None
    path: Mapping[str, str]
    query: Any
    body: Any
    versions: Versions = None
    session_id: str | None = None
    address: str | None = None

    def __repr__(self) -> str:
        return f"Call({self.principal!r}, {dict(self.path)!r})"

    @property
    def by(self) -> Principal:
        """Who calls; the router has made sure of somebody."""
        assert self.principal is not None
        return self.principal

    @property
    def person(self) -> Person:
        """The member who calls; the router has made sure of one."""
        assert isinstance(self.principal, Person)
        return self.principal

    @property
    def account_id(self) -> str:
        return self.path["account_id"]

    @property
    def integration_id(self) -> str:
        return self.path["integration_id"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is answered. `begin_session` sets the cookie, `end_session` takes it away."""

    value: BaseModel | list[Any] | None
    version: int | None = None
    begin_session: str | None = None
    begun_until: datetime | None = None
    end_session: bool = False


Handler: TypeAlias = Callable[[Management, Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One call. `refusals` are statuses beyond those that follow from the rest of the row."""

    method: str
    path: str
    id: str
    summary: str
    tag: str
    handle: Handler
    answers: type[BaseModel] | None
    status: int = 200
    body: type[Value] | None = None
    max_body_bytes: int = MAX_BODY_BYTES
    query: type[Value] = Bare
    access: Access = Access.KNOWN
    answers_array: bool = False
    etag: bool = False
    if_match: bool = False
    refusals: frozenset[int] = field(default_factory=frozenset)

    @property
    def path_parameters(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)

    @property
    def changes(self) -> bool:
        """Whether its answer carries a revision that can be waited for."""
        return self.answers is not None and issubclass(self.answers, Changed)

    @property
    def is_safe(self) -> bool:
        return self.method == "GET"

    def statuses(self) -> frozenset[int]:
        """Every status that this call can answer with."""
        found = {self.status, 500, 503} | self.refusals
        if self.access is not Access.ANYONE:
            found |= {401, 403}
        if self.path_parameters:
            found.add(404)
        if self.body is not None:
            found |= {400, 413, 415, 422}
        if self.query.model_fields:
            found.add(422)
        if self.if_match:
            found.add(412)
        return frozenset(found)
