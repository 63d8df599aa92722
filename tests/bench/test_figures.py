"""The arithmetic under the figures: were it wrong, every figure would be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.bench.figures import Figure, Sample, figure, percentile, ratio, refused, standings
from tests.bench.pace import is_whole
from tests.bench.programs import cpu_ticks

SAMPLE = Sample(
    contender="nginx",
    round=1,
    requests=1000,
    seconds=2.0,
    cpu_seconds=0.02,
    paced_requests=500,
    paced_cpu_seconds=0.03,
    postgres_cpu_seconds=0.0,
    foreign_share=0.0,
    wrong=0,
    p50=0.3,
    p99=0.9,
    p999=1.9,
    direct_p50=0.1,
    direct_p99=0.5,
    direct_p999=0.6,
)


def rounds(contender: str, *cpu_seconds: float) -> list[Sample]:
    return [
        replace(SAMPLE, contender=contender, round=number, cpu_seconds=seconds)
        for number, seconds in enumerate(cpu_seconds, start=1)
    ]


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([7.0], 50, 7.0),
        ([7.0], 99, 7.0),
        ([4.0, 1.0, 3.0, 2.0], 50, 2.0),
        ([float(value) for value in range(1, 101)], 99, 99.0),
        ([float(value) for value in range(1, 1001)], 99, 990.0),
        ([1.0, 2.0], 100, 2.0),
        ([1.0, 2.0], 0, 1.0),
    ],
)
def test_a_percentile_is_the_nearest_rank(values: list[float], percent: float, expected: float) -> None:
    assert percentile(values, percent) == expected


def test_nothing_measured_is_no_figure() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)
    with pytest.raises(ValueError, match="no rounds"):
        figure([])


def test_a_figure_is_the_median_with_its_spread() -> None:
    assert figure([5.0, 1.0, 2.0]) == Figure(median=2.0, least=1.0, most=5.0, rounds=3)


def test_a_ratio_compares_only_what_was_measured_in_the_same_round() -> None:
    # Round 2 was slow for both, round 3 has no counterpart: neither may show.
    compared = ratio({1: 20.0, 2: 200.0, 3: 999.0}, {1: 10.0, 2: 100.0, 4: 1.0})
    assert compared == Figure(median=2.0, least=2.0, most=2.0, rounds=2)
    assert ratio({1: 1.0}, {2: 1.0}) is None


def test_cpu_is_counted_per_completed_request_and_latency_less_the_upstream_s() -> None:
    (standing,) = standings(rounds("nginx", 0.02, 0.04, 0.03), references=("nginx", "baseline"))
    cpu = standing.cpu_microseconds
    assert (cpu.median, cpu.least, cpu.most) == pytest.approx((30.0, 20.0, 40.0))
    assert standing.requests_per_second.median == 500
    assert standing.core_share.most == pytest.approx(0.02)
    assert standing.added_p50.median == pytest.approx(0.2)
    assert standing.added_p99.median == pytest.approx(0.4)
    assert standing.ratios == {"nginx": Figure(median=1.0, least=1.0, most=1.0, rounds=3)}


def test_one_wrong_answer_in_one_round_takes_a_contender_out_of_everything() -> None:
    good, bad = rounds("gateway", 0.06, 0.06), rounds("nginx", 0.02, 0.02)
    bad[1] = replace(bad[1], wrong=3)
    assert refused([*good, *bad]) == {"nginx": 3}
    (standing,) = standings([*good, *bad], references=("nginx",))
    assert standing.contender == "gateway"
    assert standing.ratios == {}


@pytest.mark.parametrize("name", ["nginx", "a b", "a) S 1 (b"])
def test_cpu_ticks_are_found_behind_any_program_name(name: str) -> None:
    before = "S 1 2 2 0 -1 4194560 10 20 30 40"
    assert cpu_ticks(f"4711 ({name}) {before} 500 60 7 1 20 0 1 0 99999 0 0\n") == 568


@pytest.mark.parametrize(
    ("received", "whole"),
    [
        (b"", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", True),
        (b"HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", True),
        (b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n", True),
    ],
)
def test_the_paced_load_sees_where_a_response_ends(received: bytes, whole: bool) -> None:
    assert is_whole(received) is whole
