"""Recorded requests, of an integration or for operators of all: a list with filters, and one by its trace id."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode

from gateway.admin.management.record_views import RequestRecordView
from gateway.admin.management.views import IntegrationView
from gateway.admin.pages.answers import OPERATORS, Answer, Show
from gateway.admin.pages.days import read_day
from gateway.admin.pages.integration_reading import live_integration
from gateway.admin.pages.visit import Visit
from gateway.admin.pages.words import OUTCOMES
from gateway.core.usage import REFUSALS
from gateway.storage.request_records import Wanted

_PAGE_SIZE: Final = 50
_MAX_TEXT: Final = 2000
# How a request ended, as one chooses it: the value in the address, the words, and what the store is asked for.
_ENDINGS: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    ("2xx", "Succeeded (2xx)", {"status_from": 200, "status_below": 300}),
    ("3xx", "Redirected (3xx)", {"status_from": 300, "status_below": 400}),
    ("4xx", "Refused (4xx)", {"status_from": 400, "status_below": 500}),
    ("5xx", "Failed (5xx)", {"status_from": 500, "status_below": 600}),
    ("caller_left", "Caller left before the answer", {"code": "caller_left"}),
)
_FILTERS: Final = ("ended", "account", "integration", "token", "route", "trace", "from", "to")


async def requests(visit: Visit) -> Answer:
    """The requests that were recorded, newest first: of an integration, or for operators of everybody."""
    integration = await _integration(visit)
    here = _here(visit, integration)
    query, errors = visit.query, dict[str, str]()
    wanted = _wanted(visit, integration, errors)
    records = visit.management.request_records
    find = records.list_all if integration is None else records.list
    found = await find(visit.principal, wanted, limit=_PAGE_SIZE, cursor=query.get("cursor") or None)
    kept = {name: query[name] for name in _FILTERS if query.get(name)}
    return Show(
        "requests.html",
        {
            **_about(integration, here),
            "found": found,
            "rows": [
                (item, tone_of(item), f"{here}/{quote(item.trace_id, safe='')}") for item in found.items
            ],
            "endings": [(value, words) for value, words, _ in _ENDINGS],
            "reasons": [(code.value, words) for code, words in OUTCOMES.items()],
            "values": {name: query.get(name, "") for name in _FILTERS},
            "filtered": bool(kept),
            "cursor": query.get("cursor"),
            "newest": urlencode(kept),
            "more": urlencode({**kept, "cursor": found.next_cursor}) if found.next_cursor else "",
            "errors": errors,
        },
        422 if errors else 200,
    )


async def _integration(visit: Visit) -> IntegrationView | None:
    """The one that is asked about; None on the pages of operators, which are about all."""
    return await live_integration(visit) if "integration_id" in visit.path else None


def _here(visit: Visit, integration: IntegrationView | None) -> str:
    if integration is None:
        return f"{OPERATORS}/requests"
    return visit.here("private-integrations", integration.id, "requests")


def _about(integration: IntegrationView | None, here: str) -> dict[str, Any]:
    tokens = () if integration is None else integration.tokens
    return {
        "integration": integration,
        "list": here,
        "tab": "requests",
        "hints": {token.id: token.hint for token in tokens},
    }


def _wanted(visit: Visit, integration: IntegrationView | None, errors: dict[str, str]) -> Wanted:
    query = visit.query
    since = read_day(query.get("from", ""), "from", errors)
    until = read_day(query.get("to", ""), "to", errors)
    return Wanted(
        account_id=_text(query, "account") if integration is None else visit.account.id,
        integration_id=_text(query, "integration") if integration is None else integration.id,
        token_id=_text(query, "token"),
        route=_text(query, "route"),
        trace_id=_text(query, "trace"),
        since=since,
        until=None if until is None else until + timedelta(days=1),
        **_ending(query.get("ended", "")),
    )


def _ending(given: str) -> dict[str, Any]:
    for value, _, wanted in _ENDINGS:
        if value == given:
            return wanted
    return {"code": given.replace("\0", "")[:_MAX_TEXT]} if given else {}


def _text(query: Mapping[str, str], name: str) -> str | None:
    return query.get(name, "").strip().replace("\0", "")[:_MAX_TEXT] or None


def tone_of(item: RequestRecordView) -> str:
    """The colour of how it ended."""
    if item.code in REFUSALS:
        return "warn"
    return "bad" if item.code or item.status >= 500 else "warn" if item.status >= 400 else "good"


async def request(visit: Visit) -> Answer:
    """One request, whole."""
    integration = await _integration(visit)
    found = await visit.management.request_records.get(
        visit.principal,
        visit.segment("trace_id", "request"),
        account_id=None if integration is None else visit.account.id,
        integration_id=None if integration is None else integration.id,
    )
    return Show(
        "request.html",
        {**_about(integration, _here(visit, integration)), "item": found, "tone": tone_of(found)},
    )
