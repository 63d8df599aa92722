from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings.units import parse_duration, parse_share, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("1100ms", 1.1),
        ("0s", 0.0),
        ("10s", 10.0),
        ("5m", 300.0),
        ("24h", 86400.0),
        ("7d", 604800.0),
        ("3650d", 315360000.0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
    assert type(parse_duration(text)) is float


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("ten", '"ten"'),
        ("10", '"10"'),
        (10, "10"),
        (1.5, "1.5"),
        (True, "true"),
        (None, "nothing"),
        ([], "a list"),
        ("10 s", '"10 s"'),
        ("-1s", '"-1s"'),
        ("1.5s", '"1.5s"'),
        ("1h30m", '"1h30m"'),
        ("10S", '"10S"'),
        ("1w", '"1w"'),
        ("١s", '"١s"'),
        ("10s\n", '"10s?"'),
    ],
)
def test_what_is_no_duration_says_how_to_write_one(value: object, found: str) -> None:
    expected = f"{found} is not a duration; write a duration such as 500ms, 10s, 5m, 24h or 7d"
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        parse_duration(value)


def test_a_duration_beyond_ten_years_is_refused() -> None:
    with pytest.raises(ValueError, match="is too long; write at most 3650d"):
        parse_duration("3651d")
    with pytest.raises(ValueError, match="is too long"):
        parse_duration("999999999999d")


@given(st.integers(0, 10**8))
def test_units_of_time_agree(number: int) -> None:
    assert parse_duration(f"{number * 1000}ms") == parse_duration(f"{number}s") == float(number)


@given(st.integers(0, 3650))
def test_days_are_hours_are_minutes(days: int) -> None:
    assert parse_duration(f"{days}d") == parse_duration(f"{days * 24}h") == parse_duration(f"{days * 1440}m")


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("8KiB", 8192),
        ("100MiB", 104857600),
        ("1GiB", 1 << 30),
        ("1TiB", 1 << 40),
        ("5B", 5),
        ("0", 0),
        (0, 0),
        (8192, 8192),
    ],
)
def test_sizes(value: object, size: int) -> None:
    assert parse_size(value) == size


@pytest.mark.parametrize(
    "value", ["8KB", "8kib", "8 KiB", "1.5MiB", "", "-1", -1, 1.0, True, None, {}, "8k", "1e3"]
)
def test_what_is_no_size_says_how_to_write_one(value: object) -> None:
    with pytest.raises(
        ValueError, match="is not a size; write a size such as 8KiB or 100MiB, or a number of"
    ):
        parse_size(value)


def test_a_size_beyond_what_a_length_may_be_is_refused() -> None:
    assert parse_size("8192TiB") == 2**53
    with pytest.raises(ValueError, match="is too large; write at most 8192TiB"):
        parse_size("8193TiB")


@given(st.integers(0, 2**33))
def test_units_of_size_agree(number: int) -> None:
    assert parse_size(f"{number}KiB") == parse_size(number * 1024) == parse_size(f"{number * 1024}B")


@given(st.text() | st.integers() | st.floats() | st.none() | st.lists(st.integers()))
def test_anything_is_read_or_refused_with_a_way_out(value: object) -> None:
    """Another exception than ValueError would end the start in a traceback."""
    for parse in (parse_duration, parse_size):
        problem = "; write"
        try:
            assert parse(value) >= 0
        except ValueError as error:
            problem = str(error)
        assert "; write" in problem


@pytest.mark.parametrize(("value", "share"), [(0, 0.0), (1, 1.0), (0.1, 0.1), ("0.25", 0.25), ("1", 1.0)])
def test_shares(value: object, share: float) -> None:
    assert parse_share(value) == share


@pytest.mark.parametrize("value", [-0.1, 1.1, 10, True, None, "", "10%", "nan", "inf", "all", [0.1]])
def test_what_is_no_share_says_how_to_write_one(value: object) -> None:
    with pytest.raises(ValueError, match=r"is not a share; write a number from 0 to 1, such as 0\.1$"):
        parse_share(value)
