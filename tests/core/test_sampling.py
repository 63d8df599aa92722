"""A sample is of whole traces, the same on every node, of about the size that was asked for."""

from __future__ import annotations

import random

import pytest

from gateway.core.sampling import bound_of, is_sampled

IDS = [random.Random(number).randbytes(16).hex() for number in range(20_000)]


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_about_the_share_is_chosen(share: float) -> None:
    bound = bound_of(share)
    chosen = sum(is_sampled(trace_id, bound) for trace_id in IDS)
    assert chosen == pytest.approx(share * len(IDS), rel=0.2)


def test_nothing_and_all_are_exact() -> None:
    none, everything = bound_of(0.0), bound_of(1.0)
    assert not any(is_sampled(trace_id, none) for trace_id in IDS)
    assert all(is_sampled(trace_id, everything) for trace_id in IDS)


def test_a_smaller_sample_is_part_of_a_larger_one() -> None:
    """A node with another share keeps no trace that the greater one misses."""
    small, large = bound_of(0.05), bound_of(0.3)
    assert all(is_sampled(trace_id, large) for trace_id in IDS if is_sampled(trace_id, small))


def test_the_choice_is_the_same_in_every_process() -> None:
    """Python's own hash of text differs from process to process."""
    chosen = [number for number in range(8) if is_sampled(f"trace-{number}", bound_of(0.5))]
    assert chosen == [0, 1, 4, 5]
