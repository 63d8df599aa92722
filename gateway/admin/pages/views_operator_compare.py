"""For operators: what a draft of the route map would change beside the one in force, and do to recorded requests.

The draft is pasted, or a file that is chosen; or the text of a map from the history. Nothing of it is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from gateway.admin.management.map_diff_views import MapDiffView
from gateway.admin.management.map_diff_words import UNCOUNTED, not_decided_anew, scope_words
from gateway.admin.management.map_views import MapText
from gateway.admin.management.refusals import Unprocessable
from gateway.admin.management.requests import MapToCompare
from gateway.admin.management.values import parse
from gateway.admin.pages.answers import Answer, Show
from gateway.admin.pages.map_comparison import answer, groups, is_same, tone
from gateway.admin.pages.moments import span_words
from gateway.admin.pages.visit import Visit
from gateway.admin.pages.words import by_field, of_draft

# As much as the API takes.
MAX_FORM_BYTES: Final = 1000 * 1024
_USUAL_TIME: Final = "7d"
# How far back recorded requests are decided anew: as it is sent, and the words for it behind "the".
TIMES: Final[Mapping[str, str]] = {
    "24h": "last 24 hours",
    "7d": "last 7 days",
    "30d": "last 30 days",
    "90d": "last 90 days",
    "396d": "last 13 months",
}
_ROWS_SHOWN: Final = 200


async def compare(visit: Visit) -> Answer:
    """The form."""
    return _show(visit, "", _USUAL_TIME)


async def ask(visit: Visit) -> Answer:
    """The draft of the form beside the map in force."""
    draft, errors = _draft(visit)
    time = visit.form.get("traffic")
    if errors:
        return _show(visit, draft, time, errors=errors, status=422)
    return await _compared(visit, draft, time)


async def compare_published(visit: Visit) -> Answer:
    """A map of the history beside the one in force: what going back to it would change."""
    found = await visit.management.maps.show(visit.principal, visit.segment("version", "map"))
    return await _compared(visit, found.text, _USUAL_TIME, found)


def _draft(visit: Visit) -> tuple[str, dict[str, str]]:
    """The text, and what is wrong with how it came. A file that was chosen takes the place of what was pasted."""
    pasted, file = visit.form.get("map"), visit.form.file("file")
    if file is None:
        return pasted, {} if pasted.strip() else {"map": "Paste a map, or choose its file."}
    try:
        text = file.decode("utf-8-sig")
    except UnicodeDecodeError:
        return pasted, {"file": "This is not UTF-8; save the file in UTF-8."}
    return (text, {}) if text.strip() else (pasted, {"file": "The file is empty."})


async def _compared(visit: Visit, draft: str, time: str, published: MapText | None = None) -> Answer:
    try:
        asked = parse(MapToCompare, {"map": draft, "traffic": time or None})
        found = await visit.management.map_changes.beside_live(
            visit.principal, asked.map, traffic_seconds=asked.traffic
        )
    except Unprocessable as refusal:
        in_draft = [flaw.message for flaw in refusal.flaws if flaw.pointer == "/map"]
        return _show(
            visit,
            draft,
            time,
            published=published,
            errors=by_field(refusal.flaws),
            in_draft=in_draft,
            status=422 if published is None else 200,
        )
    told = (
        "" if asked.traffic is None else TIMES.get(time) or f"last {span_words(timedelta(0, asked.traffic))}"
    )
    return _show(visit, draft, time, published=published, result=_result(found, told))


def _result(found: MapDiffView, time: str) -> dict[str, Any]:
    traffic = found.traffic
    return {
        "found": found,
        "answer": answer(found, time),
        "tone": tone(found),
        "is_same": is_same(found),
        "groups": groups(found),
        "scopes": [(one.name, "; ".join(scope_words(one))) for one in found.scopes],
        "traffic": traffic,
        "time": time,
        "apart": [] if traffic is None else list(not_decided_anew(traffic).items()),
        "uncounted": UNCOUNTED,
        "most": _ROWS_SHOWN,
    }


def _show(
    visit: Visit,
    draft: str,
    time: str,
    *,
    published: MapText | None = None,
    result: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    in_draft: Sequence[str] = (),
    status: int = 200,
) -> Show:
    """The page. `in_draft` are the problems of the draft, each with its line; `published` is where it came from."""
    return Show(
        "operator_map_compare.html",
        {
            "in_force": visit.management.maps.get(visit.principal),
            "draft": draft,
            "time": time,
            "times": TIMES,
            "published": published,
            "result": result,
            "errors": errors or {},
            **of_draft(in_draft),
        },
        status,
        is_repeatable=True,
    )
