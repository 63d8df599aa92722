"""WebSocket libraries through the gateway: messages of each sort and size, subprotocols, compression, a clean end."""

from __future__ import annotations

import aiohttp
import websockets

from tests.e2e.clients.service import SIZE, Service
from tests.wiring.rig import Gateway, Rig

Table = dict[str, dict[str, str]]
BIG = b"\xff" * SIZE


async def test_websockets(rig: Rig, gateway: Gateway, service: Service, table: Table) -> None:
    async with websockets.connect(
        f"ws://127.0.0.1:{gateway.node.proxy_port}/socket",
        additional_headers={"Authorization": f"Bearer {rig.token}"},
        subprotocols=[websockets.Subprotocol("v1")],
        max_size=2 * SIZE,
        proxy=None,
    ) as socket:
        assert socket.subprotocol == "v1"
        assert socket.protocol.extensions, "compression was negotiated by the ends"
        await socket.send("hellø")
        assert await socket.recv() == "hellø"
        await socket.send(b"\x00\x01")
        assert await socket.recv() == b"\x00\x01"
        await (await socket.ping())
    assert socket.close_code == 1000
    assert service.arrived[0][2]["X-Gateway-Integration-Id"] == rig.standing.full.integration_id
    assert "Authorization" not in service.arrived[0][2]
    table.setdefault("websockets", {})["socket"] = "passed"


async def test_aiohttp(rig: Rig, gateway: Gateway, service: Service, table: Table) -> None:
    headers = {"Authorization": f"Bearer {rig.token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            f"http://127.0.0.1:{gateway.node.proxy_port}/socket",
            headers=headers,
            protocols=["v2"],
            compress=15,
        ) as socket,
    ):
        assert (socket.protocol, socket.compress) == ("v2", 15)
        await socket.send_str("hellø")
        assert await socket.receive_str() == "hellø"
        await socket.send_bytes(b"\x00\x01")
        assert await socket.receive_bytes() == b"\x00\x01"
    assert socket.close_code == 1000
    table.setdefault("aiohttp", {})["socket"] = "passed"
