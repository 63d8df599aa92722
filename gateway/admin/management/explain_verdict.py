"""The verdict of an explanation: what the caller is answered, what the log says, and the way out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from gateway.admin.management.explain_case import Case
from gateway.admin.management.explain_steps import steps
from gateway.admin.management.explain_views import (
    CandidateView,
    ExplainedCallerView,
    ExplainedRouteView,
    ExplanationView,
    ShadowView,
)
from gateway.admin.management.record_views import RequestRecordView
from gateway.admin.management.route_words import needs, tried
from gateway.core.candidates import Candidate
from gateway.core.model import Access, AccountKind
from gateway.core.paths import PathClass, RefusedPath, canonical_path
from gateway.core.policy import Deny
from gateway.core.reasons import REASONS, Code
from gateway.core.routes import split
from gateway.core.tokens import redacted
from gateway.proxy.pipeline import Preflight


def explanation(
    case: Case, *, map_version: str, is_draft: bool, recorded: RequestRecordView | None
) -> ExplanationView:
    """All that is shown of a case."""
    rehearsal = case.rehearsal
    deny, shadow = rehearsal.deny, rehearsal.shadow
    return ExplanationView(
        method=case.method,
        path=redacted(case.path),
        canonical_path=None if rehearsal.path is None else redacted(rehearsal.path),
        allowed=deny is None,
        status=rehearsal.status,
        code=None if deny is None else deny.code.value,
        scope=None if deny is None else deny.scope or None,
        message=_message(case),
        detail="" if deny is None else deny.detail,
        way_out="" if deny is None else _WAYS_OUT[deny.code](case, deny),
        steps=steps(case),
        route=_route(case),
        candidates=tuple(_candidates(case)),
        caller=_caller(case),
        shadow=None if shadow is None else ShadowView(code=shadow.code.value, scope=shadow.scope or None),
        map_version=map_version,
        is_draft=is_draft,
        recorded=recorded,
    )


def _message(case: Case) -> str:
    deny = case.rehearsal.deny
    if deny is not None:
        return REASONS[deny.code].message
    if isinstance(case.rehearsal.verdict, Preflight):
        return "The gateway answers this preflight."
    return "The request is forwarded."


def _route(case: Case) -> ExplainedRouteView | None:
    plan = case.rehearsal.plan
    if plan is None:
        return None
    route = plan.route
    return ExplainedRouteView(
        method=route.method,
        path=route.template,
        service=route.service,
        needs=needs(route),
        access=route.access.value,
        scopes=route.scopes,
        account=route.account.value if route.account else "any",
        versions=route.versions,
        shadow=tried(route),
        body_limit=plan.body_limit,
        where=route.where if case.in_full else "",
        upstream=route.upstream if case.in_full else "",
        urls=tuple(address.url for address in plan.pool.addresses) if case.in_full else (),
    )


def _candidates(case: Case) -> list[CandidateView]:
    plan = case.rehearsal.plan
    winner = next(
        (one for one in case.candidates if plan is not None and one.route is plan.route),
        None,
    )
    return [
        CandidateView(
            method=one.route.method,
            path=one.route.template,
            needs=needs(one.route),
            won=one is winner,
            text=_why(one, winner, case),
        )
        for one in case.candidates
    ]


def _why(one: Candidate, winner: Candidate | None, case: Case) -> str:
    if one is winner:
        return "it is the one"
    if winner is None:
        return "another method" if one.route.method != case.method else "the path is disguised"
    if one.route.method != winner.route.method:
        own = case.method == "HEAD" and one.route.method == "GET"
        return "HEAD has a route of its own" if own else "another method"
    place = one.loses_at(winner)
    if place is None:
        return "another route is more literal"
    written = split(winner.route.template)[place]
    return f"{winner.route.template} has {written} written out where this takes a parameter"


def _caller(case: Case) -> ExplainedCallerView | None:
    record = case.rehearsal.record
    if record is None:
        return None
    caller = record.caller
    return ExplainedCallerView(
        account_id=caller.account_id or None,
        account_kind=caller.account_kind,
        integration_id=caller.integration_id or None,
        token_id=caller.token_id or None,
        scopes=tuple(sorted(caller.scopes)),
    )


# The ways out.

_AN: Final = {AccountKind.AGENCY: "an agency", AccountKind.SUB_ACCOUNT: "a sub-account"}


def _always(text: str) -> Callable[[Case, Deny], str]:
    def way(_case: Case, _deny: Deny) -> str:
        return text

    return way


_PARAMETER: Final = re.compile(r"\{[^{}/]*\}")


def _path(case: Case, _deny: Deny) -> str:
    text = "send the path in a form that every server reads alike"
    head = case.rehearsal.head
    refused = None if head is None else canonical_path(head.path)
    if not isinstance(refused, RefusedPath) or refused.path_class is None:
        template = _PARAMETER.search(case.path)
        return text if template is None else f"write a value in place of {template[0]}"
    return f"{text}, or permit it with proxy.path_allow: [{_refused_class(case, refused.path_class).value}]"


def _refused_class(case: Case, first: PathClass) -> PathClass:
    """The class that the log's detail speaks of: the first one may be permitted already."""
    head, deny = case.rehearsal.head, case.rehearsal.deny
    assert head is not None
    allow: frozenset[PathClass] = frozenset()
    found: PathClass | None = first
    while found is not None:
        refused = canonical_path(head.path, allow)
        if not isinstance(refused, RefusedPath) or refused.path_class is None:
            break
        found = refused.path_class
        if deny is not None and refused.detail == deny.detail:
            return found
        allow |= {found}
    return first


def _is_denied(case: Case) -> bool:
    return case.route is not None and case.route.access is Access.DENY


def _token(case: Case, deny: Deny) -> str:
    route = case.route
    words = [] if route is None or not route.scopes else [f"holds {needs(route)}"]
    if route is not None and route.account is not None:
        words.append(f"belongs to {_AN[route.account]}")
    of = f" that {' and '.join(words)}" if words else ""
    unknown = (
        f"; that will not do alone: {_operation(case, deny)}" if route is None or _is_denied(case) else ""
    )
    return f"send the token of an integration{of}, as Authorization: Bearer{unknown}"


def _operation(case: Case, _deny: Deny) -> str:
    route = case.route
    if route is not None:
        return "write what it needs in place of deny, if it is to be served"
    methods = sorted({candidate.route.method for candidate in case.candidates} - {case.method})
    if methods:
        return f"use {' or '.join(methods)}, or map {case.method} for this path"
    near = f"call {case.nearest}, or " if case.nearest else ""
    return f"{near}map the operation: what is not in the map is refused"


def _account(case: Case, _deny: Deny) -> str:
    route = case.route
    kind = "the other kind" if route is None or route.account is None else f"kind {route.account.value}"
    return f"use a token of an account of {kind}"


def _scope(case: Case, deny: Deny) -> str:
    route, record = case.route, case.rehearsal.record
    held = frozenset[str]() if record is None else record.caller.scopes
    if route is None:
        return f"give the integration the scope {deny.scope}"
    if route.access is Access.ANY_OF:
        return f"give the integration one of the scopes {', '.join(route.scopes)}; its token stays"
    lacking = [scope for scope in route.scopes if scope not in held]
    noun = "scope" if len(lacking) == 1 else "scopes"
    return f"give the integration the {noun} {', '.join(lacking)}; its token stays"


def _version(case: Case, _deny: Deny) -> str:
    route = case.route
    versions = () if route is None else route.versions
    return f"send the header Version once, with {' or '.join(versions)}"


_WAYS_OUT: Final[dict[Code, Callable[[Case, Deny], str]]] = {
    Code.BAD_REQUEST: _always("send a request that can be read in one way only"),
    Code.METHOD_REFUSED: _always("use another method"),
    Code.PROTOCOL_UNSUPPORTED: _always("speak HTTP/1.1"),
    Code.TARGET_TOO_LONG: _always("send a shorter path and query, or raise proxy.limits.target"),
    Code.HEAD_TOO_LARGE: _always("send fewer or shorter header fields, or raise proxy.limits"),
    Code.PATH_REFUSED: _path,
    Code.TOKEN_MISSING: _token,
    Code.TOKEN_MALFORMED: _always(
        "send one whole token as it was shown when it was generated, and nothing else"
    ),
    Code.TOKEN_UNKNOWN: _always("send a token that was generated here"),
    Code.TOKEN_ROTATED: _always("send the token that replaced it"),
    Code.TOKEN_EXPIRED: _always("generate a new token"),
    Code.TOKEN_REVOKED: _always("send the integration's current token, or generate one"),
    Code.INTEGRATION_SUSPENDED: _always("resume the integration"),
    Code.ROUTE_UNKNOWN: _operation,
    Code.ACCOUNT_KIND: _account,
    Code.SCOPE_MISSING: _scope,
    Code.VERSION_REQUIRED: _version,
    Code.BODY_TOO_LARGE: _always("send less, or raise the body_limit of the route"),
}
