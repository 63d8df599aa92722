"""For operators: admin keys. A new one is shown once; a revoked one ends the sessions that were begun with it."""

from __future__ import annotations

from typing import Final

from gateway.admin.management.refusals import Unprocessable
from gateway.admin.management.requests import NewAdminKey
from gateway.admin.management.values import parse
from gateway.admin.management.views import AdminKeyView
from gateway.admin.pages.answers import OPERATORS, Answer, Done, Go, Show
from gateway.admin.pages.visit import Visit
from gateway.admin.pages.words import by_field

_PAGE_SIZE: Final = 50
# How long a key may last, as the form sends it, and in words. Empty: until it is revoked.
LIVES: Final = (
    ("30d", "30 days"),
    ("90d", "90 days"),
    ("365d", "1 year"),
    ("", "Until it is revoked"),
)
_USUAL: Final = "90d"


async def keys(visit: Visit) -> Answer:
    """The keys, newest first, with what became of them."""
    found = await visit.management.admin_keys.list(
        visit.principal, limit=_PAGE_SIZE, cursor=visit.query.get("cursor") or None
    )
    names = await visit.management.accounts.names(
        visit.principal, sorted({key.account_id for key in found.items if key.account_id})
    )
    return Show(
        "operator_keys.html",
        {
            "found": found,
            "names": names,
            "states": {key.id: _state(visit, key) for key in found.items},
            "own": visit.principal.actor.id,
        },
    )


def _state(visit: Visit, key: AdminKeyView) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is not None and key.expires_at <= visit.rules.now():
        return "expired"
    return "live"


async def new_key(visit: Visit) -> Answer:
    """The form for another key."""
    return _new_key({"name": "", "account_id": visit.query.get("of", "")[:64], "expires_in": _USUAL})


async def add_key(visit: Visit) -> Answer:
    """Makes the key. The answer is the one page that has it."""
    values = {name: visit.form.get(name).strip() for name in ("name", "account_id", "expires_in")}
    try:
        new = parse(
            NewAdminKey,
            {
                "name": values["name"],
                "account_id": values["account_id"] or None,
                "expires_in": values["expires_in"] or None,
            },
        )
        made = await visit.management.admin_keys.create(visit.principal, new)
    except Unprocessable as refusal:
        return _new_key(values, by_field(refusal.flaws))
    return Show(
        "operator_key_shown.html",
        {"key": made.admin_key, "secret": made.secret, "onward": f"{OPERATORS}/keys"},
    )


def _new_key(values: dict[str, str], errors: dict[str, str] | None = None) -> Show:
    return Show(
        "operator_key_new.html",
        {"values": values, "lives": LIVES, "errors": errors or {}},
        422 if errors else 200,
    )


async def ask_revocation(visit: Visit) -> Answer:
    """The warning before a key is revoked."""
    key = await visit.management.admin_keys.get(visit.principal, visit.segment("key_id", "admin key"))
    return Show(
        "operator_key_revoke.html",
        {"key": key, "is_own": key.id == visit.principal.actor.id, "state": _state(visit, key)},
    )


async def revoke(visit: Visit) -> Answer:
    """Ends the key."""
    await visit.management.admin_keys.revoke(visit.principal, visit.segment("key_id", "admin key"))
    return Go(f"{OPERATORS}/keys?done={Done.KEY_REVOKED.value}")
