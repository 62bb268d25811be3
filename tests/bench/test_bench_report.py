from __future__ import annotations

from dataclasses import replace

import pytest

from bench.report import Figures, Report, medians, summary, table


def figures(operation, plugin_ms, way="ours", wrong=0):
    return Figures(
        way=way,
        operation=operation,
        plugin_ms=plugin_ms,
        front_ms=0.0,
        requests_per_second=1234.5,
        p50_ms=3.0,
        p99_ms=9.0,
        alone_ms=1.0,
        subgraph_requests=7.0,
        answers=10,
        wrong=wrong,
    )


@pytest.fixture
def report():
    rows = [figures("big", 0.9), figures("big", 1.1, way="stand-in"), figures("hop2", 0.12), figures("users", 0.0614)]
    return Report(rows=rows, start_ms=800.0, cold_plan_ms=4.25, rss_mb=101.4, pss_mb=64.0, yardstick_ms=0.5)


def test_the_median_of_each_figure_and_the_sum_of_the_answers():
    runs = [figures("big", 3.0), figures("big", 1.0, wrong=1), replace(figures("big", 2.0), p99_ms=1.0)]
    middle = medians(runs)
    assert (middle.plugin_ms, middle.p99_ms, middle.answers, middle.wrong) == (2.0, 9.0, 30, 1)


def test_the_summary_is_one_line(report):
    assert summary(report) == (
        "FIRST big_ms=0.900 hop2_ms=0.120 users_ms=0.061 subgraph_requests=7 cold_plan_ms=4.2 rss_mb=101 correct=yes"
    )


def test_one_wrong_answer_makes_all_of_it_wrong(report):
    wrong = replace(report, rows=[*report.rows, figures("users", 1.0, way="stand-in", wrong=1)])
    assert not wrong.correct
    assert summary(wrong).endswith("correct=no")
    assert not replace(report, rows=[]).correct


def test_the_table_is_aligned(report):
    head, *rows = table(report).split("\n\n")[0].splitlines()
    assert head.startswith("way       operation  plugin CPU ms  front CPU ms")
    assert len({len(line) for line in (head, *rows)}) == 1
    assert "big takes 1.80 times as much" in table(report)
    assert "1,234" in rows[0] or "1,235" in rows[0]


def test_json_has_everything(report):
    assert report.as_json()["correct"] is True
    assert report.as_json()["rows"][2]["operation"] == "hop2"
