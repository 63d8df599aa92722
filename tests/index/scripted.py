"""A store that answers when it is told to, so that what overtakes what is the test's choice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gateway.core.model import AccountKind, Caller, Ending, TokenRecord
from gateway.core.tokens import Digester
from gateway.index.cache import TokenIndex

DIGESTER = Digester(b"a pepper", (b"an old pepper",))


class Time:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def record(
    integration: str = "pi_1",
    *,
    account: str = "acc_1",
    token: str = "tok_1",
    suspended: bool = False,
    ends_at: float | None = None,
) -> TokenRecord:
    return TokenRecord(
        caller=Caller(
            account_id=account,
            account_kind=AccountKind.SUB_ACCOUNT,
            integration_id=integration,
            token_id=token,
            scopes=frozenset({"a"}),
        ),
        suspended=suspended,
        ends_at=ends_at,
        ending=None if ends_at is None else Ending.ROTATED,
    )


@dataclass(slots=True)
class Answer:
    """Rows of one snapshot."""

    revision: int
    records: list[TokenRecord | None]


@dataclass(slots=True, eq=False)
class Question:
    """One query under way. Its snapshot is taken when the test says so."""

    digests: list[tuple[bytes, ...]]
    answered: asyncio.Future[Answer]


@dataclass(slots=True, eq=False)
class ScriptedStore:
    """Token source of an index. `rows` by digest and `revision` are what it holds; `held` makes queries wait."""

    rows: dict[bytes, TokenRecord] = field(default_factory=dict)
    revision: int = 1
    held: bool = False
    failure: Exception | None = None
    questions: list[Question] = field(default_factory=list)
    _asked: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, secret: bytes, row: TokenRecord) -> None:
        self.rows[DIGESTER.current(secret)] = row

    def drop(self, secret: bytes) -> None:
        del self.rows[DIGESTER.current(secret)]

    async def load(self, digests: Sequence[Sequence[bytes]]) -> Answer:
        question = Question([tuple(candidates) for candidates in digests], asyncio.Future())
        self.questions.append(question)
        self._asked.set()
        if not self.held:
            self.answer(question)
        return await question.answered

    def answer(self, question: Question) -> None:
        """Take the snapshot now, and send it."""
        if self.failure is not None:
            question.answered.set_exception(self.failure)
        else:
            question.answered.set_result(self.snapshot(question))

    def snapshot(self, question: Question) -> Answer:
        found = [
            next((self.rows[digest] for digest in candidates if digest in self.rows), None)
            for candidates in question.digests
        ]
        return Answer(self.revision, found)

    async def asked(self, count: int) -> Question:
        """The query of this number, counted from 1, once it was asked."""
        async with asyncio.timeout(30):
            while len(self.questions) < count:
                self._asked.clear()
                await self._asked.wait()
        return self.questions[count - 1]


def index_on(
    store: ScriptedStore,
    monotonic: Callable[[], float],
    *,
    max_entries: int = 100,
    max_unknown: int = 10,
    fresh_seconds: float = 300.0,
    unknown_seconds: float = 10.0,
    outage_grace_seconds: float = 3600.0,
    settle: Callable[[], None] = lambda: None,
) -> TokenIndex:
    """An index whose store was just confirmed."""
    index = TokenIndex(
        store,
        DIGESTER,
        max_entries=max_entries,
        max_unknown=max_unknown,
        fresh_seconds=fresh_seconds,
        unknown_seconds=unknown_seconds,
        outage_grace_seconds=outage_grace_seconds,
        monotonic=monotonic,
        settle=settle,
    )
    index.confirm(monotonic())
    return index
