"""Failures per address: how many are free, when they are forgiven, and that the table has an end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.guessing import GUESSES, GuessingGuard, GuessingRules
from gateway.core.reasons import REASONS, Code

RULES = GuessingRules(free=5, per_seconds=10.0, delay_seconds=1.5)


def test_the_free_failures_are_answered_at_once_and_those_beyond_wait() -> None:
    guard = GuessingGuard(RULES)
    assert [guard.delay("192.0.2.1", 100.0) for _ in range(8)] == [0.0] * 5 + [1.5] * 3


def test_one_address_does_not_pay_for_another() -> None:
    guard = GuessingGuard(RULES)
    for _ in range(50):
        guard.delay("192.0.2.1", 100.0)
    assert guard.delay("192.0.2.2", 100.0) == 0.0


def test_failures_at_the_allowed_pace_never_wait() -> None:
    guard = GuessingGuard(RULES)
    assert not any(guard.delay("192.0.2.1", 2.001 * number) for number in range(1000))


def test_whoever_stops_is_forgiven_after_two_periods_however_many_failures_there_were() -> None:
    guard = GuessingGuard(RULES)
    for _ in range(100_000):
        guard.delay("192.0.2.1", 100.0)
    assert guard.delay("192.0.2.1", 100.0 + RULES.per_seconds - 0.1) == RULES.delay_seconds
    guard = GuessingGuard(RULES)
    for _ in range(100_000):
        guard.delay("192.0.2.1", 100.0)
    assert guard.delay("192.0.2.1", 100.0 + 2 * RULES.per_seconds) == 0.0


def test_none_free_turns_it_off_and_remembers_nobody() -> None:
    guard = GuessingGuard(GuessingRules(free=0, per_seconds=10.0, delay_seconds=1.0))
    assert not any(guard.delay("192.0.2.1", 1.0) for _ in range(1000))
    assert repr(guard) == "GuessingGuard(0 addresses)"


def test_the_table_is_bounded_and_the_longest_silent_are_forgotten_first() -> None:
    guard = GuessingGuard(RULES, max_addresses=3)
    for _ in range(6):
        guard.delay("loud", 0.0)
    for number in range(1000):
        guard.delay(f"10.0.{number // 256}.{number % 256}", 0.0)
        assert guard.delay("loud", 0.0) == RULES.delay_seconds, "who goes on is not forgotten"
    assert repr(guard) == "GuessingGuard(3 addresses)"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 5)), max_size=200))
def test_in_no_period_are_more_than_twice_the_free_failures_answered_at_once(
    steps: list[tuple[str, float]],
) -> None:
    """The bound that a guesser meets, whatever its pace: a full allowance, and what is forgiven meanwhile."""
    guard = GuessingGuard(RULES)
    now = 0.0
    at_once: dict[str, list[float]] = {"a": [], "b": [], "c": []}
    for address, wait in steps:
        now += wait
        if not guard.delay(address, now):
            at_once[address].append(now)
    for times in at_once.values():
        for first in times:
            assert sum(first <= other <= first + RULES.per_seconds for other in times) <= 2 * RULES.free


@pytest.mark.parametrize("code", Code)
def test_only_what_names_no_token_of_ours_is_a_guess(code: Code) -> None:
    """A dead token of an integration is no guess: its app is not to be slowed down, nor one that sends none."""
    assert (code in GUESSES) is (code in {Code.TOKEN_MALFORMED, Code.TOKEN_UNKNOWN})
    if code in GUESSES:
        assert REASONS[code].status == 401
