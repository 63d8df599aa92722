"""The database's clock on this node: deadlines are judged by it, so one slow answer must not move it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.index.clock import DatabaseClock
from tests.index.scripted import Time


def clock_at(now: Time, wall: float = 5_000.0) -> DatabaseClock:
    return DatabaseClock(monotonic=now, wall=lambda: wall)


def test_until_the_first_measurement_the_wall_clock_serves() -> None:
    now = Time()
    clock = clock_at(now)
    assert not clock.measured
    now.now += 2
    assert clock.now() == 5_002.0


def test_a_measurement_sets_it_to_the_databases_time_and_it_runs_on() -> None:
    now = Time()
    clock = clock_at(now)
    clock.measure(9_000.0, asked_at=now(), answered_at=now())
    assert clock.measured
    assert clock.now() == 9_000.0
    now.now += 1.5
    assert clock.now() == 9_001.5


def test_the_answer_is_taken_to_be_read_half_way() -> None:
    now = Time()
    clock = clock_at(now)
    clock.measure(9_000.0, asked_at=now() - 0.2, answered_at=now())
    assert abs(clock.now() - 9_000.1) < 1e-9


def test_one_slow_answer_does_not_move_it() -> None:
    now = Time()
    clock = clock_at(now)
    clock.measure(9_000.0, asked_at=now() - 0.001, answered_at=now())
    before = clock.now()
    clock.measure(9_000.0, asked_at=now() - 3, answered_at=now())
    assert clock.now() == before


def test_a_clock_that_was_set_anew_is_followed_within_five_measurements() -> None:
    """A failover to a server whose clock differs, or a step by an administrator."""
    now = Time()
    clock = clock_at(now)
    clock.measure(9_000.0, asked_at=now() - 0.001, answered_at=now())
    for _ in range(5):
        clock.measure(20_000.0, asked_at=now() - 0.01, answered_at=now())
    assert abs(clock.now() - 20_000.0) < 0.01


@given(
    offset=st.floats(-1e6, 1e6),
    trips=st.lists(st.tuples(st.floats(0, 2), st.floats(0, 1)), min_size=1, max_size=20),
)
def test_it_is_never_further_off_than_half_the_quickest_of_the_last_trips(
    offset: float, trips: list[tuple[float, float]]
) -> None:
    """Whatever part of each round trip lay before the reading."""
    now = Time()
    clock = clock_at(now)
    for trip, share in trips:
        asked = now()
        read_at = asked + trip * share
        now.now += trip
        clock.measure(read_at + offset, asked_at=asked, answered_at=now())
    bound = min(trip for trip, _ in trips[-5:]) / 2
    assert abs(clock.now() - (now() + offset)) <= bound + 1e-6
