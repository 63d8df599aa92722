"""The steps of an explanation in words. What happened is the rehearsal's to say; here it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final

from gateway.admin.management.explain_case import STAGES, Case
from gateway.admin.management.explain_views import Stage, StepState, StepView
from gateway.admin.management.route_words import needs, tried
from gateway.core.model import Access
from gateway.core.reasons import REASONS
from gateway.core.tokens import redacted
from gateway.proxy.pipeline import Forward, Preflight


def steps(case: Case) -> tuple[StepView, ...]:
    """All steps in their order."""
    deny = case.rehearsal.deny
    refused_at = None if deny is None else STAGES[deny.code]
    told: list[StepView] = []
    reached = True
    for stage in Stage:
        if stage is refused_at:
            state, text, reached = StepState.REFUSED, _refusal(case), False
        else:
            state, text = _WORDS[stage](case)
            if stage in case.assumed:
                state, text = StepState.NOTHING, f"{text}; what was sent was not recorded"
            if not reached:
                state, text = StepState.UNREACHED, _UNSEEN.get(stage, text)
        told.append(StepView(stage=stage, state=state, text=text))
    return tuple(told)


_Told = tuple[StepState, str]


def _nothing(text: str) -> _Told:
    return StepState.NOTHING, text


def _passed(text: str) -> _Told:
    return StepState.PASSED, text


def _refusal(case: Case) -> str:
    deny = case.rehearsal.deny
    assert deny is not None
    what = deny.detail or REASONS[deny.code].message.rstrip(".")
    match STAGES[deny.code]:
        case Stage.TOKEN:
            return f"{REASONS[deny.code].message.rstrip('.')}{_since(case)}"
        case Stage.OPERATION if case.route is None:
            return "nothing in the map matches"
        case Stage.ACCOUNT:
            return f"{_account(case)[1]}; the token's account is {_kind(case)}"
        case Stage.SCOPE:
            alone = case.route is not None and case.route.access is Access.ANY_OF
            return f"{_scope(case)[1]}; the token has {'none of them' if alone else f'no {deny.scope}'}"
        case Stage.VERSION:
            return f"{_version(case)[1]}; {_sent_versions(case)}"
        case Stage.LIMITS:
            return f"the body is too long: {what}"
    return what


# Fields that the gateway reads for itself, and writes anew where the upstream needs them.
_READ_HERE: Final = frozenset(
    {
        "authorization",
        "connection",
        "content-length",
        "expect",
        "host",
        "transfer-encoding",
        "upgrade",
        "x-request-id",
    }
)


def _read(case: Case) -> _Told:
    head = case.rehearsal.head
    if head is None:
        return _passed("one reading")
    kept = {line.partition(b":")[0].lower().decode("latin-1") for line in head.fields.kept}
    ended = sorted(case.sent - kept - _READ_HERE)
    return _passed(f"one reading; here end {', '.join(ended)}" if ended else "one reading")


def _path(case: Case) -> _Told:
    head, path = case.rehearsal.head, case.rehearsal.path
    if head is None or path is None:
        return _nothing("its canonical form is matched and forwarded")
    if head.path == path:
        return _passed(f"{redacted(path)} is canonical as it stands")
    return _passed(f"{redacted(head.path)} is read, matched and forwarded as {redacted(path)}")


def _match(case: Case) -> _Told:
    if case.rehearsal.path is None:
        return _nothing("not looked for")
    route = case.route
    if isinstance(case.rehearsal.verdict, Preflight) and route is not None:
        return _passed(f"a browser asks before {route.method} {route.template}")
    if route is not None:
        line = f" ({route.where})" if case.in_full and route.where else ""
        fallback = ", which serves HEAD as well" if case.method == "HEAD" and route.method == "GET" else ""
        return _passed(f"{route.method} {route.template} of service {route.service}{line}{fallback}")
    return _nothing(_no_route(case))


def _no_route(case: Case) -> str:
    methods = sorted({candidate.route.method for candidate in case.candidates})
    asked = {case.method, "GET"} if case.method == "HEAD" else {case.method}
    if asked & set(methods):
        return "a server that decodes its escapes would take the path for another route; it matches nothing"
    if methods:
        return f"the path is mapped for {', '.join(methods)}, not for {case.method}"
    near = f"; did you mean {case.nearest}?" if case.nearest else ""
    return f"no template of the map fits the path{near}"


_NO_ROUTE: Final = "there is no route that could ask for it"


def _is_public(case: Case) -> bool:
    return case.route is not None and case.route.access is Access.PUBLIC


def _for_callers(words: Callable[[Case], _Told]) -> Callable[[Case], _Told]:
    """The words of a step that a public route and a preflight leave out."""

    def told(case: Case) -> _Told:
        if isinstance(case.rehearsal.verdict, Preflight):
            return _nothing("a preflight carries no credential")
        return _nothing("the route is public: no token is looked at") if _is_public(case) else words(case)

    return told


def _credential(case: Case) -> _Told:
    return _passed(case.credential or "one bearer token, of the right form and checksum")


def _token(case: Case) -> _Told:
    record = case.rehearsal.record
    if record is None:
        return _nothing("whose token it is, and whether it is live")
    caller = record.caller
    ends = "" if record.ends_at is None else f"; it ends {_at(record.ends_at)}"
    if not caller.token_id:
        return _passed(
            f"of an account of kind {caller.account_kind.value}; it holds {_listed(caller.scopes)}"
        )
    return _passed(
        f"{caller.token_id} of integration {caller.integration_id}, account {caller.account_id}{ends}"
    )


def _since(case: Case) -> str:
    record = case.rehearsal.record
    if record is None:
        return ""
    when = "" if record.ends_at is None else f", ended {_at(record.ends_at)}"
    return f": {record.caller.token_id} of integration {record.caller.integration_id}{when}"


def _operation(case: Case) -> _Told:
    route = case.route
    if route is None:
        return _nothing("nothing in the map matches")
    match route.access:
        case Access.PUBLIC:
            return _passed("open to everybody")
        case Access.AUTHENTICATED:
            return _passed("open to every live token")
        case Access.ALL_OF | Access.ANY_OF | Access.DENY:
            return _passed("in the map")


def _account(case: Case) -> _Told:
    route = case.route
    if route is None:
        return _nothing(_NO_ROUTE)
    if route.account is None:
        return _nothing("either kind of account may call")
    return _passed(f"the route is for accounts of kind {route.account.value}")


def _scope(case: Case) -> _Told:
    route = case.route
    if route is None:
        return _nothing(_NO_ROUTE)
    if not route.scopes:
        return _nothing("no scope is needed")
    return _passed(f"needs {needs(route)}")


def _version(case: Case) -> _Told:
    route = case.route
    if route is None:
        return _nothing(_NO_ROUTE)
    if not route.versions:
        return _nothing("the Version header is not looked at")
    return _passed(f"the Version header must be {' or '.join(route.versions)}")


def _sent_versions(case: Case) -> str:
    head = case.rehearsal.head
    sent = [] if head is None else head.fields.api_versions
    return f"it is {' and '.join(sent)}" if sent else "it is not there"


def _limits(case: Case) -> _Told:
    plan = case.rehearsal.plan
    if plan is None:
        return _nothing("a route says how long a body may be")
    return _passed(f"a body of {case.body_bytes} bytes; up to {plan.body_limit} are taken")


def _shadow(case: Case) -> _Told:
    route, deny = case.route, case.rehearsal.shadow
    if route is None or route.shadow is None:
        return _nothing("nothing is only tried")
    if deny is None:
        return _passed(f"tries {tried(route)}: it would pass")
    scope = f" ({deny.scope})" if deny.scope else ""
    return _passed(f"tries {tried(route)}: it would be refused with {deny.code.value}{scope}, and is counted")


def _forward(case: Case) -> _Told:
    verdict = case.rehearsal.verdict
    if isinstance(verdict, Preflight):
        return _passed("the gateway answers the preflight itself, with 204")
    if not isinstance(verdict, Forward):
        return _nothing("to the upstream")
    pool = verdict.plan.pool
    where = f" {pool.name} at {_listed(address.url for address in pool.addresses)}" if case.in_full else ""
    who = "with nobody's identity" if verdict.caller is None else "with the caller's identity"
    target = redacted(verdict.start.partition(b"\r\n")[0].rpartition(b" ")[0].decode("ascii"))
    return _passed(f"{target} to the upstream{where}, {who}")


def _kind(case: Case) -> str:
    record = case.rehearsal.record
    return "of the other kind" if record is None else record.caller.account_kind.value


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words)) or "no scope"


def _at(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


# What could be said of these only if they had been got to.
_UNSEEN: Final = {
    Stage.MATCH: "not looked for",
    Stage.CREDENTIAL: "not looked at",
    Stage.TOKEN: "not looked at",
    Stage.FORWARD: "nothing is sent",
}
_WORDS: Final[dict[Stage, Callable[[Case], _Told]]] = {
    Stage.READ: _read,
    Stage.PATH: _path,
    Stage.MATCH: _match,
    Stage.CREDENTIAL: _for_callers(_credential),
    Stage.TOKEN: _for_callers(_token),
    Stage.OPERATION: _operation,
    Stage.ACCOUNT: _for_callers(_account),
    Stage.SCOPE: _for_callers(_scope),
    Stage.VERSION: _for_callers(_version),
    Stage.LIMITS: _limits,
    Stage.SHADOW: _shadow,
    Stage.FORWARD: _forward,
}
