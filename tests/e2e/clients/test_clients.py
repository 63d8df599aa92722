"""The HTTP libraries that callers really use get through the gateway what they would get without it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from aiohttp.web import RequestHandler

from gateway.proxy.server import ProxyServer
from tests.e2e.clients.in_python import WithAiohttp, WithHttpx, WithRequests
from tests.e2e.clients.jobs import JOBS
from tests.e2e.clients.service import EVENTS, Service
from tests.e2e.clients.with_axios import Missing, WithAxios, install
from tests.e2e.clients.with_curl import WithCurl
from tests.e2e.clients.work import Ask, Client, Unsupported
from tests.wiring.rig import Gateway, Rig

Table = dict[str, dict[str, str]]
CLIENTS: dict[str, Client] = {
    client.name: client
    for client in (
        WithRequests(),
        WithHttpx(),
        WithAiohttp(),
        WithCurl("1.1"),
        WithCurl("1.0"),
        WithAxios(),
    )
}


def here(name: str) -> Client:
    """The client, or a skip that says what this machine lacks."""
    if name.startswith("curl") and shutil.which("curl") is None:
        pytest.skip("curl is not on this machine")
    if name == "axios":
        try:
            install()
        except Missing as reason:
            pytest.skip(str(reason))
    return CLIENTS[name]


@pytest.fixture
def accepted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """The connections that the proxy accepted."""
    found: list[object] = []
    real = ProxyServer.connection_made

    def counting(self: ProxyServer, handler: RequestHandler, transport: object) -> None:
        found.append(handler)
        real(self, handler, transport)  # type: ignore[arg-type]

    monkeypatch.setattr(ProxyServer, "connection_made", counting)
    return iter([found])


def with_token(ask: Ask, token: str) -> Ask:
    return Ask(
        method=ask.method,
        path=ask.path,
        headers={**ask.headers, "Authorization": f"Bearer {token}"},
        body=ask.body,
        chunked=ask.chunked,
    )


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("name", CLIENTS)
async def test_a_client_gets_what_it_would_get_without_the_gateway(
    rig: Rig,
    gateway: Gateway,
    service: Service,
    table: Table,
    accepted: Iterator[list[object]],
    name: str,
    job: str,
) -> None:
    client = here(name)
    (connections,) = accepted
    base = f"http://127.0.0.1:{gateway.node.proxy_port}"
    asks = [with_token(ask, rig.token) for ask in JOBS[job].asks]
    try:
        seen = await client.exchange(base, asks)
    except Unsupported as reason:
        table.setdefault(name, {})[job] = f"not supported: {reason}"
        return
    JOBS[job].check(seen, service)
    for _, _, headers in service.arrived:
        assert "Authorization" not in headers
        assert headers["X-Gateway-Integration-Id"] == rig.standing.full.integration_id
    if job == "keep-alive" and "1.0" not in name:
        assert len(connections) == 1, "each request took a connection of its own"
    table.setdefault(name, {})[job] = "passed"


@pytest.mark.parametrize("name", CLIENTS)
async def test_a_client_that_is_refused_is_told_so(
    gateway: Gateway, service: Service, table: Table, name: str
) -> None:
    """Also in the middle of what it wants to upload, and the connection goes on or is closed without a hang."""
    client = here(name)
    base = f"http://127.0.0.1:{gateway.node.proxy_port}"
    asks = [
        Ask(method="GET", path="/contacts/c1"),
        Ask(method="POST", path="/contacts/", body=b'{"a": 1}'),
        Ask(method="GET", path="/contacts/c1"),
    ]
    seen = await client.exchange(base, asks)
    assert [one.status for one in seen] == [401] * 3
    assert not service.arrived
    table.setdefault(name, {})["refusal"] = "passed"


@pytest.mark.parametrize("name", CLIENTS)
async def test_events_reach_a_client_one_by_one(
    rig: Rig, gateway: Gateway, service: Service, table: Table, name: str
) -> None:
    """The service sends the next event only when the client has the one before: whoever buffers would hang."""
    client = here(name)
    url = f"http://127.0.0.1:{gateway.node.proxy_port}/events"
    read = b""
    try:
        async for piece in client.events(url, {"Authorization": f"Bearer {rig.token}"}):
            read += piece
            service.seen.release()
    except Unsupported as reason:
        table.setdefault(name, {})["events"] = f"not supported: {reason}"
        return
    assert read == b"".join(b"data: %d\n\n" % number for number in range(EVENTS))
    table.setdefault(name, {})["events"] = "passed"
