"""HTTP/1.1 as callers know it, over sockets: methods, framings, connections."""

from __future__ import annotations

from tests.proxy.caller import request
from tests.wiring.rig import Rig


async def test_a_get_arrives_and_its_answer_comes_back(rig: Rig) -> None:
    upstream = await rig.upstream()
    gateway = await rig.gateway(upstream)
    answer = await gateway.get("/contacts/c1?a=1", token=rig.token)
    assert (answer.status, answer.body) == (200, b"ok")
    assert (await upstream.arrived(1)).target == "/contacts/c1?a=1"
