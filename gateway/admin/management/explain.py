"""What becomes of a request, and why: asked of what the proxy itself judges with, and told step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from difflib import get_close_matches

from gateway.admin.management.access import Right, enter
from gateway.admin.management.codes import Code as Refused
from gateway.admin.management.draft_maps import draft_map
from gateway.admin.management.explain_case import Case
from gateway.admin.management.explain_past import Past, past, record_of
from gateway.admin.management.explain_request import ExplainRequest
from gateway.admin.management.explain_verdict import explanation
from gateway.admin.management.explain_views import ExplanationView
from gateway.admin.management.principal import Operator, Principal
from gateway.admin.management.record_views import RequestRecordView
from gateway.admin.management.refusals import Forbidden, Missing, flaw, translated
from gateway.core.candidates import candidates
from gateway.core.model import Caller, RouteMap, TokenRecord
from gateway.core.tokens import ENTROPY_BYTES, Digester, mint
from gateway.proxy.live import LiveMap
from gateway.proxy.rehearsal import Rules, Tokens, rehearse
from gateway.storage import integrations
from gateway.storage.database import Reader
from gateway.storage.lookup import Lookup
from gateway.storage.request_records import RequestRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What requests are judged by: the listener's rules and the map in force, and how another map is made ready.

    `read_map` raises ConfigurationError.
    """

    rules: Callable[[], Rules]
    live_map: Callable[[], RouteMap]
    make_live: Callable[[RouteMap], LiveMap]
    read_map: Callable[[str], RouteMap]


class Given:
    """Tokens that are all the same one, at one time."""

    def __init__(self, record: TokenRecord | None, at: float) -> None:
        self._record = record
        self._at = at

    async def load(self, token: bytes) -> TokenRecord | None:
        del token
        return self._record

    def now(self) -> float:
        return self._at


class Stored:
    """Tokens as the store knows them, and its clock."""

    def __init__(self, lookup: Lookup, digester: Digester) -> None:
        self._lookup = lookup
        self._digester = digester
        self._now = 0.0

    async def load(self, token: bytes) -> TokenRecord | None:
        (record,) = (await self._lookup.load([self._digester.candidates(token)])).records
        _, self._now = await self._lookup.revision()
        return record

    def now(self) -> float:
        return self._now


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Whose token is sent: its text, what is known of it, and what to say of it where it only stands for one."""

    secret: str | None
    tokens: Tokens
    words: str = ""


def stranger() -> Asker:
    """Nobody: no token is sent."""
    return Asker(secret=None, tokens=Given(None, 0.0))


def holder(asked: ExplainRequest, prefix: str) -> Asker:
    """Somebody who holds exactly the scopes that were named."""
    caller = Caller(
        account_id="",
        account_kind=asked.account_kind,
        integration_id="",
        token_id="",
        scopes=frozenset(asked.scopes),
    )
    record = TokenRecord(caller=caller, suspended=False, ends_at=None, ending=None)
    return stand_in(record, 0.0, prefix, "a token with these scopes stands for one")


def stand_in(record: TokenRecord, at: float, prefix: str, words: str) -> Asker:
    """Somebody whose token nobody has: a well-formed text that was never issued stands for it."""
    return Asker(secret=mint(prefix, bytes(ENTROPY_BYTES)), tokens=Given(record, at), words=words)


class Explain:
    """Explains requests to operators, and to members those of integrations that they may manage."""

    def __init__(self, reading: Reader, *, lookup: Lookup, digester: Digester, bench: Bench) -> None:
        self._reading = reading
        self._lookup = lookup
        self._digester = digester
        self._bench = bench

    async def explain(self, principal: Principal, asked: ExplainRequest) -> ExplanationView:
        """The verdict on this request, and every step. Raises Forbidden, Unprocessable and StoreUnavailable.

        Only an operator for all accounts may send a token or another map, or is told where things are.
        """
        in_full = isinstance(principal, Operator) and principal.account_id is None
        if not in_full and (asked.sends_token or "map" in asked.model_fields_set):
            raise Forbidden(
                Refused.OPERATOR_REQUIRED,
                "Only an operator whose key is for all accounts may try a token or another map.",
            )
        route_map = await map_of(self._bench, asked)
        if "trace_id" in asked.model_fields_set:
            record = await record_of(self._reading, principal, asked.trace_id, in_full=in_full)
            before = past(record, asked, route_map)
            asker = await self._asker_of(before.record)
            return await told(self._bench, route_map, before.asked, asker, in_full=in_full, before=before)
        asker = await self._asker(principal, asked, in_full=in_full)
        return await told(self._bench, route_map, asked, asker, in_full=in_full)

    async def _asker(self, principal: Principal, asked: ExplainRequest, *, in_full: bool) -> Asker:
        given = asked.model_fields_set
        prefix = self._bench.rules().policy.token_form.prefix
        if asked.sends_token and given.isdisjoint({"scopes", "integration_id"}):
            secret = asked.token if "token" in given else None
            return Asker(secret=secret, tokens=Stored(self._lookup, self._digester))
        if "scopes" in given:
            return holder(asked, prefix)
        if "integration_id" not in given:
            return stranger()
        try:
            with translated():
                owner = await integrations.account_of(self._reading, asked.integration_id)
            if not in_full:
                await enter(self._reading, principal, owner, Right.MANAGE_INTEGRATIONS)
        except Missing:
            raise flaw("/integration_id", "There is no such integration.", "not_found") from None
        record = await self._lookup.current_token(asked.integration_id)
        if record is None:
            return stranger()
        _, now = await self._lookup.revision()
        return stand_in(record, now, prefix, "the integration's current token stands for one")

    async def _asker_of(self, record: RequestRecord) -> Asker:
        """Whose token was sent, as it is now."""
        if record.token_id is None:
            return stranger()
        token = await self._lookup.token(record.token_id)
        if token is None:
            return stranger()
        _, now = await self._lookup.revision()
        prefix = self._bench.rules().policy.token_form.prefix
        return stand_in(token, now, prefix, "the token that was sent, as it is now")


async def told(
    bench: Bench,
    route_map: RouteMap,
    asked: ExplainRequest,
    asker: Asker,
    *,
    in_full: bool,
    before: Past | None = None,
) -> ExplanationView:
    """The explanation under this map. It needs a store only as far as the asker does."""
    rehearsal = await rehearse(
        asked.head(asker.secret),
        chunked_bytes=asked.body_bytes,
        rules=bench.rules(),
        live=bench.make_live(route_map),
        tokens=asker.tokens,
    )
    method = asked.method if rehearsal.head is None else rehearsal.head.method
    found = () if rehearsal.path is None else candidates(route_map.routes, rehearsal.path)
    case = Case(
        rehearsal=rehearsal,
        method=method,
        path=asked.path,
        candidates=found,
        nearest="" if found or rehearsal.path is None else _nearest(route_map, rehearsal.path),
        credential=asker.words,
        sent=asked.names,
        body_bytes=asked.body_bytes,
        assumed=frozenset() if before is None else before.assumed,
        in_full=in_full,
    )
    return explanation(
        case,
        map_version=route_map.version,
        is_draft="map" in asked.model_fields_set,
        recorded=None if before is None else RequestRecordView(**asdict(before.record)),
    )


async def map_of(bench: Bench, asked: ExplainRequest) -> RouteMap:
    """The draft that was sent, else the map in force. Raises Unprocessable for a draft with errors."""
    if "map" not in asked.model_fields_set:
        return bench.live_map()
    return await draft_map(bench.read_map, asked.map)


def _nearest(route_map: RouteMap, path: str) -> str:
    templates = dict.fromkeys(route.template for route in route_map.routes)
    return next(iter(get_close_matches(path, templates, n=1, cutoff=0.7)), "")
