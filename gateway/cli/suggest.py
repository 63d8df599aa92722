"""`gateway suggest`: scopes that nobody needed, routes that nobody called, and which shadows can be enforced."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

import typer

from gateway.admin.api.operation import SuggestionsQuery
from gateway.admin.management.suggestion_views import SuggestionsView
from gateway.cli.context import ConfigOption, JsonOption
from gateway.cli.desk import Desk, manage
from gateway.cli.given import given
from gateway.cli.output import as_data, counted, note, print_json, print_section, shown

_PAGE: Final = 200
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


def suggest(
    unused_for: Annotated[str, typer.Option(help="For how long something must not have been used.")] = "30d",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Suggest what to tighten: scopes that integrations hold and did not need, routes that nobody called, shadows to enforce."""
    span = timedelta(seconds=given(SuggestionsQuery, {"unused_for": unused_for}).unused_for)

    async def work(desk: Desk) -> SuggestionsView:
        suggestions = desk.management.suggestions
        first = found = await suggestions.list(desk.by, unused_for=span, limit=_PAGE)
        items = list(found.items)
        while found.next_cursor is not None:
            found = await suggestions.list(desk.by, unused_for=span, limit=_PAGE, cursor=found.next_cursor)
            items += found.items
        return first.model_copy(update={"items": tuple(items), "next_cursor": None})

    found = manage(config, work)
    if as_json:
        print_json(as_data(found))
        return
    _print(found)


def _print(found: SuggestionsView) -> None:
    span = found.until - found.since
    time = timedelta(seconds=found.counted_seconds)
    print(
        f"{shown(found.since)} to {shown(found.until)}; {_words(time)} of these {_words(span)} were counted",
        flush=True,
    )
    print_section(
        "SCOPES THAT WERE NOT NEEDED",
        ("INTEGRATION", "ACCOUNT", "NAME", "HOLDS", "DID NOT NEED", "LAST USED"),
        [
            (one.integration_id, one.account_id, one.name, one.held, one.scopes, one.last_used_at)
            for one in found.items
        ],
    )
    routes = found.routes or ()
    print_section(
        "ROUTES THAT NOBODY CALLED",
        ("METHOD", "PATH", "NEEDS", "SERVICE"),
        [(one.method, one.path, one.needs, one.service) for one in routes],
    )
    print_section(
        "SHADOWS",
        ("METHOD", "PATH", "TRIES", "WOULD HAVE REFUSED", "OF INTEGRATIONS", "LAST IN THE HOUR OF"),
        [
            (
                one.method,
                one.path,
                one.tries,
                [f"{count} {code}" for code, count in one.refusals.items()] or "nothing",
                one.integrations,
                one.last_at,
            )
            for one in found.shadows or ()
        ],
    )
    note(
        f"{counted(len(found.items), 'integration')} with scopes to spare; {len(routes)} of "
        f"{counted(found.counted_routes, 'counted route')} without a call"
    )
    if found.young_routes:
        note(f"left out: {counted(found.young_routes, 'route')} that came into the map since then")
    if found.young:
        note(
            f"left out: {counted(found.young, 'integration')} made since then, without the time to use all it holds"
        )
    if not found.is_complete:
        since = "it never was" if found.counting_since is None else f"since {shown(found.counting_since)}"
        note(f"not all of this time was counted ({since}): what was not seen may have been used all the same")


def _words(time: timedelta) -> str:
    return f"{time / _DAY:.1f} days" if time >= _DAY else f"{time / _HOUR:.1f} hours"
