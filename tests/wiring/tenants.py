"""Accounts, integrations and tokens for tests, made by the real repositories, with secrets that are known."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta

from gateway.core.model import AccountKind
from gateway.core.rotation import Operation
from gateway.core.tokens import Digester
from gateway.settings.pepper import Peppers
from gateway.storage import accounts, integrations, tokens
from gateway.storage.audit import Actor, ActorKind
from gateway.storage.database import Database
from gateway.storage.mutation import Mutation, mutation
from gateway.wiring.credentials import new_token

PEPPERS = Peppers(current=b"one pepper for all tests, public")
PEPPERS_FILE = f"tests {PEPPERS.current.hex()}\n"
DIGESTER = Digester(PEPPERS.current, PEPPERS.retired)
_TESTER = Actor(kind=ActorKind.OPERATOR, id="tester", name="a test")
_MINTING = {Operation.ISSUE, Operation.ROTATE_LATER, Operation.ROTATE_NOW}


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A token with its secret, and whose it is."""

    secret: str
    token_id: str
    account_id: str
    account_kind: AccountKind
    integration_id: str
    scopes: frozenset[str]


def never_issued() -> str:
    """A token of the right form that no store knows."""
    return new_token("pit", DIGESTER)[0]


class Tenants:
    """Makes and changes them in one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._accounts: dict[AccountKind, str] = {}

    def change(self) -> AbstractAsyncContextManager[Mutation]:
        return mutation(self.database, actor=_TESTER)

    async def account(self, kind: AccountKind) -> str:
        """An account of this kind, made once."""
        if kind not in self._accounts:
            async with self.change() as change:
                self._accounts[kind] = (await accounts.create(change, name=kind.value, kind=kind)).id
        return self._accounts[kind]

    async def issue(self, *scopes: str, kind: AccountKind = AccountKind.SUB_ACCOUNT) -> Issued:
        """A new integration with these scopes and one token."""
        (issued,) = await self.issue_many([scopes], kind=kind)
        return issued

    async def issue_many(
        self, scope_lists: Iterable[Iterable[str]], *, kind: AccountKind = AccountKind.SUB_ACCOUNT
    ) -> list[Issued]:
        account_id = await self.account(kind)
        made = []
        async with self.change() as change:
            for scopes in scope_lists:
                secret, token = new_token("pit", DIGESTER)
                integration = await integrations.create(
                    change, account_id=account_id, name="App", description="", scopes=scopes, token=token
                )
                made.append(
                    Issued(
                        secret=secret,
                        token_id=token.id,
                        account_id=account_id,
                        account_kind=kind,
                        integration_id=integration.id,
                        scopes=frozenset(integration.scopes),
                    )
                )
        return made

    async def operate(
        self, issued: Issued, operation: Operation, window: timedelta | None = None
    ) -> tuple[int, str | None]:
        """One operation on the token's integration: the revision it made, and the new token's secret."""
        secret, token = new_token("pit", DIGESTER) if operation in _MINTING else (None, None)
        if operation is Operation.ROTATE_LATER and window is None:
            window = timedelta(days=7)
        async with self.change() as change:
            await tokens.operate(
                change,
                operation,
                account_id=issued.account_id,
                integration_id=issued.integration_id,
                token=token,
                window=window,
            )
        return _made(change), secret

    async def suspend(self, issued: Issued) -> int:
        async with self.change() as change:
            await integrations.suspend(
                change, account_id=issued.account_id, integration_id=issued.integration_id
            )
        return _made(change)

    async def resume(self, issued: Issued) -> int:
        async with self.change() as change:
            await integrations.resume(
                change, account_id=issued.account_id, integration_id=issued.integration_id
            )
        return _made(change)

    async def delete(self, issued: Issued) -> int:
        async with self.change() as change:
            await integrations.delete(
                change, account_id=issued.account_id, integration_id=issued.integration_id
            )
        return _made(change)

    async def set_scopes(self, issued: Issued, *scopes: str) -> int:
        async with self.change() as change:
            await integrations.edit(
                change, account_id=issued.account_id, integration_id=issued.integration_id, scopes=scopes
            )
        return _made(change)

    async def ends_at(self, token_id: str) -> float:
        """A token's deadline, UNIX seconds by the database's clock."""
        (row,) = await self.database.fetch("SELECT ends_at FROM tokens WHERE id = $1", token_id)
        seconds: float = row["ends_at"].timestamp()
        return seconds

    async def clock(self) -> float:
        """The database's clock."""
        (row,) = await self.database.fetch("SELECT clock_timestamp() AS at")
        seconds: float = row["at"].timestamp()
        return seconds

    async def let_the_deadline_pass(self, token_id: str) -> None:
        await self.database.fetch(
            "UPDATE tokens SET ends_at = now() - interval '1 microsecond' WHERE id = $1 AND ends_at > now()",
            token_id,
        )


def _made(change: Mutation) -> int:
    assert change.revision is not None, "nothing was changed"
    return change.revision
