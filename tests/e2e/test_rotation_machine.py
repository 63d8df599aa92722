"""Any sequence of operations on a real store, each token ever issued called through a running proxy after every step.

The oracle is the few-line model of the core's machine. The database's clock cannot be stepped: windows are short, and
a step of time is waiting for the deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import uvloop
from hypothesis import HealthCheck, Phase, reject, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gateway.core.rotation import Operation
from gateway.storage.errors import Conflict
from tests.core.machine_figures import MachineFigures
from tests.core.rotation_model import RotationModel
from tests.proxy.caller import Caller, request
from tests.wiring.databases import Databases, run
from tests.wiring.rig import Gateway, Rig
from tests.wiring.standing import Standing
from tests.wiring.tenants import Issued

SEQUENCES, STEPS = 30, 20
SHORT_SECONDS, LONG_SECONDS = 0.6, 3600.0
# Whether a change comes before a deadline that is nearer than this is not asked: it is waited for.
NEAR_SECONDS = 0.25
# How far the node's idea of the database's clock may be off.
TOLERANCE_SECONDS = 0.05

T = TypeVar("T")


class Bench:
    """One node for all sequences, and a loop to drive it from hypothesis' own."""

    def __init__(self, runner: asyncio.Runner, gateway: Gateway, caller: Caller) -> None:
        self._runner = runner
        self.gateway = gateway
        self._caller = caller

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def clock(self) -> float:
        return self.do(self.gateway.tenants.clock())

    def settled(self, revision: int) -> None:
        self.do(self.gateway.applied(revision))

    def wait_until(self, instant: float) -> None:
        async def wait() -> None:
            while (now := await self.gateway.tenants.clock()) < instant:  # noqa: ASYNC110 - a clock
                await asyncio.sleep(instant - now)

        self.do(wait())

    def call(self, secret: str) -> tuple[float, str | None, float]:
        """What a call with this token is told, and the database's clock before and after."""

        async def work() -> tuple[float, str | None, float]:
            before = await self.gateway.tenants.clock()
            answer = await self._caller.ask(request("GET", "/contacts/c1", token=secret))
            assert (answer.status == 200) == (answer.code is None), answer
            return before, answer.code, await self.gateway.tenants.clock()

        return self.do(work())


def machine(bench: Bench, figures: MachineFigures) -> type[RuleBasedStateMachine]:
    tenants = bench.gateway.tenants

    class Rotation(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.model = RotationModel()
            self.secrets: list[str] = []

        @initialize()
        def begin(self) -> None:
            figures.sequences += 1
            self.issued: Issued = bench.do(tenants.issue("contacts.readonly"))
            self.secrets.append(self.issued.secret)
            self.model.operate(Operation.ISSUE, bench.clock(), 0)

        @rule(operation=st.sampled_from(Operation), window=st.sampled_from([SHORT_SECONDS, LONG_SECONDS]))
        def operate(self, operation: Operation, window: float) -> None:
            now = self._away_from_the_deadline()
            allowed = self.model.allows(operation, now)
            chosen = timedelta(seconds=window) if operation is Operation.ROTATE_LATER else None
            try:
                revision, secret = bench.do(tenants.operate(self.issued, operation, chosen))
            except Conflict:
                self._no_deadline_since(now)
                assert not allowed, f"{operation} was refused"
                figures.operations_refused += 1
                return
            self._no_deadline_since(now)
            assert allowed, f"{operation} was done"
            figures.operations_done += 1
            self.model.operate(operation, now, window)
            if operation is Operation.ROTATE_LATER:
                # The store knows better when exactly it was done.
                self.model.deadline = self._deadline()
            if secret is not None:
                self.secrets.append(secret)
            bench.settled(revision)

        @precondition(lambda self: not self.model.deleted)
        @rule(choice=st.randoms(use_true_random=False), window=st.sampled_from([SHORT_SECONDS, LONG_SECONDS]))
        def operate_as_allowed(self, choice: Random, window: float) -> None:
            now = bench.clock()
            possible = [operation for operation in Operation if self.model.allows(operation, now)]
            self.operate(choice.choice(possible), window)

        def _away_from_the_deadline(self) -> float:
            """The database's clock, when no deadline is near."""
            if self.model.old is not None and self.model.deadline < bench.clock() + NEAR_SECONDS:
                bench.wait_until(self.model.deadline)
            return bench.clock()

        def _no_deadline_since(self, instant: float) -> None:
            """Give a sequence up when a deadline came between `instant` and the change: nobody knows which was first."""
            if self.model.old is not None and instant < self.model.deadline <= bench.clock():
                reject()

        def _deadline(self) -> float:
            (row,) = bench.do(
                tenants.database.fetch(
                    "SELECT max(ends_at) AS at FROM tokens WHERE integration_id = $1 AND ending = 'rotated'",
                    self.issued.integration_id,
                )
            )
            deadline: float = row["at"].timestamp()
            return deadline

        @precondition(lambda self: bench.clock() < self.model.deadline < bench.clock() + 1)
        @rule()
        def reach_the_deadline(self) -> None:
            """Also one that does not hold any more: that of a rotation which was cancelled or ended by hand."""
            bench.wait_until(self.model.deadline + 2 * TOLERANCE_SECONDS)

        @precondition(
            lambda self: self.model.old is not None and self.model.deadline < bench.clock() + SHORT_SECONDS
        )
        @rule(operation=st.sampled_from([Operation.CANCEL_ROTATION, Operation.EXPIRE_OLD]))
        def end_a_rotation_and_outlive_its_deadline(self, operation: Operation) -> None:
            self.operate(operation, LONG_SECONDS)
            self.reach_the_deadline()

        @precondition(lambda self: not self.model.deleted)
        @rule()
        def suspend_or_resume(self) -> None:
            change = tenants.resume if self.model.suspended else tenants.suspend
            bench.settled(bench.do(change(self.issued)))
            self.model.suspended = not self.model.suspended

        @precondition(lambda self: self.model.issued > 4 and not self.model.deleted)
        @rule()
        def delete(self) -> None:
            now = self._away_from_the_deadline()
            bench.settled(bench.do(tenants.delete(self.issued)))
            self._no_deadline_since(now)
            self.model.delete(now)

        @invariant()
        def each_token_is_answered_as_the_model_says(self) -> None:
            figures.steps += 1
            for number, secret in enumerate(self.secrets):
                before, code, after = bench.call(secret)
                figures.calls += 1
                # Around a deadline either answer is right. On a copy: what may be over need not be.
                right = {
                    deepcopy(self.model).told(number, instant)
                    for instant in (before - TOLERANCE_SECONDS, after + TOLERANCE_SECONDS)
                }
                assert code in right, (number, code, right)

    return Rotation


def test_any_sequence_leaves_every_token_answered_as_the_model_says(
    databases: Databases, standing: Standing, tmp_path: Path
) -> None:
    figures = MachineFigures()
    dsn = run(databases.create())

    async def begin() -> tuple[Rig, Gateway, Caller]:
        rig = Rig(tmp_path, standing)
        gateway = await rig.gateway(await rig.upstream(), dsn=dsn)
        return rig, gateway, await gateway.caller()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rig, gateway, caller = runner.run(begin())
        try:
            run_state_machine_as_test(
                machine(Bench(runner, gateway, caller), figures),
                settings=settings(
                    max_examples=SEQUENCES,
                    stateful_step_count=STEPS,
                    deadline=None,
                    # Time cannot be replayed, and so a failure cannot be made smaller.
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(rig.close())
    run(databases.drop(dsn))
    assert figures.sequences >= SEQUENCES
    assert figures.operations_done > SEQUENCES
    figures.write("proxy and PostgreSQL")
