"""What people and programs read of a run."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.bench.document import text
from tests.bench.figures import Sample
from tests.bench.report import as_json, as_text
from tests.bench.test_figures import rounds

REFERENCES = ("nginx", "baseline")
SAMPLES = [*rounds("nginx", 2.0, 2.2), *rounds("gateway", 6.0, 6.6), *rounds("baseline", 20.0, 22.0)]


def said(samples: list[Sample]) -> str:
    return as_text(samples, references=REFERENCES, rate=500)


def test_the_table_shows_each_contender_beside_both_references() -> None:
    row = next(line for line in said(SAMPLES).splitlines() if line.startswith("gateway"))
    assert "6,300.0 (6,000.0–6,600.0)" in row
    assert "3.00 (3.00–3.00)" in row
    assert "0.30 (0.30–0.30)" in row


def test_a_table_of_its_own_shows_the_cost_at_the_fixed_rate() -> None:
    samples = [replace(each, paced_cpu_seconds=each.cpu_seconds / 100) for each in SAMPLES]
    rows = [line for line in said(samples).splitlines() if line.startswith("gateway")]
    assert "126.0 (120.0–132.0)" in rows[1]
    assert rows[1].split()[-2:] == ["0.30", "(0.30–0.30)"]


def test_an_absent_reference_leaves_a_gap_and_no_guess() -> None:
    row = next(line for line in said(rounds("gateway", 6.0)).splitlines() if line.startswith("gateway"))
    assert row.split()[-2:] == ["-", "-"]


def test_a_refused_contender_is_named_and_not_shown() -> None:
    text = said([*SAMPLES, replace(rounds("envoy", 1.0)[0], wrong=2)])
    assert [line for line in text.splitlines() if "envoy" in line] == [
        "envoy is left out: 2 of its answers were not 2xx or broke off"
    ]


def test_a_run_in_which_all_are_refused_still_says_so() -> None:
    text = said([replace(sample, wrong=1) for sample in rounds("nginx", 2.0)])
    assert "nginx is left out: 1 " in text


def test_noise_and_coarse_clocks_are_said() -> None:
    quiet = said(SAMPLES)
    assert "Noisy" not in quiet
    assert "Coarse" not in quiet
    assert "Noisy: other programs used 40%" in said([replace(each, foreign_share=0.4) for each in SAMPLES])
    assert "Coarse" in said(rounds("nginx", 0.4))


def test_the_json_holds_the_setting_the_figures_and_every_round() -> None:
    result = as_json(SAMPLES, references=REFERENCES, setting={"command": "c", "machine": {"cores": 2}})
    read = json.loads(text(result))
    assert read == json.loads(json.dumps(result))
    assert read["command"] == "c"
    assert read["machine"] == {"cores": 2}
    assert [standing["contender"] for standing in read["standings"]] == ["nginx", "gateway", "baseline"]
    assert read["standings"][1]["ratios"]["nginx"]["median"] == 3
    assert len(read["rounds"]) == 6
    assert read["refused"] == {}
