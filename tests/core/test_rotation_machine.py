"""Any sequence of operations and any passing of time: each token ever issued is judged as a model of a few lines says.

The machine applies `core.rotation`'s effects to records and asks `core.policy` about them, without a store.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gateway.core.model import AccountKind, Caller, Ending, TokenRecord
from gateway.core.policy import Deny, authenticate
from gateway.core.rotation import ENDINGS, Fate, Operation, TokenState, transition
from tests.core.machine_figures import MachineFigures
from tests.core.rotation_model import RotationModel

SEQUENCES, STEPS = 300, 50
WINDOWS = st.sampled_from([1.0, 60.0, 7 * 86400.0])
STATES = {0: TokenState.NONE, 1: TokenState.ONE, 2: TokenState.TWO}


class Records:
    """The tokens of one integration as values, changed only by effects of the table."""

    def __init__(self) -> None:
        self.all: list[TokenRecord] = []

    def live(self, now: float) -> list[int]:
        """The live tokens, the one with a deadline first."""
        live = [n for n, record in enumerate(self.all) if record.ends_at is None or now < record.ends_at]
        return sorted(live, key=lambda n: self.all[n].ends_at is None)

    def operate(self, operation: Operation, now: float, window: float) -> bool:
        live = self.live(now)
        effect = transition(STATES[len(live)], operation)
        if effect is None:
            return False
        old, current = ([None, None, *live])[-2:]
        for number, fate in ((old, effect.old), (current, effect.current)):
            if number is None or fate is None or fate is Fate.KEEP:
                continue
            ends_at = None if fate is Fate.REINSTATE else now + (window if fate is Fate.RETIRE else 0)
            self.all[number] = replace(self.all[number], ends_at=ends_at, ending=ENDINGS.get(fate))
        if effect.mints:
            self.all.append(self._minted())
        return True

    def _minted(self) -> TokenRecord:
        caller = Caller(
            account_id="acc_1",
            account_kind=AccountKind.SUB_ACCOUNT,
            integration_id="pi_1",
            token_id=f"tok_{len(self.all)}",
            scopes=frozenset(),
        )
        suspended = any(record.suspended for record in self.all)
        return TokenRecord(caller=caller, suspended=suspended, ends_at=None, ending=None)

    def set_suspended(self, suspended: bool) -> None:
        self.all = [replace(record, suspended=suspended) for record in self.all]

    def delete(self, now: float) -> None:
        for number in self.live(now):
            self.all[number] = replace(self.all[number], ends_at=now, ending=Ending.REVOKED)


def machine(figures: MachineFigures) -> type[RuleBasedStateMachine]:
    class Rotation(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.now = 1_700_000_000.0
            self.model = RotationModel()
            self.records = Records()

        @initialize()
        def begin(self) -> None:
            figures.sequences += 1

        @rule(operation=st.sampled_from(Operation), window=WINDOWS)
        def operate(self, operation: Operation, window: float) -> None:
            allowed = self.model.allows(operation, self.now)
            if self.model.deleted:
                return
            assert self.records.operate(operation, self.now, window) == allowed
            if allowed:
                self.model.operate(operation, self.now, window)
            figures.operations_done += allowed
            figures.operations_refused += not allowed

        @precondition(lambda self: not self.model.deleted)
        @rule(choice=st.randoms(use_true_random=False), window=WINDOWS)
        def operate_as_allowed(self, choice: Random, window: float) -> None:
            possible = [operation for operation in Operation if self.model.allows(operation, self.now)]
            self.operate(choice.choice(possible), window)

        @rule(seconds=st.sampled_from([0.0, 0.001, 0.999, 1.0, 59.0, 60.0, 86400.0, 7 * 86400.0]))
        def pass_time(self, seconds: float) -> None:
            self.now += seconds

        @precondition(lambda self: self.model.old is not None)
        @rule(beside=st.sampled_from([-0.001, 0.0, 0.001]))
        def reach_the_deadline(self, beside: float) -> None:
            self.now = max(self.now, self.model.deadline + beside)

        @rule(suspended=st.booleans())
        def suspend_or_resume(self, suspended: bool) -> None:
            # Without a token there is nothing that would keep it here; in the store it is the integration's.
            if self.records.all and not self.model.deleted:
                self.model.suspended = suspended
                self.records.set_suspended(suspended)

        @precondition(lambda self: self.model.issued > 8)
        @rule()
        def delete(self) -> None:
            if not self.model.deleted:
                self.model.delete(self.now)
                self.records.delete(self.now)

        @invariant()
        def each_token_is_judged_as_the_model_says(self) -> None:
            figures.steps += 1
            for number, record in enumerate(self.records.all):
                judged = authenticate(record, self.now)
                told = judged.code.value if isinstance(judged, Deny) else None
                assert told == self.model.told(number, self.now), (number, record)
            figures.calls += len(self.records.all)

        @invariant()
        def at_most_two_live_and_one_of_them_without_a_deadline(self) -> None:
            live = self.records.live(self.now)
            lasting = [number for number in live if self.records.all[number].ends_at is None]
            assert len(live) <= 2
            assert len(lasting) == bool(live)
            assert live[-1:] == ([] if self.model.current is None else [self.model.current])

    return Rotation


def test_any_sequence_leaves_every_token_as_the_model_says() -> None:
    figures = MachineFigures()
    run_state_machine_as_test(
        machine(figures),
        settings=settings(max_examples=SEQUENCES, stateful_step_count=STEPS, deadline=None),
    )
    assert figures.operations_done > SEQUENCES
    figures.write("core")
