"""One short run of the whole benchmark: the answers count here, the times do not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_answer_is_right_and_no_subgraph_is_asked_too_often(tmp_path):
    figures = tmp_path / "figures.json"
    command = [sys.executable, "-m", "bench.first", "--rounds", "1", "--seconds", "0.3"]
    done = subprocess.run(
        [*command, "--lanes", "4", "--json", str(figures)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1].split()
    assert last[0] == "FIRST"
    assert last[-1] == "correct=yes"
    report = json.loads(figures.read_text())
    most = {"big": 7, "hop2": 2, "users": 1}
    assert len(report["rows"]) == 2 * len(most)
    for row in report["rows"]:
        assert 0 < row["subgraph_requests"] <= most[row["operation"]]
