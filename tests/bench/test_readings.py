"""What grows is told beside what it grew from, in the same round."""

from __future__ import annotations

import json

import pytest

from gateway.core.routes import RouteTable
from tests.bench.scale.profile import shares
from tests.bench.scale.readings import Reading, as_json, as_text, cells
from tests.bench.scale.routes import SIZES, map_text, operations, requests
from tests.bench.test_mix import CALLERS


def readings(*, compared: bool = True) -> list[Reading]:
    values = {("100", 1): 10.0, ("10,000", 1): 15.0, ("100", 2): 40.0, ("10,000", 2): 60.0, ("100", 3): 1.0}
    return [
        Reading(part="routes", case=case, figure="µs", round=number, value=value, compared=compared)
        for (case, number), value in values.items()
    ]


def test_growth_compares_rounds_with_themselves() -> None:
    few, many = cells(readings())
    assert few.growth is None
    assert few.value.median == 10
    assert many.growth is not None
    assert (many.growth.median, many.growth.rounds) == (1.5, 2)
    assert all(cell.growth is None for cell in cells(readings(compared=False)))


def test_the_table_has_a_row_for_each_case() -> None:
    head, few, many, _ = as_text(readings()).split("\n")
    assert head.split() == ["routes", "µs"]
    assert few.split() == ["100", "10.0", "(1.0–40.0)"]
    assert many.split() == ["10,000", "37.5", "(15.0–60.0)", "×1.50"]


def test_the_json_can_be_added_to() -> None:
    held = json.loads(json.dumps(as_json(readings())))
    assert [Reading(**each) for each in held["readings"]] == readings()
    assert [cell["case"] for cell in held["figures"]] == ["100", "10,000"]


def test_the_maps_are_as_large_as_they_are_called_and_what_is_asked_is_in_them() -> None:
    for size in SIZES:
        assert len(set(operations(size))) == size
    assert map_text(100, 9).count("\n      ") == 100
    table = RouteTable((method, template, template) for method, template in operations(100))
    asked = [request.split(b" ", 2)[:2] for request in requests(100, CALLERS)]
    assert {table.match(method.decode(), path.decode()) for method, path in asked} == {
        template for _, template in operations(100)
    }


PERF = """
# Samples: 6K of event 'cpu-clock:uhpppH'
#
    47.50%  libpython3.11.so.1.0
    42.50%  [kernel.kallsyms]
     4.00%  libc.so.6
     3.00%  loop.cpython-311-x86_64-linux-gnu.so
     2.00%  _blake2.cpython-311-x86_64-linux-gnu.so
     1.00%  [vdso]

"""


def test_every_sample_of_a_profile_is_somebodys() -> None:
    found = shares(PERF)
    assert found == pytest.approx(
        {"kernel": 0.425, "interpreter": 0.475, "event loop": 0.03, "other libraries": 0.07}
    )
    assert shares(PERF.replace("libpython3.11.so.1.0", "python3.11"))["interpreter"] == found["interpreter"]
