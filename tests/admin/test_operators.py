"""Admin keys, nodes and the audit through the API; and that no secret is kept anywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from gateway.storage.audit import verify_audit
from gateway.storage.lookup import Lookup
from tests.admin.conftest import NEW, PASSWORD, Client, Console


async def test_an_admin_key_works_until_it_is_revoked(console: Console, operator: Client) -> None:
    made = await operator.post("/admin-keys", {"name": "CI", "expires_in": "90d"})
    assert (made.status, set(made.json)) == (201, {"admin_key", "secret", "revision"})
    key = made.json["admin_key"]
    assert (key["account_id"], key["revoked_at"], key["last_used_at"]) == (None, None, None)
    lasts = datetime.fromisoformat(key["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=89, hours=23) < lasts < timedelta(days=90, minutes=1)
    holder = console.holding(made.json["secret"])
    assert (await holder.get("/accounts")).status == 200
    (shown, _) = (await operator.get("/admin-keys")).json["items"]
    assert shown["id"] == key["id"]
    assert shown["last_used_at"] is not None
    assert made.json["secret"] not in str(shown)
    revoked = await operator.delete(f"/admin-keys/{key['id']}")
    assert (revoked.status, set(revoked.json)) == (200, {"admin_key", "revision"})
    assert revoked.json["admin_key"]["revoked_at"] is not None
    assert (await holder.get("/accounts")).told() == (401, "admin_key_invalid")
    again = await operator.delete(f"/admin-keys/{key['id']}")
    assert again.json["admin_key"] == revoked.json["admin_key"]


async def test_an_expired_key_is_no_key(console: Console, operator: Client) -> None:
    made = await operator.post("/admin-keys", {"name": "CI", "expires_in": "1h"})
    await console.database.fetch(
        "UPDATE admin_keys SET expires_at = now() WHERE id = $1", made.json["admin_key"]["id"]
    )
    assert (await console.holding(made.json["secret"]).get("/accounts")).status == 401


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "x", "expires_in": "0s"}, "/expires_in"),
        ({"name": "x", "expires_in": "soon"}, "/expires_in"),
        ({"name": "x", "account_id": "acc_00000000000000000000"}, "/account_id"),
    ],
)
async def test_a_key_that_is_not_valid_is_not_made(operator: Client, body: object, pointer: str) -> None:
    reply = await operator.post("/admin-keys", body)
    assert reply.told() == (422, "invalid")
    assert [error["pointer"] for error in reply.json["errors"]] == [pointer]


async def test_a_key_that_is_not_there_is_missing(operator: Client) -> None:
    assert (await operator.delete(f"/admin-keys/key_{'0' * 20}")).told() == (404, "not_found")


async def test_nodes_say_how_far_they_are(console: Console, operator: Client) -> None:
    await Lookup(console.database).heartbeat("node-1", 7)
    (node,) = (await operator.get("/nodes")).json["items"]
    assert set(node) == {
        "id",
        "started_at",
        "heartbeat_at",
        "applied_revision",
        "version",
        "map_version",
        "alive",
    }
    assert (node["id"], node["applied_revision"], node["alive"]) == ("node-1", 7, True)


async def test_the_audit_tells_who_did_what_newest_first(console: Console, operator: Client) -> None:
    account = await console.account()
    admin = await console.person(account)
    base = f"/accounts/{account.id}"
    path = f"{base}/integrations/{(await admin.post(f'{base}/integrations', NEW)).json['integration']['id']}"
    await operator.patch(path, {"name": "Other"})
    entries = (await admin.get(f"{base}/audit")).json["items"]
    assert [entry["action"] for entry in entries[:2]] == ["integration.edit", "integration.create"]
    newest = entries[0]
    assert set(newest) >= {"at", "actor", "action", "subject", "before", "after", "address", "hash"}
    assert newest["actor"]["kind"] == "admin_key"
    assert newest["subject"] == {"kind": "integration", "id": path.rpartition("/")[2]}
    assert (newest["before"], newest["after"]) == ({"name": "Sync"}, {"name": "Other"})
    assert newest["address"] == "127.0.0.1"
    assert newest["prev"] == entries[1]["hash"]
    assert entries[1]["actor"]["kind"] == "member"
    assert (await verify_audit(console.database)).is_intact


async def test_the_audit_is_searched_and_paged(console: Console, operator: Client) -> None:
    account, other = await console.account(), await console.account()
    admin = await console.person(account)
    me = (await admin.get("/session")).json["member"]["id"]
    for owner in (account, other):
        await operator.post(f"/accounts/{owner.id}/integrations", NEW)
    mine = (await admin.post(f"/accounts/{account.id}/integrations", NEW)).json["integration"]["id"]

    async def found(query: str, base: str = f"/accounts/{account.id}/audit") -> list[str]:
        reply = await operator.get(f"{base}?{query}")
        assert reply.status == 200, reply.content
        return [entry["action"] for entry in reply.json["items"]]

    assert await found("action=integration.create") == ["integration.create"] * 2
    assert await found("action=integration.create", "/audit") == ["integration.create"] * 3
    assert await found(f"actor={me}") == ["integration.create", "member.sign_in"]
    assert await found(f"subject={mine}") == ["integration.create"]
    now = quote(datetime.now(UTC).isoformat())
    assert await found(f"from={now}") == []
    assert len(await found(f"to={now}&from=2000-01-01T00:00:00Z")) == len(await found(""))
    assert "admin_key.create" in await found("", "/audit")
    everything = await found("limit=200")
    seen, cursor = [], ""
    while True:
        page = (await operator.get(f"/accounts/{account.id}/audit?limit=2{cursor}")).json
        seen += [entry["action"] for entry in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == everything
    for query in ("cursor=x", "cursor=LTE=", "from=x", "to=2000-01-01", "limit=201"):
        assert (await operator.get(f"/audit?{query}")).told() == (422, "invalid")


async def test_no_secret_is_in_the_database(console: Console, operator: Client) -> None:
    """Every secret that was ever answered, and passwords, looked for in every row of every table."""
    account = await console.account()
    member = await console.member(account)
    admin = await console.logged_in(member)
    await admin.call(
        "PUT", "/session/password", {"current_password": PASSWORD, "new_password": "another password"}
    )
    base = f"/accounts/{account.id}/integrations"
    path = f"{base}/{(await admin.post(base, NEW)).json['integration']['id']}"
    for action, body in (
        ("rotate", {"old_token": "expire_later"}),
        ("cancel-rotation", None),
        ("rotate", {"old_token": "expire_now"}),
        ("expire", None),
        ("issue", None),
    ):
        assert (await admin.post(f"{path}/{action}", body)).status in {200, 201}
    await operator.post("/admin-keys", {"name": "CI"})
    await operator.post(
        f"/accounts/{account.id}/members",
        {"email": "x@example.com", "name": "X", "role": "user", "password": "third password"},
    )
    dump = await console.dump()
    secrets = {*console.secrets, PASSWORD, "another password", "third password"}
    assert len(secrets) == 11
    assert "integration.create" in dump
    for secret in secrets:
        assert secret not in dump
        assert secret.encode().hex() not in dump
    assert console.failures == []
