"""The count of attempts: a burst, then a pace, in a table that cannot grow."""

from __future__ import annotations

from gateway.admin.management.throttle import Pace, Throttle

PACE = Pace(burst=3, per_seconds=30.0)


def test_after_the_burst_whoever_waits_as_told_gets_through() -> None:
    throttle = Throttle(PACE)
    assert [throttle.try_again_after("a", 0.0) for _ in range(4)] == [0, 0, 0, 10]
    assert throttle.try_again_after("a", 9.0) == 1
    assert throttle.try_again_after("a", 10.0) == 0
    assert throttle.try_again_after("a", 10.0) == 10
    assert [throttle.try_again_after("a", 1000.0) for _ in range(4)] == [0, 0, 0, 10]


def test_keys_are_apart_and_can_be_forgiven() -> None:
    throttle = Throttle(PACE)
    assert [throttle.try_again_after("a", 0.0) for _ in range(4)][-1] == 10
    assert throttle.try_again_after("b", 0.0) == 0
    throttle.forgive("a")
    assert throttle.try_again_after("a", 0.0) == 0
    throttle.forgive("never seen")


def test_the_table_forgets_whoever_was_longest_silent() -> None:
    throttle = Throttle(PACE, max_keys=2)
    for key in ("a", "a", "a", "b", "c"):
        throttle.try_again_after(key, 0.0)
    assert throttle.try_again_after("b", 0.0) == 0
    assert throttle.try_again_after("a", 0.0) == 0
    assert "2 keys" in repr(throttle)
