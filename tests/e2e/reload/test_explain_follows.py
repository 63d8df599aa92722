"""What is explained is what is in force: after a reload `explain` and the proxy have changed their minds together."""

from __future__ import annotations

import json
from typing import Any

from gateway.storage import admin_keys
from gateway.wiring.credentials import new_admin_key
from gateway.wiring.reload import Result
from tests.admin.conftest import DIGESTER
from tests.e2e.reload.maps import written
from tests.proxy.caller import request
from tests.wiring.rig import Gateway, Rig


async def explained(rig: Rig, gateway: Gateway, key: str, token: str, target: str) -> Any:
    """What the node itself says of a GET of this path."""
    caller = await rig.connect(gateway.node.admin_port)
    answer = await caller.ask(
        request(
            "POST",
            "/api/v1/explain",
            b"Authorization: Bearer " + key.encode("ascii"),
            b"Content-Type: application/json",
            b"Connection: close",
            body=json.dumps({"method": "GET", "path": target, "token": token}).encode("ascii"),
        )
    )
    assert answer.status == 200, answer.body
    return answer.json


async def test_explain_follows_the_map_and_the_settings_in_force(rig: Rig, own_dsn: str) -> None:
    upstream = await rig.upstream()
    gateway, site = await rig.gateway_on_files(written(upstream.url), dsn=own_dsn, watched=False)
    issued = await gateway.tenants.issue("contacts.readonly")
    key, digest, hint = new_admin_key(DIGESTER)
    async with gateway.tenants.change() as change:
        await admin_keys.create(change, name="Op", digest=digest, hint=hint)

    async def both(target: str) -> tuple[int, str | None]:
        """The verdict, on which they agree; of a forwarded request the upstream's status."""
        told = await explained(rig, gateway, key, issued.secret, target)
        answer = await gateway.get(target, token=issued.secret)
        assert (told["status"] or 200, told["code"]) == (answer.status, answer.code)
        assert told["map_version"] == gateway.node.health().map.version
        return answer.status, answer.code

    assert await both("/contacts/c1") == (200, None)
    assert await both("/contacts/a;b") == (400, "path_refused")
    site.write_map(written(upstream.url, scope="contacts.write", more="GET /contacts/export: deny"))
    assert await gateway.node.reload("test") is Result.APPLIED
    assert await both("/contacts/c1") == (403, "scope_missing")
    assert await both("/contacts/export") == (404, "route_unknown")
    site.write_settings(
        "errors: {scope_status: 401}\nproxy: {listen: '127.0.0.1:0', path_allow: [raw_semicolon]}"
    )
    assert await gateway.node.reload("test") is Result.APPLIED
    assert await both("/contacts/c1") == (401, "scope_missing")
    assert await both("/contacts/a;b") == (401, "scope_missing")
