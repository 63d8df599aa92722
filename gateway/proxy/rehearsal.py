"""One request judged as the proxy judges it, without a caller's connection or an upstream: what `explain` tells of.

It is given the bytes of a head and calls what the proxy calls, in the same order. Nothing is decided here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from aiohttp.base_protocol import BaseProtocol

from gateway.core.cors import CorsPolicy
from gateway.core.fields import FieldRules
from gateway.core.model import TokenRecord
from gateway.core.paths import RefusedPath, canonical_path
from gateway.core.policy import Deny, judge
from gateway.core.reasons import Code
from gateway.core.request import RequestHead, read_request
from gateway.index.cache import MISS, Miss
from gateway.proxy.answers import AnswerRules, status_of
from gateway.proxy.credentials import CredentialReader
from gateway.proxy.gate import Limits
from gateway.proxy.grants import Grants
from gateway.proxy.heads import HeadReader
from gateway.proxy.identity import IdentityLines
from gateway.proxy.live import LiveMap, Plan
from gateway.proxy.pipeline import Forward, Policy, Preflight, Refuse, Unresolved, travel

Verdict: TypeAlias = Forward | Refuse | Preflight
_PREFLIGHT_STATUS = 204


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rules:
    """What a listener judges a request by, beside its map."""

    policy: Policy
    fields: FieldRules
    limits: Limits
    answers: AnswerRules
    identity: IdentityLines
    scheme: str
    cors: CorsPolicy | None


class Tokens(Protocol):
    """Whom a token belongs to, asked at most once, and what time it is then by the clock that deadlines go by."""

    async def load(self, token: bytes) -> TokenRecord | None: ...

    def now(self) -> float: ...


class _NothingKnown:
    """An index that has to ask for every token."""

    def digest(self, token: bytes) -> bytes:
        del token
        return b""

    def find(self, digest: bytes) -> TokenRecord | Miss | None:
        del digest
        return MISS

    async def load(self, token: bytes) -> TokenRecord | None:
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rehearsal:
    """The verdict, and what was found on the way to it; None is what was not got to, or was not there.

    `status` None: the upstream's. `shadow` is what only a shadow would have refused.
    """

    verdict: Verdict
    status: int | None
    head: RequestHead | None = None
    path: str | None = None
    plan: Plan | None = None
    record: TokenRecord | None = None
    shadow: Deny | None = None

    @property
    def deny(self) -> Deny | None:
        """Why it is refused."""
        return self.verdict.deny if isinstance(self.verdict, Refuse) else None


async def rehearse(
    data: bytes, *, chunked_bytes: int, rules: Rules, live: LiveMap, tokens: Tokens
) -> Rehearsal:
    """Judge the request whose head is `data`. `chunked_bytes` are to come in the chunked coding, if that is its framing.

    Raises whatever `tokens.load` raises.
    """
    head = _read(data, rules)
    if isinstance(head, Deny):
        return Rehearsal(verdict=Refuse(head), status=status_of(head.code, rules.answers))
    record: TokenRecord | Miss | None = MISS
    while True:
        verdict = travel(
            head,
            live=live,
            policy=rules.policy,
            index=_NothingKnown(),
            clock=tokens,
            grants=Grants(rules.identity),
            credentials=CredentialReader(rules.policy.token_form, _NothingKnown().digest),
            provenance=b"",
            cors=rules.cors,
            loaded=record,
        )
        if not isinstance(verdict, Unresolved):
            break
        record = await tokens.load(verdict.credential.token)
    if isinstance(verdict, Forward) and head.fields.chunked and chunked_bytes > verdict.plan.body_limit:
        # What comes without its length is refused where it gets too long.
        too_large = Deny(Code.BODY_TOO_LARGE, detail="a chunked body")
        verdict = Refuse(too_large, verdict.caller, verdict.plan)
    path = canonical_path(head.path, rules.policy.path_allow)
    canonical = None if isinstance(path, RefusedPath) else path
    return Rehearsal(
        verdict=verdict,
        status=_status(verdict, rules),
        head=head,
        path=canonical,
        plan=_plan(verdict, head, canonical, live.table.match),
        record=None if isinstance(record, Miss) else record,
        shadow=_shadow(verdict, head),
    )


def _read(data: bytes, rules: Rules) -> RequestHead | Deny:
    loop = asyncio.get_running_loop()
    head = HeadReader(BaseProtocol(loop), loop, rules.limits).read(data)
    if head is None or (not isinstance(head, Deny) and head.size != len(data)):
        return Deny(Code.BAD_REQUEST, detail="not one head")
    if isinstance(head, Deny):
        return head
    message = head.message
    return read_request(
        message.method,
        message.path,
        head.http_minor,
        message.raw_headers,
        rules=rules.fields,
        scheme=rules.scheme,
    )


def _status(verdict: Verdict, rules: Rules) -> int | None:
    match verdict:
        case Refuse():
            return status_of(verdict.deny.code, rules.answers)
        case Preflight():
            return _PREFLIGHT_STATUS
        case Forward():
            return None


def _plan(
    verdict: Verdict, head: RequestHead, path: str | None, match: Callable[[str, str], Plan | None]
) -> Plan | None:
    if verdict.plan is not None or path is None:
        return verdict.plan
    return match(head.method, path)


def _shadow(verdict: Verdict, head: RequestHead) -> Deny | None:
    if not isinstance(verdict, Forward) or verdict.caller is None:
        return None
    return judge(verdict.caller, verdict.plan.route, head.fields.api_versions)
