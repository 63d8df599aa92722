"""Operations that the map denies, and needs that it only tries, over sockets: what callers and upstreams see of them."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from gateway.core.model import RouteMap
from gateway.proxy.access_log import JsonLines, as_text
from gateway.proxy.record import Trail
from gateway.wiring import gate
from gateway.wiring.routes import publishable
from tests.proxy.caller import request
from tests.wiring.rig import Rig

MAP = """
upstreams:
  main: {urls: ["MAIN"]}
  away: {urls: ["AWAY"]}
services:
  contacts:
    upstream: main
    routes:
      GET /contacts/{id}: contacts.readonly
      GET /contacts/export: deny
      OPTIONS /contacts/export: deny
      DELETE /contacts/{id}: {scope: contacts.readonly, shadow: {scope: contacts.write}}
      PATCH /contacts/{id}: {scope: contacts.write, account: sub_account, versions: [v1], shadow: true}
      PUT /contacts/{id}: {access: authenticated, shadow: {account: agency}}
      POST /contacts/: {access: authenticated, body_limit: 10, shadow: {versions: [v1]}}
      GET /old: {access: authenticated, shadow: {access: deny}}
  away:
    upstream: away
    routes:
      GET /away: {access: authenticated, shadow: {scope: contacts.write}}
"""
# Method, target, token, what the shadow would have said.
TRIED = [
    ("DELETE", "/contacts/1", "reader", "scope_missing"),
    ("DELETE", "/contacts/1", "full", ""),
    ("PATCH", "/contacts/1", "agency", "account_kind"),
    ("PATCH", "/contacts/1", "reader", "scope_missing"),
    ("PATCH", "/contacts/1", "full", "version_required"),
    ("PUT", "/contacts/1", "full", "account_kind"),
    ("PUT", "/contacts/1", "agency", ""),
    ("POST", "/contacts/", "full", "version_required"),
    ("GET", "/old", "full", "route_unknown"),
    ("HEAD", "/old", "full", "route_unknown"),
    ("GET", "/contacts/1", "full", ""),
]


def route_map(rig: Rig, url: str) -> RouteMap:
    path: Path = rig.folder / "tried.yaml"
    path.write_text(MAP.replace("MAIN", url).replace("AWAY", rig.away))
    return publishable(path)[0]


class Watch:
    """Stands where the access log does, and keeps the records themselves."""

    def __init__(self) -> None:
        self.trails: list[Trail] = []

    def record(self, trail: Trail) -> None:
        self.trails.append(trail)

    def flush(self) -> None:
        """Nothing waits."""


@pytest.fixture
def trails(monkeypatch: pytest.MonkeyPatch) -> list[Trail]:
    """The record of every request of the nodes that are started from now on."""
    watch = Watch()
    monkeypatch.setattr(gate, "access_log", lambda settings, timer: watch)
    return watch.trails


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("target", ["/contacts/export", "/contacts/export/"])
async def test_a_denied_literal_does_not_fall_to_the_parameter_beside_it(
    rig: Rig, trails: list[Trail], method: str, target: str
) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(route_map(rig, upstream.url))
    answer = await gateway.ask(request(method, target, token=rig.token))
    assert answer.status == 404
    assert method == "HEAD" or (answer.code, "denies" in str(answer.json)) == ("route_unknown", False)
    assert upstream.arrivals == []
    (trail,) = trails
    assert (trail.code, trail.detail, trail.route) == (
        "route_unknown",
        "the map denies it",
        "/contacts/export",
    )
    assert (await gateway.get("/contacts/exports", token=rig.token)).status == 200


async def test_a_denied_route_says_no_more_to_a_stranger_than_an_unknown_one(rig: Rig) -> None:
    """Without a token, with a dead one, and to a browser that asks first."""
    upstream = await rig.upstream()
    gateway = await rig.gateway(
        route_map(rig, upstream.url), proxy__cors={"allow_origins": ["https://app.test"]}
    )
    asks = (b"Origin: https://app.test", b"Access-Control-Request-Method: GET")
    for fields, token, method in (
        ((), None, "GET"),
        ((), rig.standing.revoked.secret, "GET"),
        (asks, None, "OPTIONS"),
    ):
        told = []
        for target in ("/contacts/export", "/nowhere"):
            answer = await gateway.ask(request(method, target, *fields, token=token))
            told.append((answer.status, answer.code, sorted(name for name, _ in answer.fields)))
        assert told[0] == told[1]
        assert told[0][0] == 401


@pytest.mark.parametrize(("method", "target", "token", "code"), TRIED)
async def test_what_a_shadow_would_refuse_passes_and_is_counted(
    rig: Rig, trails: list[Trail], method: str, target: str, token: str, code: str
) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(route_map(rig, upstream.url))
    answer = await gateway.ask(request(method, target, token=getattr(rig.standing, token).secret))
    assert answer.status == 200
    assert len(upstream.arrivals) == 1
    assert [(trail.code, trail.shadow) for trail in trails] == [("", code)]
    told = (await gateway.admin("/metrics")).body.decode()
    counted = [line for line in told.splitlines() if line.startswith("gateway_shadow_refusals_total")]
    template = target.replace("/1", "/{id}")
    labels = f'code="{code}",method="{method}",route="{template}",service="contacts"'
    assert counted == ([f"gateway_shadow_refusals_total{{{labels}}} 1.0"] if code else [])


async def test_a_shadow_lets_nobody_in_who_is_not_let_in(rig: Rig, trails: list[Trail]) -> None:
    """A token is needed, and a live one, and what is enforced beside the shadow stays so."""
    upstream = await rig.upstream()
    gateway = await rig.gateway(route_map(rig, upstream.url))
    for method, token, code in (
        ("PATCH", None, "token_missing"),
        ("PATCH", rig.standing.unknown, "token_unknown"),
        ("PATCH", rig.standing.suspended.secret, "integration_suspended"),
        ("DELETE", rig.standing.bare.secret, "scope_missing"),
    ):
        assert (await gateway.ask(request(method, "/contacts/1", token=token))).code == code
    answer = await gateway.ask(request("POST", "/contacts/", token=rig.token, body=b"x" * 11))
    assert answer.code == "body_too_large"
    assert upstream.arrivals == []
    assert {trail.shadow for trail in trails} == {""}


async def test_a_request_that_fails_behind_its_shadow_would_have_been_refused_too(
    rig: Rig, trails: list[Trail]
) -> None:
    gateway = await rig.gateway(route_map(rig, (await rig.upstream()).url))
    assert (await gateway.get("/away", token=rig.standing.reader.secret)).status == 502
    assert [(trail.code, trail.shadow) for trail in trails] == [("upstream_unreachable", "scope_missing")]


def test_the_access_log_says_what_a_shadow_would_have_said() -> None:
    trail = Trail("t", "127.0.0.1", "GET", "/a", 0.0)
    trail.status, trail.shadow = 200, "scope_missing"
    assert orjson.loads(JsonLines()(trail, "2026-01-01T00:00:00.000Z"))["shadow"] == "scope_missing"
    assert b"shadow:scope_missing" in as_text(trail, "2026-01-01T00:00:00.000Z")
    assert "shadow" not in orjson.loads(JsonLines()(Trail("t", "c", "GET", "/a", 0.0), ""))
