"""What is shown of the records of requests."""

from __future__ import annotations

from datetime import datetime

from gateway.admin.management.outcomes import Listed
from gateway.admin.management.values import Value


class RequestRecordView(Value):
    """One request, as it had ended at `at`. `status` 0: the caller left before any answer.

    `code` is why the gateway said no, or how the answer broke off; null: the upstream's answer passed whole. `shadow` is
    the code with which a need that is only judged would have refused. `client` is a network, or an address.
    """

    at: datetime
    trace_id: str
    account_id: str | None
    integration_id: str | None
    token_id: str | None
    route: str | None
    status: int
    code: str | None
    shadow: str | None
    duration_ms: float
    upstream_ms: float | None
    bytes_in: int
    bytes_out: int
    client: str | None
    map_version: str | None


class RequestRecordFound(RequestRecordView):
    """The newest request with a trace id. `others` have the same one: a caller may send it again."""

    others: int


class RequestRecordList(Listed):
    """Requests, newest first. A page may hold fewer than were asked for while there are older ones.

    `searched_to` is not null where a search took long: so far back it has looked, and `next_cursor` goes on from there.
    """

    items: tuple[RequestRecordView, ...]
    searched_to: datetime | None
