"""Who may do what, as a table: every call, by everybody who could try."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from gateway.admin.api.operation import Access
from gateway.admin.api.table import OPERATIONS
from gateway.core.model import AccountKind
from gateway.storage.members import Role
from tests.admin.conftest import NEW, Client, Console, published
from tests.wiring.recorded import entry, store

YES, FORBIDDEN, MISSING, UNKNOWN = 200, 403, 404, 401
WHO = (
    "operator",
    "operator of it",
    "operator of another",
    "admin",
    "admin without",
    "user",
    "user with",
    "agency's admin",
    "agency's admin without",
    "agency's user with",
    "another's admin",
    "nobody",
)
# What each of them, in this order, may do with one sub-account.
MAY: dict[str, tuple[int, ...]] = {
    "integrations": (
        YES, YES, MISSING, YES, FORBIDDEN, FORBIDDEN, YES, YES, FORBIDDEN, MISSING, MISSING, UNKNOWN,
    ),
    "administer": (
        YES, YES, MISSING, YES, YES, FORBIDDEN, FORBIDDEN, YES, YES, MISSING, MISSING, UNKNOWN,
    ),
    "read account": (
        YES, YES, MISSING, YES, YES, YES, YES, YES, YES, MISSING, MISSING, UNKNOWN,
    ),
    "operate": (
        YES, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN,
        FORBIDDEN, FORBIDDEN, UNKNOWN,
    ),
    "known": (YES,) * 11 + (UNKNOWN,),
    "session": (FORBIDDEN,) * 3 + (YES,) * 8 + (UNKNOWN,),
}  # fmt: skip
NEEDS = {
    "listAccounts": "known",
    "createAccount": "operate",
    "getAccount": "read account",
    "editAccount": "administer",
    "listMembers": "administer",
    "createMember": "administer",
    "getMember": "administer",
    "editMember": "administer",
    "deleteMember": "administer",
    "listAccountAudit": "administer",
    "listAudit": "operate",
    "listIntegrations": "integrations",
    "createIntegration": "integrations",
    "getIntegration": "integrations",
    "editIntegration": "integrations",
    "deleteIntegration": "integrations",
    "issueToken": "integrations",
    "rotateToken": "integrations",
    "cancelRotation": "integrations",
    "expireOldToken": "integrations",
    "expireTokens": "integrations",
    "getActivity": "integrations",
    "getCutover": "integrations",
    "getScopesUsed": "integrations",
    "listAccountRequests": "integrations",
    "getAccountRequest": "integrations",
    "listRequests": "operate",
    "getRequest": "operate",
    "listScopes": "known",
    "explainRequest": "known",
    "listSuggestions": "operate",
    "listAdminKeys": "operate",
    "createAdminKey": "operate",
    "revokeAdminKey": "operate",
    "listNodes": "operate",
    "getMap": "operate",
    "reloadMap": "operate",
    "diffMap": "operate",
    "listMaps": "operate",
    "getPublishedMap": "operate",
    "whoAmI": "session",
    "logOut": "session",
    "logOutEverywhere": "session",
    "changePassword": "session",
}
BODIES: dict[str, object] = {
    "createAccount": {"name": "Shop", "kind": "agency"},
    "editAccount": {"name": "Other"},
    "createMember": {"email": "new@example.com", "name": "New", "role": "user"},
    "editMember": {"name": "Other"},
    "createIntegration": NEW,
    "editIntegration": {"name": "Other"},
    "rotateToken": {"old_token": "expire_now"},
    "createAdminKey": {"name": "Key"},
    "diffMap": {
        "map": "upstreams: {u: {urls: ['http://a']}}\nservices: {s: {upstream: u, routes: {GET /a: a}}}\n"
    },
    "explainRequest": {"method": "GET", "path": "/contacts/1", "scopes": ["contacts.readonly"]},
    "changePassword": {"current_password": "correct horse battery", "new_password": "another password"},
}


def test_every_call_that_needs_somebody_is_in_the_table() -> None:
    assert set(NEEDS) == {one.id for one in OPERATIONS if one.access is not Access.ANYONE}
    assert all(len(row) == len(WHO) for row in MAY.values())


@dataclass
class Stage:
    """A sub-account of an agency, with what there is in it, and everybody."""

    people: dict[str, Client]
    ids: dict[str, str]


async def set_up(console: Console) -> Stage:
    agency = await console.account(AccountKind.AGENCY)
    account = await console.account(parent=agency)
    other = await console.account()
    operator = await console.operator()
    made = await operator.post(f"/accounts/{account.id}/integrations", NEW)
    bystander = await console.member(account, Role.USER)
    key = await operator.post("/admin-keys", {"name": "To be revoked"})
    await store(console.database, entry("a-trace", account=account.id))
    return Stage(
        people={
            "operator": operator,
            "operator of it": await console.operator(account.id),
            "operator of another": await console.operator(other.id),
            "admin": await console.person(account),
            "admin without": await console.person(account, permission=False),
            "user": await console.person(account, Role.USER),
            "user with": await console.person(account, Role.USER, permission=True),
            "agency's admin": await console.person(agency),
            "agency's admin without": await console.person(agency, permission=False),
            "agency's user with": await console.person(agency, Role.USER, permission=True),
            "another's admin": await console.person(other),
            "nobody": console.client(),
        },
        ids={
            "account_id": account.id,
            "integration_id": made.json["integration"]["id"],
            "member_id": bystander.id,
            "key_id": key.json["admin_key"]["id"],
            "trace_id": "a-trace",
            "version": await published(console),
        },
    )


async def test_everybody_may_do_what_the_table_says_and_nothing_else(console: Console) -> None:
    """Each cell is asked with those who may last, so that what they change disturbs nobody; 409 is a yes as well."""
    stage = await set_up(console)
    wrong = []
    for operation in OPERATIONS:
        if operation.id not in NEEDS:
            continue
        row = dict(zip(WHO, MAY[NEEDS[operation.id]], strict=True))
        path = operation.path.format(**stage.ids)
        for who in sorted(WHO, key=lambda who: row[who] == YES):
            if (
                operation.id in {"deleteMember", "deleteIntegration", "logOut", "logOutEverywhere"}
                and row[who] == YES
            ):
                continue  # those who may are tried where it is about the call itself
            reply = await stage.people[who].call(operation.method, path, BODIES.get(operation.id))
            allowed = reply.status < 300 or reply.status == 409
            if (YES if allowed else reply.status) != row[who]:
                wrong.append((operation.id, who, reply.status, row[who]))
    assert wrong == []


@pytest.mark.parametrize("who", ["operator", "admin", "agency's admin", "user with"])
async def test_with_the_labs_switch_off_integrations_are_closed_to_all(console: Console, who: str) -> None:
    stage = await set_up(console)
    client, account = stage.people[who], stage.ids["account_id"]
    await stage.people["operator"].patch(f"/accounts/{account}", {"labs": {"private_integrations": False}})
    for operation in OPERATIONS:
        if NEEDS.get(operation.id) == "integrations":
            reply = await client.call(
                operation.method, operation.path.format(**stage.ids), BODIES.get(operation.id)
            )
            assert reply.told() == (403, "labs_private_integrations_off"), operation.id
    await stage.people["admin"].patch(f"/accounts/{account}", {"labs": {"private_integrations": True}})
    assert (await client.get(f"/accounts/{account}/integrations")).status == 200


async def test_each_sees_the_accounts_within_reach(console: Console) -> None:
    stage = await set_up(console)
    agency = (await stage.people["agency's admin"].get("/session")).json["account"]["id"]

    async def seen(who: str, query: str = "") -> list[str]:
        reply = await stage.people[who].get(f"/accounts?limit=200{query}")
        return [account["id"] for account in reply.json["items"]]

    assert len(await seen("operator")) == 3
    account = stage.ids["account_id"]
    assert await seen("operator", f"&parent_id={agency}") == [account]
    assert await seen("agency's admin") == [account, agency]
    assert await seen("agency's admin", f"&parent_id={agency}") == [account]
    assert await seen("agency's user with") == [agency]
    assert await seen("admin") == [account]
    assert await seen("operator of it") == [account]


async def test_nobody_gives_what_they_lack_or_changes_their_own_role(console: Console) -> None:
    stage = await set_up(console)
    base = f"/accounts/{stage.ids['account_id']}/members"
    barred = stage.people["admin without"]
    bystander = f"{base}/{stage.ids['member_id']}"
    for body in ({"permissions": {"private_integrations": True}}, {"role": "admin"}):
        assert (await barred.patch(bystander, body)).told() == (403, "cannot_grant")
    new = {"email": "n@example.com", "name": "N", "role": "admin"}
    assert (await barred.post(base, new)).told() == (403, "cannot_grant")
    own = (await barred.get("/session")).json["member"]["id"]
    for body in (
        {"permissions": {"private_integrations": True}},
        {"role": "admin"},
        {"password": "another password"},
    ):
        assert (await barred.patch(f"{base}/{own}", body)).told() == (403, "own_membership")
    assert (await barred.delete(f"{base}/{own}")).told() == (403, "own_membership")
    assert (await barred.patch(f"{base}/{own}", {"name": "Me"})).status == 200
    assert (
        await stage.people["admin"].patch(bystander, {"permissions": {"private_integrations": True}})
    ).status == 200


async def test_a_permission_that_is_taken_away_counts_at_the_next_call(console: Console) -> None:
    stage = await set_up(console)
    account, admin = stage.ids["account_id"], stage.people["admin"]
    user = stage.people["user with"]
    member = (await user.get("/session")).json["member"]["id"]
    assert (await user.get(f"/accounts/{account}/integrations")).status == 200
    reply = await admin.patch(
        f"/accounts/{account}/members/{member}", {"permissions": {"private_integrations": None}}
    )
    assert reply.json["member"]["may_manage_integrations"] is False
    assert (await user.get(f"/accounts/{account}/integrations")).told() == (
        403,
        "private_integrations_not_permitted",
    )
