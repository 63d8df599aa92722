"""What a command that manages works at: the services in the operator's name, on an open database.

Who may do what, and whether it fits, is decided by the services, so that commands and API cannot disagree.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import typer

from gateway.admin.api.operation import IDENTIFIER, Waiting
from gateway.admin.management.outcomes import Changed
from gateway.admin.management.principal import Operator
from gateway.admin.management.refusals import Missing, translated
from gateway.admin.management.services import Management
from gateway.cli.context import operator, read_digester, read_map, read_settings, with_database
from gateway.cli.failures import Refused
from gateway.cli.given import given
from gateway.core.tokens import Digester
from gateway.storage import integrations
from gateway.storage.database import Database
from gateway.storage.errors import NotFound, StoreUnavailable
from gateway.wiring.management import management

T = TypeVar("T")
C = TypeVar("C", bound=Changed)

WaitOption = Annotated[
    str | None,
    typer.Option(help="Wait until every live node has applied the change, at most this long, such as 5s."),
]


class _PeppersAtFirstUse(Digester):
    """Reads the peppers when a secret is made: who only looks needs no right to them, and makes no file."""

    def __init__(self, read: Callable[[], Digester]) -> None:
        self._read = cache(read)

    def __repr__(self) -> str:
        return "Digester(not read yet)"

    def current(self, token: bytes) -> bytes:
        return self._read().current(token)

    def candidates(self, token: bytes) -> tuple[bytes, ...]:
        return self._read().candidates(token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The services, in whose name they are asked, and the database for looking things up."""

    management: Management
    by: Operator
    database: Database

    async def owner(self, integration_id: str, account_id: str | None) -> str:
        """The account of an integration, which operators may name by its id alone. Raises Missing."""
        known(integration_id, "integration")
        if account_id is not None:
            return known(account_id, "account")
        with translated():
            return await integrations.account_of(self.database, integration_id)

    async def receipt(self, revision: int, wait_seconds: float) -> dict[str, Any]:
        """Who has applied this revision, in the API's words. Ctrl-C ends the waiting and no more.

        The change is made, and its secret still has to be printed.
        """
        applied = None
        try:
            applied = await self.management.nodes.receipt(revision, wait_seconds=wait_seconds)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            assert task is not None
            task.uncancel()
        if applied is None:
            return {"applied_by": None, "waiting_for": None}
        return {"applied_by": applied.applied_by, "waiting_for": applied.waiting_for}


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Generic[C]):
    """A change that was made, and its receipt where one was asked for."""

    outcome: C
    receipt: dict[str, Any] | None


def known(identifier: str, kind: str) -> str:
    """The identifier, if it can be one. Raises Missing for what the store need not be asked about."""
    if IDENTIFIER.fullmatch(identifier) is None:
        raise Missing(kind) from NotFound(kind, identifier)
    return identifier


def manage(config: Path | None, work: Callable[[Desk], Awaitable[T]], *, routes: Path | None = None) -> T:
    """Run `work` at a desk, with the route map in `routes` or the settings' own.

    Raises Refusal, StorageError and ConfigurationError.
    """
    settings = read_settings(config)

    async def at_desk(database: Database) -> T:
        services = management(
            lambda: settings,
            database,
            _PeppersAtFirstUse(lambda: read_digester(settings)),
            live_map=cache(lambda: read_map(settings, config, routes)),
        )
        return await work(Desk(management=services, by=Operator(actor=operator()), database=database))

    return with_database(settings, at_desk)


def wait_seconds(wait: str | None) -> float | None:
    """What --wait says. Raises Refused."""
    return None if wait is None else given(Waiting, {"wait": wait}).wait


def change(config: Path | None, wait: str | None, work: Callable[[Desk], Awaitable[C]]) -> Done[C]:
    """Make a change at a desk, and wait for its receipt where that is wanted."""
    seconds = wait_seconds(wait)

    async def make(desk: Desk) -> Done[C]:
        try:
            outcome = await work(desk)
        except StoreUnavailable as error:
            raise Refused(
                f"{error}; the change may have been made all the same: look before you repeat it"
            ) from error
        receipt = None if seconds is None else await desk.receipt(outcome.revision, seconds)
        return Done(outcome=outcome, receipt=receipt)

    return manage(config, make)
