"""What requests leave behind, made without a request."""

from __future__ import annotations

import time

from gateway.core.model import Access, AccountKind, Caller, Route
from gateway.proxy.live import Plan
from gateway.proxy.pool import Pool, PoolRules
from gateway.proxy.record import Trail


def caller_of(token_id: str, *, account_id: str = "acc_1", integration_id: str = "pi_1") -> Caller:
    """Who holds a token."""
    return Caller(
        account_id=account_id,
        account_kind=AccountKind.SUB_ACCOUNT,
        integration_id=integration_id,
        token_id=token_id,
        scopes=frozenset({"contacts.readonly"}),
    )


def plan_of(template: str, *, method: str = "GET", service: str = "contacts") -> Plan:
    """An operation of an upstream that has no address."""
    rules = PoolRules(connect_seconds=1, keep_alive_seconds=1, max_connections=1)
    return Plan(
        route=Route(
            method=method,
            template=template,
            service=service,
            upstream="crm",
            access=Access.ALL_OF,
            scopes=("contacts.readonly",),
        ),
        pool=Pool("crm", [], rules=rules, preserve_host=False, monotonic=time.monotonic),
        body_limit=1000,
        first_byte_seconds=1.0,
        template=template.encode("ascii"),
        labels=(service, template),
    )


def trail_of(
    token_id: str,
    template: str,
    at: float,
    *,
    method: str = "GET",
    client: str = "192.0.2.7",
    status: int = 200,
    code: str = "",
    shadow: str = "",
) -> Trail:
    """A request that ended at once, at this monotonic instant. Without a template it met no route."""
    trail = Trail("id", client, method, "/x", at)
    trail.caller = caller_of(token_id) if token_id else None
    trail.plan = plan_of(template, method=method) if template else None
    trail.status = status
    trail.code = code
    trail.shadow = shadow
    trail.ended = at
    return trail
