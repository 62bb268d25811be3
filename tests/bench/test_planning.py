"""What the planning benchmark makes of its figures, and one short run of it without the other planners."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench import planning

ROOT = Path(__file__).parents[2]


def measured(case, **samples):
    found = planning.Measured(case)
    found.samples = samples
    return found


def whole(parse, validate, rest):
    return {"parse": parse, "validate": validate, "rest": rest}


@pytest.fixture
def cases():
    return [
        measured("a", ours=[whole(1, 2, 1), whole(1, 2, 3)], apollo=[whole(1, 3, 6)], hive=[{"plan": 1.0}]),
        measured("b", ours=[whole(1, 1, 1)], apollo=[whole(0, 1, 1)], hive=[{"plan": 0.5}]),
        measured("c", ours=[whole(1, 1, 6)], hive=[{"plan": 2.0}]),
    ]


def test_a_case_is_the_median_of_its_plans_with_or_without_parts(cases):
    assert cases[0].median("ours") == 5
    assert cases[0].median("ours", without=("validate",)) == 3
    assert cases[2].median("apollo") is None


def test_ratios_are_per_case_and_over_the_cases_that_both_plan(cases):
    text, bare, plain, _ = planning.comparisons(cases)

    assert (text.peer, text.cases, text.ratio_median, text.ratio_p99) == ("apollo", 2, 1.0, 1.5)
    assert (bare.ours_ms, bare.peer_ms) == (1.5, 3.5)
    assert (plain.peer, plain.cases, plain.ratio_median) == ("hive", 3, 3.5)


def test_the_summary_is_one_line_with_like_compared_to_like(cases):
    line = planning.summary(cases, planning.comparisons(cases))

    assert line == (
        "PLANNING cases=3 ours_ms_median=5.000 apollo_ratio_median=1.00 apollo_ratio_p99=1.50 "
        "hive_ratio_median=3.50 hive_ratio_p99=4.00"
    )


def test_the_99th_percentile_is_the_value_that_one_in_a_hundred_exceeds():
    assert planning.percentile(list(range(1, 101)), 0.99) == 99
    assert planning.percentile([3.0], 0.99) == 3.0


def test_a_planner_that_refuses_or_is_too_slow_is_not_asked_again():
    def refuse(case, times):
        raise planning.RefusedError("no")

    found = planning.Measured("a")
    found.add("hive", refuse, {}, warm=False)
    found.add("apollo", lambda case, times: [{"plan": planning.SLOW_MS + 1}], {}, warm=False)
    found.add("ours", lambda case, times: [{"plan": 1.0}], {}, warm=False)

    assert found.refused == {"hive": "no"}
    assert found.slow == ["apollo"]
    # A plan while warming up counts only where there will be no other.
    assert list(found.samples) == ["apollo"]


def test_a_stopwatch_counts_the_outermost_part_and_puts_everything_back():
    class Walk:
        def down(self, levels):
            return levels and self.down(levels - 1)

    module = SimpleNamespace(Walk=Walk, read=lambda: Walk().down(3))
    before = dict(vars(module))
    with planning.stopwatch(module, (("walk", "Walk", "down"), ("read", "read", ""))) as spent:
        module.read()
        assert spent["walk"] == 0.0
        module.Walk().down(3)

    assert spent["read"] > 0
    assert spent["walk"] > 0
    assert vars(module) == before


def test_one_short_run_without_the_other_planners(tmp_path):
    """The figures do not count here; that every part of our planner is found does."""
    figures = tmp_path / "figures.json"
    command = [sys.executable, "-m", "bench.planning", "--rounds", "1", "--fresh", "1"]
    done = subprocess.run(
        [*command, "--case", "mod/test_bench", "--json", str(figures)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PATH": str(tmp_path)},
    )

    assert done.returncode == 0, done.stderr
    assert "only our own figures: node is not installed" in done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("PLANNING cases=1 ours_ms_median=")
    assert last.endswith("apollo_ratio_median=- apollo_ratio_p99=- hive_ratio_median=- hive_ratio_p99=-")
    (case,) = json.loads(figures.read_text())["cases"]
    parts = case["parts"][0]
    assert list(parts) == [name for name, _, _ in planning.PARTS] + ["rest"]
    assert all(value > 0 for value in parts.values())
