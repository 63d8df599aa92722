"""`gateway integration activity`, `cutover` and `scopes-used`: what the use of an integration shows."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from gateway.admin.api.operation import ActivityQuery, SinceQuery
from gateway.admin.management.usage_views import ActivityView, CutoverAnswer, CutoverView, ScopesUsed
from gateway.cli.context import ConfigOption, JsonOption
from gateway.cli.desk import Desk, manage
from gateway.cli.given import given
from gateway.cli.integrations import IntegrationArgument, OwnerOption
from gateway.cli.output import as_data, note, print_json, print_section, print_table, shown
from gateway.core.cutover import Verdict
from gateway.storage.usage import Bucket

app = typer.Typer()

FromOption = Annotated[
    str | None, typer.Option("--from", help="From this time on, such as 2026-01-31T12:00:00Z.")
]
# What each verdict means for the one who has to decide.
VERDICTS: Final = {
    Verdict.SAFE_TO_EXPIRE: "the new token is used and the old one no more: `gateway integration expire-old` is safe",
    Verdict.OLD_STILL_USED: "the old token is still used; do not expire it yet",
    Verdict.NEW_NOT_USED_YET: "the new token was not used yet; do not expire the old one",
    Verdict.NOTHING_USED: "neither token is used; nothing speaks for or against",
}


@app.command()
def activity(
    integration: IntegrationArgument,
    since: FromOption = None,
    until: Annotated[str | None, typer.Option("--to", help="Until when; by default now.")] = None,
    bucket: Annotated[Bucket, typer.Option(help="In which steps; days are those of UTC.")] = Bucket.HOUR,
    account: OwnerOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show its requests by outcome, token, operation and network: of the last day, by day of the last 30."""
    times = {name: time for name, time in (("from", since), ("to", until)) if time is not None}
    query = given(ActivityQuery, {**times, "bucket": bucket})

    async def work(desk: Desk) -> ActivityView:
        owner = await desk.owner(integration, account)
        return await desk.management.usage.activity(
            desk.by, owner, integration, bucket=query.bucket, since=query.since, until=query.until
        )

    found = manage(config, work)
    if as_json:
        print_json(as_data(found))
        return
    print(f"{shown(found.since)} to {shown(found.until)}: {sum(found.totals.values())} requests", flush=True)
    print_section("OUTCOMES", ("OUTCOME", "REQUESTS"), list(found.totals.items()))
    print_section(f"BY {bucket.value.upper()}", ("FROM", "REQUESTS"), list(_by_bucket(found).items()))
    print_section(
        "TOKENS",
        ("ID", "HINT", "SERVED", "REFUSED", "FIRST USED", "LAST USED", "ENDS"),
        [
            (t.id, t.hint, t.served, t.refused, t.first_used_at, t.last_used_at, t.ends_at)
            for t in found.tokens
        ],
    )
    print_section(
        "OPERATIONS",
        ("OPERATION", "SERVED", "REFUSED", "LAST IN THE HOUR OF"),
        [(r.route, r.served, r.refused, r.last_at) for r in found.routes],
    )
    print_section(
        "LET THROUGH, AND TO BE REFUSED ONCE THE SHADOW IS ENFORCED",
        ("OPERATION", "CODE", "REQUESTS", "LAST IN THE HOUR OF"),
        [(s.route, s.code, s.count, s.last_at) for s in found.shadow],
    )
    print_section(
        "NETWORKS",
        ("NETWORK", "TOKEN", "REQUESTS", "FIRST SEEN", "LAST SEEN"),
        [(n.network, n.token_id, n.count, n.first_seen_at, n.last_seen_at) for n in found.networks],
    )


def _by_bucket(found: ActivityView) -> dict[object, int]:
    counts: dict[object, int] = {}
    for requests in found.requests:
        counts[requests.at] = counts.get(requests.at, 0) + requests.count
    return counts


@app.command()
def cutover(
    integration: IntegrationArgument,
    account: OwnerOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell who uses the old and who the new token of a rotation, and whether the old one can be let go."""

    async def work(desk: Desk) -> CutoverAnswer:
        owner = await desk.owner(integration, account)
        return await desk.management.usage.cutover(desk.by, owner, integration)

    answer = manage(config, work)
    if as_json:
        print_json(as_data(answer))
    elif answer.cutover is None:
        note("no rotation is under way")
    else:
        _print_cutover(answer.cutover)


def _print_cutover(found: CutoverView) -> None:
    print(f"{found.verdict.value}: {VERDICTS[found.verdict]}", flush=True)
    where = [*found.still_old, *(["somewhere unknown"] if found.elsewhere else [])]
    if where:
        print(f"the old token is used from {', '.join(where)}", flush=True)
    sides = (("old", found.old), ("new", found.new))
    print_section(
        "TOKENS",
        ("ROLE", "HINT", "SERVED", "REFUSED", "FIRST USED", "LAST USED", "ENDS"),
        [
            (role, s.hint, s.served, s.refused, s.first_used_at, s.last_used_at, s.ends_at)
            for role, s in sides
        ],
    )
    print_section(
        "NETWORKS",
        ("NETWORK", "STILL OLD", "OLD LAST USED", "NEW FIRST USED", "NEW LAST USED"),
        [
            (n.network, n.still_old, n.old_last_seen_at, n.new_first_seen_at, n.new_last_seen_at)
            for n in found.networks
        ],
    )


@app.command("scopes-used")
def scopes_used(
    integration: IntegrationArgument,
    since: FromOption = None,
    account: OwnerOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell when each of its scopes was last needed: by default in the last 90 days."""
    query = given(SinceQuery, {} if since is None else {"from": since})

    async def work(desk: Desk) -> ScopesUsed:
        owner = await desk.owner(integration, account)
        return await desk.management.usage.scopes_used(desk.by, owner, integration, since=query.since)

    found = manage(config, work)
    if as_json:
        print_json(as_data(found))
        return
    print_table(("SCOPE", "LAST NEEDED"), ((s.scope, s.last_needed_at) for s in found.items))
    unneeded = sum(item.last_needed_at is None for item in found.items)
    note(f"{unneeded} of {len(found.items)} were not needed since {shown(found.since)}")
