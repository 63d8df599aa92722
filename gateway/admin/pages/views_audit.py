"""The audit log of the account, with filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from gateway.admin.management.refusals import Refusal
from gateway.admin.management.views import AuditView
from gateway.admin.pages.answers import OPERATORS, Answer, Show
from gateway.admin.pages.days import read_day
from gateway.admin.pages.visit import Visit
from gateway.admin.pages.words import ACTIONS
from gateway.storage.audit import Action, SubjectKind
from gateway.storage.audit_search import Wanted

_PAGE_SIZE: Final = 50
_MAX_ID: Final = 64


@dataclass(frozen=True, slots=True)
class Difference:
    """One member before and after; None where it was or is not there."""

    name: str
    before: str | None
    after: str | None


async def audit(visit: Visit) -> Answer:
    """Who changed what, newest first: in the account, or for operators everywhere."""
    here = f"{OPERATORS}/audit" if visit.entered is None else visit.here("audit")
    query = visit.query
    errors: dict[str, str] = {}
    since = read_day(query.get("from", ""), "from", errors)
    until = read_day(query.get("to", ""), "to", errors)
    action = query.get("action", "")
    if action and action not in set(Action):
        errors["action"] = "There is no such action."
    wanted = Wanted(
        account_id=None if visit.entered is None else visit.entered.id,
        action=action or None,
        actor_id=_identifier(query.get("actor", "")),
        subject_id=_identifier(query.get("subject", "")),
        since=since,
        until=None if until is None else until + timedelta(days=1),
    )
    found = await visit.management.audit.list(
        visit.principal, wanted, limit=_PAGE_SIZE, cursor=query.get("cursor") or None
    )
    names = await _names(visit, found.items)
    kept = {name: query[name] for name in ("action", "actor", "subject", "from", "to") if query.get(name)}
    return Show(
        "audit.html",
        {
            "here": here,
            "found": found,
            "rows": [
                (entry, names.get(entry.subject.id, ""), differences(entry.before, entry.after))
                for entry in found.items
            ],
            "actions": [(item.value, words) for item, words in ACTIONS.items()],
            "values": {name: query.get(name, "") for name in ("action", "actor", "subject", "from", "to")},
            "filtered": bool(kept),
            "more": urlencode({**kept, "cursor": found.next_cursor}) if found.next_cursor else "",
            "errors": errors,
        },
        422 if errors else 200,
    )


def _identifier(given: str) -> str | None:
    cleaned = given.strip().replace("\0", "")[:_MAX_ID]
    return cleaned or None


async def _names(visit: Visit, entries: Sequence[AuditView]) -> dict[str, str]:
    """What the subjects are called: as the rows say, or else as the integrations are called now."""
    names: dict[str, str] = {}
    for entry in entries:
        name = _name(entry)
        if name:
            names.setdefault(entry.subject.id, name)
    for entry in entries:
        if (
            visit.entered is not None
            and entry.subject.kind == SubjectKind.INTEGRATION
            and entry.subject.id not in names
        ):
            # Who may read the audit and not the integrations reads identifiers.
            with suppress(Refusal):
                integration = await visit.management.integrations.get(
                    visit.principal, visit.account.id, entry.subject.id
                )
                names[entry.subject.id] = integration.name
    return names


def _name(entry: AuditView) -> str:
    """What the subject was called, as far as the row says."""
    for side in (entry.after, entry.before):
        if side and isinstance(side.get("name"), str):
            name: str = side["name"]
            return name
    return ""


def differences(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Difference]:
    """What changed, member by member."""
    old, new = before or {}, after or {}
    return [
        Difference(name.replace("_", " "), _shown(old, name), _shown(new, name))
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name)
    ]


def _shown(side: Mapping[str, Any], name: str) -> str | None:
    if name not in side:
        return None
    match side[name]:
        case None:
            return "–"
        case bool(value):
            return "yes" if value else "no"
        case str(value):
            return value or "–"
        case list(values) if all(isinstance(value, str) for value in values):
            return ", ".join(values) or "–"
        case [*tokens] if all(isinstance(token, dict) and "hint" in token for token in tokens):
            return ", ".join(str(token["hint"]) for token in tokens) or "–"
        case value:
            return orjson.dumps(value, default=str).decode()
