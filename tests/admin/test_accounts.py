"""Accounts and members through the API."""

from __future__ import annotations

import pytest

from gateway.core.model import AccountKind
from tests.admin.conftest import Client, Console


async def test_an_agency_and_its_sub_account(operator: Client) -> None:
    agency = await operator.post("/accounts", {"name": " Agency ", "kind": "agency"})
    assert agency.status == 201
    assert set(agency.json) == {"account", "revision"}
    made = await operator.post(
        "/accounts",
        {"name": "Shop", "kind": "sub_account", "parent_id": agency.json["account"]["id"]},
    )
    account = made.json["account"]
    assert account == {
        "id": account["id"],
        "name": "Shop",
        "kind": "sub_account",
        "parent_id": agency.json["account"]["id"],
        "labs": {"private_integrations": True},
        "inactivity_expire_after_days": None,
        "rotation_remind_after_days": None,
        "created_at": account["created_at"],
    }
    assert (await operator.get(f"/accounts/{account['id']}")).json == account
    assert agency.json["account"]["name"] == "Agency"


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "kind": "agency", "parent_id": "AGENCY"},
        {"name": "x", "kind": "sub_account", "parent_id": "acc_00000000000000000000"},
        {"name": "x", "kind": "sub_account", "parent_id": "SUB"},
    ],
)
async def test_a_parent_that_cannot_be_one_is_a_conflict(
    console: Console, operator: Client, body: dict[str, str]
) -> None:
    known = {
        "AGENCY": (await console.account(AccountKind.AGENCY)).id,
        "SUB": (await console.account()).id,
    }
    body = {name: known.get(value, value) for name, value in body.items()}
    assert (await operator.post("/accounts", body)).told() == (409, "parent_refused")


async def test_an_account_is_edited(console: Console, operator: Client) -> None:
    account = await console.account()
    changes = {
        "name": "Other",
        "labs": {"private_integrations": False},
        "inactivity_expire_after_days": 90,
        "rotation_remind_after_days": 30,
    }
    reply = await operator.patch(f"/accounts/{account.id}", changes)
    assert reply.status == 200
    assert changes.items() <= reply.json["account"].items()
    back = await operator.patch(f"/accounts/{account.id}", {"inactivity_expire_after_days": None})
    assert back.json["account"] == {**reply.json["account"], "inactivity_expire_after_days": None}
    assert back.json["revision"] == reply.json["revision"] + 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "agency"}, "/kind"),
        ({"labs": {}}, "/labs/private_integrations"),
        ({"labs": None}, "/labs"),
        ({"inactivity_expire_after_days": 0}, "/inactivity_expire_after_days"),
        ({"rotation_remind_after_days": 1.5}, "/rotation_remind_after_days"),
        ({"rotation_remind_after_days": True}, "/rotation_remind_after_days"),
        ({"name": None}, "/name"),
    ],
)
async def test_an_edit_that_is_not_valid_is_refused(
    console: Console, operator: Client, body: object, pointer: str
) -> None:
    account = await console.account()
    reply = await operator.patch(f"/accounts/{account.id}", body)
    assert reply.told() == (422, "invalid")
    assert [error["pointer"] for error in reply.json["errors"]] == [pointer]


async def test_accounts_are_paged(console: Console, operator: Client) -> None:
    made = [(await console.account()).id for _ in range(3)]
    first = (await operator.get("/accounts?limit=2")).json
    second = (await operator.get(f"/accounts?limit=2&cursor={first['next_cursor']}")).json
    assert [account["id"] for account in first["items"] + second["items"]] == made[::-1]
    assert second["next_cursor"] is None


async def test_a_member_is_added_changed_and_removed(console: Console, operator: Client) -> None:
    base = f"/accounts/{(await console.account()).id}/members"
    made = await operator.post(
        base, {"email": "r@example.com", "name": "R", "role": "user", "password": "a password"}
    )
    member = made.json["member"]
    assert (made.status, set(made.json)) == (201, {"member", "revision"})
    assert (member["permissions"], member["may_manage_integrations"]) == (
        {"private_integrations": None},
        False,
    )
    assert "password" not in made.content.decode()
    changed = await operator.patch(
        f"{base}/{member['id']}", {"role": "admin", "permissions": {"private_integrations": False}}
    )
    assert changed.json["member"] == {
        **member,
        "role": "admin",
        "permissions": {"private_integrations": False},
        "may_manage_integrations": False,
    }
    assert (await operator.get(f"{base}/{member['id']}")).json == changed.json["member"]
    assert (await operator.get(base)).json["items"] == [changed.json["member"]]
    assert (await operator.delete(f"{base}/{member['id']}")).status == 200
    assert (await operator.get(f"{base}/{member['id']}")).told() == (404, "not_found")


async def test_an_address_is_one_member_over_all_accounts(console: Console, operator: Client) -> None:
    one, other = await console.account(), await console.account()
    body = {"email": "r@example.com", "name": "R", "role": "user"}
    assert (await operator.post(f"/accounts/{one.id}/members", body)).status == 201
    body["email"] = "R@EXAMPLE.com"
    assert (await operator.post(f"/accounts/{other.id}/members", body)).told() == (409, "email_taken")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"email": "no address"}, "/email"),
        ({"email": "a@b\n"}, None),
        ({"email": "a@b\nc"}, "/email"),
        ({"role": "owner"}, "/role"),
        ({"password": "sh0rt!"}, "/password"),
        ({"password": "x" * 257}, "/password"),
        ({"name": ""}, "/name"),
    ],
)
async def test_a_member_that_is_not_valid_is_refused(
    console: Console, operator: Client, change: dict[str, str], pointer: str | None
) -> None:
    account = await console.account()
    body = {"email": "r@example.com", "name": "R", "role": "user", **change}
    reply = await operator.post(f"/accounts/{account.id}/members", body)
    if pointer is None:
        assert reply.json["member"]["email"] == "a@b"
        return
    assert reply.told() == (422, "invalid")
    assert [error["pointer"] for error in reply.json["errors"]] == [pointer]
    assert change.get("password", "no such value") not in reply.content.decode()


async def test_another_accounts_member_is_missing(console: Console, operator: Client) -> None:
    one, other = await console.account(), await console.account()
    member = await console.member(one)
    for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        reply = await operator.call(method, f"/accounts/{other.id}/members/{member.id}", body)
        assert reply.told() == (404, "not_found")
