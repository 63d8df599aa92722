"""For operators: what becomes of a call, and why; which scope it needs.

What is asked stands in the address, to be passed on and reloaded. A token never does, and a draft of a map is too long:
those questions are a form's alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, assert_never
from urllib.parse import urlencode

from gateway.admin.management.explain_request import ExplainRequest
from gateway.admin.management.explain_views import ExplanationView
from gateway.admin.management.refusals import Flaw, Unprocessable
from gateway.admin.management.values import parse
from gateway.admin.pages.answers import OPERATORS, Answer, Go, Show
from gateway.admin.pages.visit import Visit
from gateway.admin.pages.words import by_field, of_draft
from gateway.core.model import AccountKind

_HERE: Final = f"{OPERATORS}/explain"
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_PARAMETER: Final = re.compile(r"\{[^/{}]*\}")
_LONGEST_ADDRESS: Final = 4000
_SAMPLE_ID: Final = "123"


class By(StrEnum):
    """Who calls."""

    NOBODY = "nobody"
    SCOPES = "scopes"
    INTEGRATION = "integration"
    TOKEN = "token"  # noqa: S105 - no password


_FIELDS: Final = ("method", "path", "by", "scopes", "account_kind", "integration_id", "version")
_DEFAULTS: Final = {"method": "GET", "by": By.NOBODY.value, "account_kind": AccountKind.SUB_ACCOUNT.value}


async def explain(visit: Visit) -> Answer:
    """The form; with a call in the address, what becomes of it."""
    values = _values(visit.query)
    if not visit.query.get("path"):
        return _show(visit, values)
    return await _explained(visit, values, token="")


async def ask(visit: Visit) -> Answer:
    """Goes to the address of the question; one with a token, or too long for an address, is answered here."""
    given = {name: visit.form.get(name) for name in _FIELDS}
    values = _values(given)
    draft = visit.form.get("map")
    if values["by"] == By.TOKEN.value or (draft.strip() and values["path"]):
        return await _explained(visit, values, token=visit.form.get("token"), draft=draft)
    if not values["path"]:
        return _show(visit, values, errors={"path": "Fill this in."})
    kept = {name: value for name, value in values.items() if value and value != _DEFAULTS.get(name)}
    location = f"{_HERE}?{urlencode({'method': values['method'], **kept})}"
    if len(location) > _LONGEST_ADDRESS:
        return await _explained(visit, values, token="")
    return Go(location)


def _values(given: Mapping[str, str]) -> dict[str, str]:
    """The fields as they are shown again. A template stands for a path, with something for its parameters."""
    values = {name: given.get(name, "").strip() or _DEFAULTS.get(name, "") for name in _FIELDS}
    return {**values, "path": _PARAMETER.sub(_SAMPLE_ID, values["path"])}


async def _explained(visit: Visit, values: dict[str, str], *, token: str, draft: str = "") -> Answer:
    try:
        by = By(values["by"])
    except ValueError:
        return _show(visit, values, draft=draft, errors={"by": "Choose who calls."})
    try:
        said = _asked(values, by, token)
        asked = parse(ExplainRequest, {**said, "map": draft} if draft.strip() else said)
        found = await visit.management.explain.explain(visit.principal, asked)
    except Unprocessable as refusal:
        errors = by_field(map(_named_as_here, refusal.flaws))
        in_draft = [flaw.message for flaw in refusal.flaws if flaw.pointer == "/map"]
        return _show(visit, values, draft=draft, errors=errors, in_draft=in_draft)
    return _show(visit, values, found, draft=draft)


def _asked(values: Mapping[str, str], by: By, token: str) -> dict[str, Any]:
    asked: dict[str, Any] = {"method": values["method"].upper(), "path": values["path"]}
    if values["version"]:
        asked["headers"] = {"Version": values["version"]}
    match by:
        case By.NOBODY:
            return asked
        case By.SCOPES:
            scopes = tuple(values["scopes"].replace(",", " ").split())
            return {**asked, "scopes": scopes, "account_kind": values["account_kind"]}
        case By.INTEGRATION:
            return {**asked, "integration_id": values["integration_id"]}
        case By.TOKEN:
            return {**asked, "token": token.strip()}
        case _:
            assert_never(by)


def _named_as_here(flaw: Flaw) -> Flaw:
    """The API has headers where the form has the one that matters."""
    pointer = flaw.pointer.replace("/headers", "/version", 1)
    return Flaw(pointer=pointer or "/by", message=flaw.message, code=flaw.code)


def _show(
    visit: Visit,
    values: dict[str, str],
    found: ExplanationView | None = None,
    *,
    draft: str = "",
    errors: dict[str, str] | None = None,
    in_draft: Sequence[str] = (),
) -> Show:
    """The page. `in_draft` are the problems of the draft, each with its line."""
    methods = {*_METHODS, *(route.method for route in visit.rules.live_map().routes), values["method"]}
    return Show(
        "operator_explain.html",
        {
            "values": values,
            "methods": sorted(methods, key=_order),
            "found": found,
            "errors": errors or {},
            "draft": draft,
            **of_draft(in_draft),
        },
        422 if errors else 200,
        is_repeatable=True,
    )


def _order(method: str) -> tuple[int, str]:
    return (_METHODS.index(method) if method in _METHODS else len(_METHODS), method)
