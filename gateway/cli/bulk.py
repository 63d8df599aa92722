"""One integration in each of many accounts: all accounts are checked before the first is touched, and whatever was made
is on standard output before the next begins, so that no token is lost with what comes after it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.admin.management.outcomes import IntegrationIssued
from gateway.admin.management.refusals import Refusal
from gateway.admin.management.requests import NewIntegration
from gateway.admin.management.views import IntegrationView
from gateway.cli.desk import Desk, known, manage, wait_seconds
from gateway.cli.failures import BAD_USAGE, Refused
from gateway.cli.given import read_lines
from gateway.cli.output import as_data, note, print_json_line
from gateway.cli.pages import everything
from gateway.cli.told import receipt_in_words
from gateway.cli.ways_out import in_words
from gateway.storage.errors import StorageError

# A store that fails so often in a row is away: each further account would only wait for its time limit.
_FAILURES_IN_A_ROW: Final = 3


@dataclass(slots=True)
class Report:
    """What became of the accounts."""

    total: int
    made: int = 0
    skipped: int = 0
    failed: list[str] = field(default_factory=list)
    revision: int | None = None

    def __str__(self) -> str:
        return f"created {self.made}, skipped {self.skipped}, failed {len(self.failed)} of {self.total}"

    @property
    def left(self) -> int:
        """Those that were not tried."""
        return self.total - self.made - self.skipped - len(self.failed)


def create_in_each(
    source: str,
    new: NewIntegration,
    *,
    skip_existing: bool,
    wait: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Make `new` in each account that `source` lists. Raises Refused when not all of it could be done."""
    seconds = wait_seconds(wait)
    lines = read_lines(source)
    if not lines:
        raise Refused(f"{source} names no account", status=BAD_USAGE)

    async def work(desk: Desk) -> Report:
        existing = await _checked(desk, source, lines, new, skip_existing=skip_existing)
        report = Report(total=len(lines))
        try:
            await _create(desk, new, existing, report, as_json=as_json)
        finally:
            note(str(report))
        if seconds is not None and report.revision is not None:
            note(receipt_in_words(await desk.receipt(report.revision, seconds)))
        return report

    report = manage(config, work)
    if report.failed:
        untried = f" and {report.left} more were not tried" if report.left else ""
        raise Refused(
            f"not done: {', '.join(report.failed)}{untried}; "
            "the same with --skip-existing does what is missing and nothing twice"
        )


async def _checked(
    desk: Desk, source: str, lines: list[tuple[int, str]], new: NewIntegration, *, skip_existing: bool
) -> dict[str, IntegrationView | None]:
    """Each account, and what it has of this name where that is asked. Raises Refused when a line is wrong."""
    first_lines: dict[str, int] = {}
    existing: dict[str, IntegrationView | None] = {}
    wrong = 0
    for number, account_id in lines:
        first = first_lines.setdefault(account_id, number)
        try:
            if first != number:
                raise Refused(f"{account_id} stands on line {first} already")  # noqa: TRY301 - told like the others
            existing[account_id] = await _check(desk, account_id, new, by_name=skip_existing)
        except Refusal as refusal:
            note(f"{source}:{number}: {account_id}: {in_words(refusal)}")
        except Refused as refused:
            note(f"{source}:{number}: {refused}")
        else:
            continue
        wrong += 1
    if wrong:
        raise Refused(f"nothing was created: {wrong} of {len(lines)} lines are wrong")
    return existing


async def _check(
    desk: Desk, account_id: str, new: NewIntegration, *, by_name: bool
) -> IntegrationView | None:
    """What this account has of this name, if that is asked. Raises Refusal when it cannot have `new`."""
    services = desk.management
    account = await services.accounts.get(desk.by, known(account_id, "account"))
    services.scopes.check(account.kind, new.scopes)
    # The list is refused to whom the making would be.
    found = await everything(
        lambda limit, cursor: services.integrations.list(desk.by, account_id, limit=limit, cursor=cursor),
        at_most=None if by_name else 1,
    )
    same = (integration for integration in found.items if integration.name == new.name)
    return next(same, None) if by_name else None


async def _create(
    desk: Desk,
    new: NewIntegration,
    existing: dict[str, IntegrationView | None],
    report: Report,
    *,
    as_json: bool,
) -> None:
    in_a_row = 0
    for account_id, found in existing.items():
        if found is not None:
            report.skipped += 1
            note(f"{account_id}: skipped, it has {found.id} of this name")
            continue
        try:
            issued = await desk.management.integrations.create(desk.by, account_id, new)
        except (Refusal, StorageError) as error:
            report.failed.append(account_id)
            if isinstance(error, Refusal):
                in_a_row = 0
                note(f"{account_id}: {in_words(error)}")
                continue
            in_a_row += 1
            note(f"{account_id}: {error}; it may have been created all the same")
            if in_a_row == _FAILURES_IN_A_ROW:
                return
        else:
            in_a_row = 0
            report.made += 1
            report.revision = issued.revision
            _print(issued, as_json)


def _print(issued: IntegrationIssued, as_json: bool) -> None:
    if as_json:
        print_json_line(as_data(issued))
        return
    made, token = issued.integration, issued.token
    print("\t".join((made.account_id, made.id, *(() if token is None else (token.secret,)))), flush=True)
