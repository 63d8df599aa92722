"""For operators: every account, found by name or id, and new ones."""

from __future__ import annotations

from typing import Final

from gateway.admin.management.refusals import ConflictingState, Unprocessable
from gateway.admin.management.requests import NewAccount
from gateway.admin.management.values import parse
from gateway.admin.pages.answers import BASE, Answer, Done, Go, Show
from gateway.admin.pages.visit import Visit
from gateway.admin.pages.words import by_field

_PAGE_SIZE: Final = 25
_MAX_SEARCH: Final = 200
_MAX_ID: Final = 64


async def accounts(visit: Visit) -> Answer:
    """The accounts, newest first: all, those of an agency (`of`), those that have the words `q` in their name."""
    words = _cleaned(visit.query.get("q", ""), _MAX_SEARCH)
    agency = _cleaned(visit.query.get("of", ""), _MAX_ID)
    cursor = visit.query.get("cursor") or None
    management, by = visit.management.accounts, visit.principal
    found = await management.list(
        by, limit=_PAGE_SIZE, cursor=cursor, parent_id=agency or None, words=words or None
    )
    parents = {account.parent_id for account in found.items if account.parent_id} | ({agency} - {""})
    return Show(
        "operator_accounts.html",
        {
            "found": found,
            "held": await management.held(by, [account.id for account in found.items]),
            "names": await management.names(by, sorted(parents)),
            "q": words,
            "of": agency,
            "cursor": cursor,
        },
    )


async def new_account(visit: Visit) -> Answer:
    """The form for another account; within an agency where `of` names one."""
    agency = _cleaned(visit.query.get("of", ""), _MAX_ID)
    return Show(
        "operator_account_new.html",
        {"values": {"name": "", "kind": "sub_account", "parent_id": agency}},
    )


async def add_account(visit: Visit) -> Answer:
    """Makes the account, and goes where its first admin is added."""
    values = {name: visit.form.get(name).strip() for name in ("name", "kind", "parent_id")}
    try:
        new = parse(NewAccount, {**values, "parent_id": values["parent_id"] or None})
        made = await visit.management.accounts.create(visit.principal, new)
    except Unprocessable as refusal:
        return Show("operator_account_new.html", {"values": values, "errors": by_field(refusal.flaws)}, 422)
    except ConflictingState as refusal:
        return Show(
            "operator_account_new.html", {"values": values, "errors": {"parent_id": refusal.detail}}, 409
        )
    return Go(f"{BASE}/{made.account.id}/team?done={Done.ACCOUNT_CREATED.value}")


def _cleaned(given: str, most: int) -> str:
    return given.strip().replace("\0", "")[:most]
