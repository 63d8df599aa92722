"""The account: which one, its Labs switch, and its rules for tokens."""

from __future__ import annotations

from gateway.admin.management.refusals import Unprocessable
from gateway.admin.management.requests import AccountEdit
from gateway.admin.management.values import parse
from gateway.admin.pages.answers import Answer, Done, Show
from gateway.admin.pages.visit import Visit
from gateway.admin.pages.words import by_field

_PAGE_SIZE = 50


async def accounts(visit: Visit) -> Answer:
    """The agency and its sub-accounts, to switch between."""
    found = await visit.management.accounts.list(
        visit.principal, limit=_PAGE_SIZE, cursor=visit.query.get("cursor") or None
    )
    return Show("accounts.html", {"found": found})


async def labs(visit: Visit) -> Answer:
    """The features that an account switches on for itself."""
    visit.require_admin()
    return Show("labs.html")


async def switch_labs(visit: Visit) -> Answer:
    """Switches private integrations on or off."""
    on = visit.form.get("private_integrations") == "on"
    edit = parse(AccountEdit, {"labs": {"private_integrations": on}})
    await visit.management.accounts.edit(visit.principal, visit.account.id, edit)
    return visit.go("labs", done=Done.LABS_ON if on else Done.LABS_OFF)


async def rules(visit: Visit) -> Answer:
    """When to be reminded of a rotation, and when unused tokens expire."""
    visit.require_admin()
    return _rules(
        visit,
        {
            "rotation_remind_after_days": _shown(visit.account.rotation_remind_after_days),
            "inactivity_expire_after_days": _shown(visit.account.inactivity_expire_after_days),
        },
    )


async def save_rules(visit: Visit) -> Answer:
    """Takes the days; an empty field goes back to what is configured."""
    visit.require_admin()
    given = {
        name: visit.form.get(name).strip()
        for name in ("rotation_remind_after_days", "inactivity_expire_after_days")
    }
    try:
        edit = parse(AccountEdit, {name: value or None for name, value in given.items()})
    except Unprocessable as refusal:
        errors = dict.fromkeys(by_field(refusal.flaws), "Write a whole number of days from 1 to 3650.")
        return _rules(visit, given, errors, status=422)
    await visit.management.accounts.edit(visit.principal, visit.account.id, edit)
    return visit.go("private-integrations", "rules", done=Done.RULES_SAVED)


def _rules(
    visit: Visit, values: dict[str, str], errors: dict[str, str] | None = None, *, status: int = 200
) -> Show:
    default = visit.rules.remind_after.days
    return Show("rules.html", {"values": values, "errors": errors or {}, "default_days": default}, status)


def _shown(days: int | None) -> str:
    return "" if days is None else str(days)
