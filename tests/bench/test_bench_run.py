"""Short runs of the whole benchmark: the answers count here, the times do not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.distinct import Look, is_bounded

ROOT = Path(__file__).parents[2]


def run(*arguments):
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1].split()


def test_every_answer_of_ours_and_of_the_floor_is_right(tmp_path):
    figures = tmp_path / "figures.json"
    last = run(
        *("bench", "--only", "ours,floor,kong-pdk", "--rounds", "1", "--seconds", "0.1", "--lanes", "4"),
        *("--operations", "2", "--parts", "workload", "corpus", "--out", str(tmp_path), "--json", str(figures)),
    )
    assert last[0] == "BENCH"
    assert last[3].startswith("big_cpu_ratio_floor=")
    assert float(last[3].partition("=")[2]) > 0
    report = json.loads(figures.read_text())
    assert report["correct"]
    most = {"big": 7, "hop2": 2, "users": 1, "passthrough": 1, "wide": 2, "mutation": 2, "cold": 2}
    assert {row["operation"] for row in report["rows"]} == set(most)
    for row in report["rows"]:
        if row["gateway"] != "floor":
            assert 0 < row["subgraph_requests"] <= most[row["operation"]], row
    assert len(report["corpus"]) == 2
    assert (tmp_path / "results.md").exists()


def test_the_compass_compares_with_the_floor():
    last = run("bench.compass", "--rounds", "1", "--seconds", "0.1", "--lanes", "2", "--operation", "users")
    assert last[0] == "COMPASS"
    assert last[-1] == "correct=yes"


def test_operations_that_are_never_asked_twice_are_answered():
    last = run("bench.distinct", "--count", "60", "--lanes", "4", "--cache-plans", "10")
    assert last[0] == "DISTINCT"
    assert last[-2:] == ["bounded=yes", "wrong=0"]


@pytest.mark.parametrize(
    ("start", "worker", "bounded"),
    [(50, [90, 120, 121, 119], True), (50, [90, 120, 125, 140], False), (50, [90, 200, 199, 198], False)],
)
def test_memory_is_bounded_if_it_is_level_and_within_the_cache(start, worker, bounded):
    looks = [Look(number, mb, 0) for number, mb in enumerate(worker)]
    assert is_bounded(Look(0, start, 0), looks, 128) == bounded
