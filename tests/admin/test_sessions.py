"""Sessions: login, its limits, forged requests, logout, passwords."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from hashlib import sha256
from statistics import median
from time import process_time

import pytest
from argon2 import PasswordHasher

from gateway.admin.management.sessions import IDLE
from tests.admin.conftest import NEW, PASSWORD, Console

WRONG = "not the password"


async def test_a_login_gives_a_cookie_that_scripts_cannot_read(console: Console) -> None:
    member = await console.member(await console.account(), email="Robin@Example.com")
    client = console.client()
    reply = await client.post("/session", {"email": " robin@example.COM", "password": PASSWORD})
    assert reply.status == 201
    assert set(reply.json) == {"member", "account", "csrf_token", "began_at", "expires_at"}
    assert reply.json["member"]["id"] == member.id
    name, _, rest = reply.headers["Set-Cookie"].partition("=")
    assert name == "gateway_session"
    attributes = {part.strip().lower() for part in rest.split(";")[1:]}
    assert attributes >= {"httponly", "samesite=lax", "path=/"}
    assert "secure" not in attributes
    session_id = rest.partition(";")[0]
    assert len(session_id) >= 43
    rows = await console.database.fetch(
        "SELECT id_hash, csrf, expires_at - created_at AS lasts FROM sessions"
    )
    assert rows[0]["id_hash"] == sha256(session_id.encode()).digest()
    assert rows[0]["lasts"] == timedelta(days=7)


async def test_behind_tls_the_cookie_is_bound_to_the_host(console: Console) -> None:
    member = await console.member(await console.account())
    tls = {"X-Forwarded-Proto": "https"}
    client = console.client(**tls)
    reply = await client.post("/session", {"email": member.email, "password": PASSWORD})
    cookie = reply.headers["Set-Cookie"]
    assert cookie.startswith("__Host-gateway_session=")
    assert {"secure", "path=/"} <= {part.strip().lower() for part in cookie.split(";")}
    assert "domain" not in cookie.lower()
    client.cookie = cookie.partition(";")[0]
    assert (await client.get("/session")).status == 200
    # The other name is not read there: a neighbour without TLS could have set it.
    client.cookie = client.cookie.removeprefix("__Host-")
    assert (await client.get("/session")).told() == (401, "credentials_missing")


@pytest.mark.parametrize(
    ("email", "password"),
    [("robin0@example.com", WRONG), ("nobody@example.com", PASSWORD), ("bare@example.com", ""), ("\0", "x")],
)
async def test_a_refused_login_does_not_tell_why(console: Console, email: str, password: str) -> None:
    account = await console.account()
    await console.member(account)
    operator = await console.operator()
    await operator.post(
        f"/accounts/{account.id}/members", {"email": "bare@example.com", "name": "B", "role": "user"}
    )
    reply = await console.client().post("/session", {"email": email, "password": password})
    assert reply.told() == (401, "login_refused")
    assert "Set-Cookie" not in reply.headers


async def test_an_unknown_address_takes_as_long_as_a_wrong_password(console: Console) -> None:
    await console.member(await console.account())

    async def seconds(email: str) -> float:
        began = process_time()
        await console.services.sessions._hashing.matches(None if email == "nobody" else known, WRONG)
        return process_time() - began

    (row,) = await console.database.fetch("SELECT password_hash FROM members")
    known = row["password_hash"]
    await seconds("nobody")
    unknown = median([await seconds("nobody") for _ in range(7)])
    wrong = median([await seconds("robin") for _ in range(7)])
    assert 0.4 < unknown / wrong < 2.5


async def test_too_many_tries_are_slowed_down_and_lock_nobody_else_out(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console.services.sessions, "_monotonic", lambda: 1000.0)  # else it forgives meanwhile
    account = await console.account()
    member, other = await console.member(account), await console.member(account)
    client = console.client()
    tries = {"email": member.email, "password": WRONG}
    assert [(await client.post("/session", tries)).status for _ in range(11)] == [401] * 10 + [429]
    refused = await client.post("/session", {"email": member.email.upper(), "password": PASSWORD})
    assert refused.told() == (429, "rate_limited")
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert (await client.post("/session", {"email": other.email, "password": PASSWORD})).status == 201
    elsewhere = console.client(**{"X-Forwarded-For": "203.0.113.9"})
    assert (await elsewhere.post("/session", {"email": member.email, "password": PASSWORD})).status == 201


async def test_one_address_cannot_try_everybody(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console.services.sessions, "_monotonic", lambda: 1000.0)  # else it forgives meanwhile
    client = console.client()
    statuses = [
        (await client.post("/session", {"email": f"a{number}@example.com", "password": "x"})).status
        for number in range(51)
    ]
    assert statuses == [401] * 50 + [429]


async def test_logins_at_once_are_all_answered(console: Console) -> None:
    member = await console.member(await console.account())
    replies = await asyncio.gather(
        *(
            console.client(**{"X-Forwarded-For": f"203.0.113.{n}"}).post(
                "/session", {"email": member.email, "password": PASSWORD}
            )
            for n in range(20)
        )
    )
    assert [reply.status for reply in replies] == [201] * 20


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 403, "csrf_refused"),
        ({"X-CSRF-Token": "wrong"}, 403, "csrf_refused"),
        ({"X-CSRF-Token": "TOKEN"}, 201, ""),
        ({"X-CSRF-Token": "TOKEN", "Sec-Fetch-Site": "same-origin"}, 201, ""),
        ({"X-CSRF-Token": "TOKEN", "Sec-Fetch-Site": "none"}, 201, ""),
        ({"X-CSRF-Token": "TOKEN", "Sec-Fetch-Site": "same-site"}, 403, "cross_site_refused"),
        ({"X-CSRF-Token": "TOKEN", "Sec-Fetch-Site": "cross-site"}, 403, "cross_site_refused"),
        ({"X-CSRF-Token": "TOKEN", "Origin": "https://evil.example"}, 403, "cross_site_refused"),
        ({"X-CSRF-Token": "TOKEN", "Origin": "null"}, 403, "cross_site_refused"),
        ({"X-CSRF-Token": "TOKEN", "Origin": "OWN"}, 201, ""),
    ],
)
async def test_a_page_of_another_site_cannot_use_the_session(
    console: Console, headers: dict[str, str], status: int, code: str
) -> None:
    account = await console.account()
    client = await console.person(account)
    known = {"TOKEN": client.csrf or "", "OWN": console.url.removesuffix("/api/v1")}
    client.csrf = None
    reply = await client.call(
        "POST",
        f"/accounts/{account.id}/integrations",
        NEW,
        headers={name: known.get(value, value) for name, value in headers.items()},
    )
    assert reply.status == status
    assert status == 201 or reply.code == code


async def test_another_sessions_token_is_no_good(console: Console) -> None:
    account = await console.account()
    one, other = await console.person(account), await console.person(account)
    one.csrf = other.csrf
    assert (await one.delete("/session")).told() == (403, "csrf_refused")


async def test_a_login_from_another_site_is_refused(console: Console) -> None:
    member = await console.member(await console.account())
    client = console.client(**{"Sec-Fetch-Site": "cross-site"})
    reply = await client.post("/session", {"email": member.email, "password": PASSWORD})
    assert reply.told() == (403, "cross_site_refused")


async def test_logging_out_ends_this_session_and_everywhere_ends_all(console: Console) -> None:
    member = await console.member(await console.account())
    one, other, third = [await console.logged_in(member) for _ in range(3)]
    reply = await one.delete("/session")
    assert (reply.status, reply.content) == (204, b"")
    assert "Max-Age=0" in reply.headers["Set-Cookie"]
    assert (await one.get("/session")).told() == (401, "session_over")
    assert (await other.get("/session")).status == 200
    assert (await other.delete("/session/all")).status == 204
    assert [(await client.get("/session")).status for client in (other, third)] == [401, 401]
    assert await console.database.fetch("SELECT 1 FROM sessions") == []


@pytest.mark.parametrize("moved", ["last_seen_at = now() - $1::interval", "expires_at = now()"])
async def test_a_session_ends_when_idle_and_at_its_end(console: Console, moved: str) -> None:
    client = await console.person(await console.account())
    await console.database.fetch(
        f"UPDATE sessions SET created_at = now() - interval '30 days', {moved}",
        *([IDLE] if "$1" in moved else []),
    )
    assert (await client.get("/session")).told() == (401, "session_over")


async def test_use_keeps_a_session_alive(console: Console) -> None:
    client = await console.person(await console.account())
    await console.database.fetch("UPDATE sessions SET last_seen_at = now() - interval '11 hours'")
    assert (await client.get("/session")).status == 200
    rows = await console.database.fetch(
        "SELECT now() - last_seen_at < interval '1 minute' AS fresh FROM sessions"
    )
    assert rows[0]["fresh"]


async def test_a_member_who_is_removed_is_out_at_once(console: Console) -> None:
    account = await console.account()
    member = await console.member(account)
    client, operator = await console.logged_in(member), await console.operator()
    reply = await operator.delete(f"/accounts/{account.id}/members/{member.id}")
    assert (reply.status, reply.json["member"]["id"]) == (200, member.id)
    assert (await client.get("/session")).told() == (401, "session_over")


async def test_a_new_password_ends_the_other_sessions(console: Console) -> None:
    member = await console.member(await console.account())
    one, other = await console.logged_in(member), await console.logged_in(member)
    body = {"current_password": PASSWORD, "new_password": "a longer password"}
    wrong = await one.call("PUT", "/session/password", {**body, "current_password": WRONG})
    assert wrong.json["errors"][0]["code"] == "password_wrong"
    assert (await one.call("PUT", "/session/password", {**body, "new_password": "short"})).status == 422
    reply = await one.call("PUT", "/session/password", body)
    assert (reply.status, set(reply.json)) == (200, {"member", "revision"})
    assert [(await client.get("/session")).status for client in (one, other)] == [200, 401]
    login = console.client()
    old = await login.post("/session", {"email": member.email, "password": PASSWORD})
    new = await login.post("/session", {"email": member.email, "password": "a longer password"})
    assert (old.status, new.status) == (401, 201)


async def test_guessing_the_current_password_is_slowed_down(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console.services.sessions, "_monotonic", lambda: 1000.0)  # else it forgives meanwhile
    client = await console.person(await console.account())
    body = {"current_password": WRONG, "new_password": "a longer password"}
    statuses = [(await client.call("PUT", "/session/password", body)).status for _ in range(11)]
    assert statuses == [422] * 10 + [429]


async def test_an_admin_sets_a_password_and_it_ends_the_sessions(console: Console) -> None:
    account = await console.account()
    member, admin = await console.member(account), await console.person(account)
    client = await console.logged_in(member)
    reply = await admin.patch(
        f"/accounts/{account.id}/members/{member.id}", {"password": "given by an admin"}
    )
    assert reply.status == 200
    assert (await client.get("/session")).status == 401
    await console.logged_in(member, "given by an admin")


async def test_a_hash_of_old_parameters_is_renewed_at_the_login(console: Console) -> None:
    member = await console.member(await console.account())
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    await console.database.fetch("UPDATE members SET password_hash = $1", weak)
    await console.logged_in(member)
    (row,) = await console.database.fetch("SELECT password_hash FROM members")
    assert "m=19456,t=2,p=1" in row["password_hash"]
    await console.logged_in(member)


# What of it stands in the audit of the account.


async def told(console: Console, account_id: str) -> list[tuple[str, str, str, str | None]]:
    """Action, actor, subject and address of the rows about sign-ins, the oldest first."""
    await console.services.sessions.settled()
    operator = await console.operator()
    rows = (await operator.get(f"/accounts/{account_id}/audit?limit=200")).json["items"]
    return [
        (row["action"], row["actor"]["id"], row["subject"]["id"], row["address"])
        for row in reversed(rows)
        if row["action"].startswith("member.") and row["action"] not in {"member.create", "member.edit"}
    ]


async def test_sign_ins_and_sign_outs_stand_in_the_audit_of_the_account(console: Console) -> None:
    account, other = await console.account(), await console.account()
    member = await console.member(account)
    await console.member(other)
    client = await console.logged_in(member)
    second = await console.logged_in(member)
    changed = {"current_password": PASSWORD, "new_password": "another long one"}
    assert (await second.call("PUT", "/session/password", changed)).status == 200
    again = await console.logged_in(member, "another long one")
    assert (await again.delete("/session")).status == 204
    assert (await second.delete("/session/all")).status == 204
    assert (await client.get("/session")).status == 401
    by_member = (member.id, member.id, "127.0.0.1")
    assert await told(console, account.id) == [
        ("member.sign_in", *by_member),
        ("member.sign_in", *by_member),
        ("member.password", *by_member),
        ("member.sign_in", *by_member),
        ("member.sign_out", *by_member),
        ("member.sign_out_everywhere", *by_member),
    ]
    assert await told(console, other.id) == []


async def test_a_wrong_password_is_told_to_the_account_and_not_as_the_members_deed(console: Console) -> None:
    account = await console.account()
    member = await console.member(account)
    credentials = {"email": member.email, "password": WRONG}
    assert (await console.client().post("/session", credentials)).status == 401
    unknown = {"email": "nobody@example.com", "password": WRONG}
    assert (await console.client().post("/session", unknown)).status == 401
    assert await told(console, account.id) == [("member.sign_in_refused", "sign-in", member.id, "127.0.0.1")]
    assert WRONG not in await console.dump()
    rows = await console.database.fetch("SELECT actor FROM audit WHERE action = 'member.sign_in_refused'")
    assert [row["actor"]["kind"] for row in rows] == ["system"]


async def test_a_sign_in_that_cannot_be_written_down_is_none(console: Console) -> None:
    """The row and the session are one change: there is no session that the audit does not tell of."""
    member = await console.member(await console.account())
    await console.database.fetch(
        "ALTER TABLE audit ADD CONSTRAINT no_more CHECK (action <> 'member.sign_in') NOT VALID"
    )
    reply = await console.client().post("/session", {"email": member.email, "password": PASSWORD})
    assert reply.status >= 400
    assert await console.database.fetch("SELECT FROM sessions") == []
    console.failures.clear()
