"""The API on a real node: what it answers is true at the proxy, and a receipt means that it is."""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from gateway.core.model import AccountKind
from gateway.storage import admin_keys
from gateway.wiring.credentials import new_admin_key
from tests.admin.conftest import DIGESTER
from tests.wiring.rig import Rig

ROUTE = "/contacts/1"


async def test_a_token_lives_and_dies_at_the_proxy_as_its_receipt_says(rig: Rig, own_dsn: str) -> None:
    gateway = await rig.gateway(await rig.upstream(), dsn=own_dsn)
    account_id = await gateway.tenants.account(AccountKind.SUB_ACCOUNT)
    secret, digest, hint = new_admin_key(DIGESTER)
    async with gateway.tenants.change() as change:
        await admin_keys.create(change, name="Op", digest=digest, hint=hint)
    base = f"http://127.0.0.1:{gateway.node.admin_port}/api/v1/accounts/{account_id}/integrations"

    async def post(path: str, body: object) -> Any:
        headers = {"Authorization": f"Bearer {secret}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(f"{base}{path}?wait=30s", json=body) as response,
        ):
            content = await response.read()
            assert response.status in {200, 201}, content
            told = json.loads(content)
        assert (told["applied_by"], told["waiting_for"]) == (1, [])
        return told

    made = await post("", {"name": "Sync", "scopes": ["contacts.readonly"]})
    first = made["token"]["secret"]
    path = f"/{made['integration']['id']}"
    assert (await gateway.get(ROUTE, token=first)).status == 200
    second = (await post(f"{path}/rotate", {"old_token": "expire_later"}))["token"]["secret"]
    assert [(await gateway.get(ROUTE, token=token)).status for token in (first, second)] == [200, 200]
    third = (await post(f"{path}/rotate", {"old_token": "expire_now"}))["token"]["secret"]
    refused = [await gateway.get(ROUTE, token=token) for token in (first, second)]
    assert [(answer.status, answer.code) for answer in refused] == [(401, "token_revoked")] * 2
    assert (await gateway.get(ROUTE, token=third)).status == 200
    await post(f"{path}/expire", None)
    assert (await gateway.get(ROUTE, token=third)).code == "token_expired"


async def test_the_api_leaves_the_other_paths_alone(rig: Rig) -> None:
    gateway = await rig.gateway(await rig.upstream())
    assert (await gateway.admin("/healthz")).status == 200
    assert (await gateway.admin("/api/v1/openapi.json")).status == 200
    assert (await gateway.admin("/api/v1/accounts")).json["code"] == "credentials_missing"
    assert (await gateway.admin("/api/v2")).status == 404
