"""What a request left behind, without what no two runs have in common: the instants, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.proxy.record import Trail


@dataclass(frozen=True, slots=True)
class Record:
    """A trail that can be compared."""

    request_id: str
    client: str
    method: str
    path: str
    status: int
    code: str
    detail: str
    shadow: str
    bytes_in: int
    bytes_out: int
    route: str
    service: str
    upstream: str
    account_id: str
    integration_id: str
    token_id: str
    map_version: str
    was_sent: bool
    was_answered: bool


def record_of(trail: Trail) -> Record:
    """The record of this trail, as it is now."""
    return Record(
        request_id=trail.request_id,
        client=trail.client,
        method=trail.method,
        path=trail.path,
        status=trail.status,
        code=trail.code,
        detail=trail.detail,
        shadow=trail.shadow,
        bytes_in=trail.bytes_in,
        bytes_out=trail.bytes_out,
        route=trail.route,
        service=trail.service,
        upstream=trail.upstream,
        account_id=trail.account_id,
        integration_id=trail.integration_id,
        token_id=trail.token_id,
        map_version=trail.map_version,
        was_sent=trail.upstream_started > 0,
        was_answered=trail.upstream_answered > 0,
    )
