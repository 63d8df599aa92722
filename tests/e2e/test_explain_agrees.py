"""`explain` and the proxy agree: random requests, asked of the one and sent through the other over a socket."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.admin.management.explain_case import STAGES
from gateway.admin.management.explain_request import ExplainRequest
from gateway.admin.management.explain_views import ExplanationView
from gateway.admin.management.principal import Operator
from gateway.core.model import AccountKind, Route, RouteMap
from gateway.core.reasons import Code
from gateway.core.tokens import Digester
from gateway.proxy.record import Trail
from gateway.storage.audit import Actor, ActorKind
from gateway.wiring import gate
from gateway.wiring.management import management
from gateway.wiring.routes import publishable
from tests.proxy.caller import Answer, Caller, Ended
from tests.wiring.rig import Gateway, Rig, settings
from tests.wiring.tenants import PEPPERS, Issued, never_issued

MAP: Final = """
upstreams:
  main: {urls: ["MAIN"]}
services:
  contacts:
    upstream: main
    account: sub_account
    routes:
      GET /contacts/{contactId}: contacts.readonly
      GET /contacts/lookup: [contacts.readonly, locations.readonly]
      GET /contacts/export: deny
      GET /contacts/{contactId}/notes: {any_of: [contacts.readonly, contacts.write]}
      POST /contacts/: {scope: contacts.write, body_limit: 10}
      PUT /contacts/{contactId}: {scope: contacts.write, versions: [2021-07-28, v2]}
      DELETE /contacts/{contactId}: {scope: contacts.write, account: any, shadow: {account: agency}}
      PATCH /contacts/{contactId}: {scope: contacts.write, versions: [v2], shadow: true}
      OPTIONS /contacts/{contactId}: contacts.readonly
  agencies:
    upstream: main
    account: agency
    routes:
      GET /agencies/{agencyId}: agencies.readonly
      HEAD /agencies/{agencyId}: [agencies.readonly, agencies.write]
  open:
    upstream: main
    routes:
      GET /ping: {access: authenticated, versions: [v2]}
      POST /oauth/token: {access: public, body_limit: 10}
      GET /oauth/keys: public
      DELETE /oauth/keys: deny
      GET /a:b/{x}: authenticated
      GET /{x}/{y}/{z}: {access: authenticated, shadow: {any_of: [contacts.write, never.given], versions: [v2]}}
      GET /old: {access: authenticated, shadow: {access: deny}}
      GET /socket: {scope: contacts.readonly, websocket: true}
"""
METHODS: Final = (
    *("GET",) * 30, *("HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS") * 8, "PURGE", "TRACE", "CONNECT", "get", "G@T",
)  # fmt: skip
TEMPLATES: Final = (
    *(
        "/contacts/{}",
        "/contacts/lookup",
        "/contacts/export",
        "/contacts/{}/notes",
        "/contacts/",
        "/agencies/{}",
    ),
    *(
        "/ping",
        "/oauth/token",
        "/oauth/keys",
        "/a:b/{}",
        "/a%3Ab/{}",
        "/{}/{}/{}",
        "/old",
        "/socket",
        "/nowhere",
        "/",
    ),
)
SEGMENTS: Final = (
    *(
        "1",
        "lookup",
        "export",
        "c%41",
        "%7e",
        "a%20b",
        "a,b",
        "a%2Cb",
        "%c3%a9",
        "x" * 300,
        "lookup%2f",
        "a%3ab",
    ),
    *(
        "..",
        ".",
        "",
        "%2e%2E",
        "a%2Fb",
        "a%5cb",
        "a\\b",
        "a;b",
        "a%3Bb",
        "%00",
        "%0a",
        "a%252Fb",
        "%zz",
        "%",
        "é",
    ),
    *("a b", "a\x7fb", "a?b", "a#b", "pit_0123456789abcdefghijklmnopqrstuv012345"),
)
QUERIES: Final = (*("",) * 40, "?", "?a=1&b=%2F..", "?q=é", "?q=a b", "?a#b", "?" + "q" * 600)
FIELDS: Final[tuple[dict[str, Any], ...]] = (
    *({},) * 60,
    *({"Version": "v2"},) * 30,
    *({"Origin": "https://app.test", "Access-Control-Request-Method": "GET"},) * 10,
    {"Version": "2021-07-28"},
    {"version": ""},
    {"Version": ("v2", "v2")},
    {"VERSION": "v2, v2"},
    {"Version": "v2", "Connection": "version"},
    {"X-Gateway-Scopes": "contacts.write", "x_gateway_account_id": "acc_1"},
    {"X-HTTP-Method-Override": "GET"},
    {"Host": "other.test:8080"},
    {"Host": ("a", "b")},
    {"Host": ""},
    {"Host": "a b"},
    {"Content-Length": "1x"},
    {"Content-Length": "-1"},
    {"Transfer-Encoding": "gzip"},
    {"Transfer-Encoding": "chunked", "Content-Length": "3"},
    {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="},
    {"Origin": "https://app.test"},
    {"Origin": "https://app.test", "Access-Control-Request-Method": "GET"},
    {"Origin": "https://app.test", "Access-Control-Request-Method": "DELETE"},
    {"Origin": "https://else.test", "Access-Control-Request-Method": "GET"},
    {"X-Long": "v" * 600},
    {"X-Many": ("v",) * 40},
    {"X-Request-Id": "chosen"},
    {"bad name": "v"},
)
MALFORMED: Final = (
    *(
        "",
        "Bearer",
        "Basic Zm9vOmJhcg==",
        "Bearer x",
        "Bearer {}, Bearer {}",
        "Bearer {} {}",
        "bearer  {}",
        "Token {}",
    ),
)
# The ways in which a request can be refused here; a run that does not meet all of them says little.
CODES: Final = set(STAGES) - {Code.PROTOCOL_UNSUPPORTED}
BY: Final = Operator(actor=Actor(kind=ActorKind.OPERATOR, id="tester", name="a test"))
STRICT: Final[dict[str, Any]] = {
    "proxy__limits": {"target": 500, "field": 500, "headers": 30, "head": 2048},
    "proxy__path_allow": ["raw_semicolon"],
    "proxy__cors": {"allow_origins": ["https://app.test"]},
    "proxy__guessing": {"free": 1_000_000_000},
    "errors__scope_status": 401,
}


class Watch:
    """Stands where the access log does, and keeps the last record."""

    def __init__(self) -> None:
        self.last: Trail | None = None

    def record(self, trail: Trail) -> None:
        self.last = trail

    def flush(self) -> None:
        """Nothing waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of both sides: with whose token it is sent, and in which words explain is asked."""

    sent: ExplainRequest
    asked: ExplainRequest
    body: bytes


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    made = Watch()
    monkeypatch.setattr(gate, "access_log", lambda settings, timer: made)
    return made


def questions(rig: Rig, routes: Sequence[Route], count: int, seed: int) -> Iterator[Question]:
    """Requests of every kind, the same ones for the same seed."""
    rng = random.Random(seed)
    standing = rig.standing
    live = (standing.full, standing.reader, standing.agency, standing.bare, standing.other)
    dead = (standing.suspended, standing.expired, standing.revoked, standing.deleted)
    secrets = (
        *(issued.secret for issued in dead),
        standing.rotated.secret,
        standing.cancelled,
        standing.unknown,
        never_issued(),
        standing.full.secret[:-1] + ("0" if standing.full.secret[-1] != "0" else "1"),
        standing.full.secret.upper(),
        "pit_short",
    )
    for _ in range(count):
        method, template = rng.choice(METHODS), rng.choice(TEMPLATES)
        if rng.random() < 0.7:
            route = rng.choice(routes)
            method, template = route.method, re.sub(r"{\w+}", "{}", route.template)
        while "{}" in template:
            template = template.replace(
                "{}", rng.choice(SEGMENTS if rng.random() < 0.3 else ("1", "lookup")), 1
            )
        slash = rng.choice(("", "", "", "/", "//")) if rng.random() < 0.15 else ""
        fields = dict(rng.choice(FIELDS))
        base: dict[str, Any] = {
            "method": method,
            "path": template + slash + rng.choice(QUERIES),
            "body_bytes": rng.choice((0, 0, 0, 3, 10, 11, 2000)),
        }
        if rng.random() < 0.2 and "Content-Length" not in fields and "Transfer-Encoding" not in fields:
            fields["Transfer-Encoding"] = "chunked"
        draw = rng.random()
        sent = asked = base
        if draw < 0.75:
            issued: Issued = rng.choice(live if rng.random() < 0.9 else dead)
            sent = {**base, "token": issued.secret}
            asked = sent
            # Of the revoked one the integration has another token by now.
            if rng.random() < 0.4 and issued is not standing.revoked:
                asked = {**base, "integration_id": issued.integration_id}
            elif issued in live and rng.random() < 0.4:
                kind = AccountKind.AGENCY if issued is standing.agency else AccountKind.SUB_ACCOUNT
                asked = {**base, "scopes": tuple(issued.scopes), "account_kind": kind}
        elif draw < 0.85:
            sent = asked = {**base, "token": rng.choice(secrets)}
        elif draw < 0.95:
            value = rng.choice(MALFORMED).replace("{}", standing.full.secret)
            fields["Authorization"] = (value, value) if rng.random() < 0.2 else value
        question = {"headers": fields}
        made = ExplainRequest(**{**sent, **question})
        yield Question(sent=made, asked=ExplainRequest(**{**asked, **question}), body=_body(made, fields))


def _body(made: ExplainRequest, fields: dict[str, Any]) -> bytes:
    content = b"x" * made.body_bytes
    if fields.get("Transfer-Encoding") != "chunked" or "Content-Length" in fields:
        return content
    return (b"%x\r\n%b\r\n" % (len(content), content) if content else b"") + b"0\r\n\r\n"


class Line:
    """A connection that is opened anew when the gateway has closed it."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._caller: Caller | None = None

    async def ask(self, method: str, data: bytes) -> Answer:
        for _ in range(2):
            if self._caller is None:
                self._caller = await Caller.connect(self._gateway.node.proxy_port)
            try:
                await self._caller.send(data)
                answer = await self._caller.answer(method)
            except (Ended, ConnectionError):
                await self.close()
                continue
            if answer.closes:
                await self.close()
            return answer
        raise AssertionError(f"no answer to {data!r}")

    async def close(self) -> None:
        caller, self._caller = self._caller, None
        if caller is not None:
            await caller.close()


def served_map(rig: Rig, url: str) -> RouteMap:
    path: Path = rig.folder / "all.yaml"
    path.write_text(MAP.replace("MAIN", url))
    return publishable(path)[0]


async def agree(rig: Rig, watch: Watch, count: int, seed: int) -> Counter[str]:
    """Asks both about `count` requests; how often each verdict was given."""
    upstream = await rig.upstream()
    published = served_map(rig, upstream.url)
    gateway = await rig.gateway(published, **STRICT)
    chosen = settings(rig.folder, **STRICT)
    services = management(
        lambda: chosen,
        gateway.database,
        Digester(PEPPERS.current, PEPPERS.retired),
        live_map=lambda: published,
    )
    line = Line(gateway)
    verdicts: Counter[str] = Counter()
    try:
        for question in questions(rig, published.routes, count, seed):
            sent = question.sent
            token = sent.token if "token" in sent.model_fields_set else None
            told = await services.explain.explain(BY, question.asked)
            # Once more on the same connection: what it remembers of the first must not change the second.
            for _ in range(2):
                upstream.arrivals.clear()
                answer = await line.ask(sent.method, sent.head(token) + question.body)
                trail, watch.last = watch.last, None
                assert trail is not None
                arrived = [arrival.target.partition("?")[0] for arrival in upstream.arrivals]
                _same(question, answer, trail, told, arrived)
            shadow = "" if told.shadow is None else f" shadow:{told.shadow.code}"
            verdicts[f"{told.code or told.status or 'forwarded'}{shadow}"] += 1
    finally:
        await line.close()
    return verdicts


def _same(
    question: Question, answer: Answer, trail: Trail, told: ExplanationView, arrived: list[str]
) -> None:
    case = (
        f"{question.asked!r} {question.sent.headers!r}: {answer.status} {trail!r} {trail.detail} / {told!r}"
    )
    # A head that is refused as a whole has no route in its record.
    route = "" if told.route is None else told.route.path
    assert (answer.status, trail.code) == (told.status or 200, told.code or ""), case
    if told.detail != "a chunked body":  # how far it came before it was refused is the network's to say
        assert (trail.detail, trail.shadow) == (
            told.detail, "" if told.shadow is None else told.shadow.code,
        ), case  # fmt: skip
    assert trail.route == route, case
    assert told.allowed == (trail.code == ""), case
    if question.sent.method != "HEAD" and told.code is not None:
        assert (answer.code, answer.json.get("scope")) == (told.code, told.scope), case
    forwarded = told.allowed and told.status is None
    assert bool(arrived) == forwarded, case
    if forwarded and "pit_" not in question.sent.path:
        assert arrived == [told.canonical_path], case
    assert [step.state.value for step in told.steps].count("refused") == (0 if told.allowed else 1), case


async def test_explain_and_the_proxy_agree_on_random_requests(rig: Rig, watch: Watch) -> None:
    verdicts = await agree(rig, watch, 2000, seed=1)
    assert {code.value for code in CODES} <= {name.partition(" ")[0] for name in verdicts}, verdicts
    assert {"forwarded", "204"} <= set(verdicts)
    shadows = {name.partition("shadow:")[2] for name in verdicts} - {""}
    assert shadows == {"scope_missing", "account_kind", "version_required", "route_unknown"}


@pytest.mark.bench
async def test_explain_and_the_proxy_agree_on_ten_thousand(rig: Rig, watch: Watch) -> None:
    seed = random.SystemRandom().randrange(2**32)
    verdicts = await agree(rig, watch, 10_000, seed)
    print(f"\n10000 requests, seed {seed}, 0 disagreements:")
    for name, count in verdicts.most_common():
        print(f"  {count:5} {name}")
