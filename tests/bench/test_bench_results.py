"""What the benchmark makes of its figures: medians, tables, the line, the plots."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from bench.corpus import CorpusRow
from bench.figures import Figures, aligned, cell, markdown, medians
from bench.gateways import FLOOR, OURS
from bench.peers import APOLLO, HIVE_RUST, MERCURIUS
from bench.results import Report, Start, Workers, corpus_line, document, summary, write
from bench.svg import bars, lines
from bench.warming import Warmth

RUN = Figures(OURS, "big", 2.0, 0.0, 500.0, 30.0, 60.0, 3.0, 6.0, answers=10, wrong=0)


def report():
    rows = [replace(RUN, operation=name, cpu_ms=ms) for name, ms in (("big", 2.0), ("hop2", 0.2), ("users", 0.1))]
    for gateway, times in ((APOLLO, 10), (HIVE_RUST, 4), (MERCURIUS, 0.8), (FLOOR, 0.5)):
        rows += [replace(row, gateway=gateway, cpu_ms=row.cpu_ms * times) for row in rows[:3]]
    corpus = [CorpusRow("graph", n, 100, {APOLLO: 1.0, HIVE_RUST: 0.5}, n / 10) for n in (1, 2, 3)]
    start = Start(1000, 100, 20, 200, 150, 88)
    return Report({"cores": 2}, rows, {OURS: start}, corpus, [Workers("big", 1.2, 1.9, 1.01)], ["a note"])


def test_medians_of_runs_and_the_sum_of_their_answers():
    found = medians([RUN, replace(RUN, cpu_ms=9.0, wrong=1), replace(RUN, cpu_ms=3.0)])
    assert (found.cpu_ms, found.answers, found.wrong) == (3.0, 30, 1)


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (0.0, "-"), ("x", "x"), (1234, "1,234"), (1234.5, "1,234"), (0.12345, "0.123")]
)
def test_figures_have_the_digits_that_mean_something(value, text):
    assert cell(value) == text


def test_the_line_has_our_cpu_by_theirs():
    assert summary(report()) == (
        "BENCH big_cpu_ratio_apollo=0.100 big_cpu_ratio_hive_rust=0.250 big_cpu_ratio_floor=2.000 "
        "hop2_cpu_ratio_apollo=0.100 hop2_cpu_ratio_mercurius=1.250 hop2_cpu_ratio_floor=2.000 "
        "users_cpu_ratio_apollo=0.100 users_cpu_ratio_mercurius=1.250 users_cpu_ratio_floor=2.000 rss_mb=88"
    )


def test_what_was_not_measured_is_none_and_not_a_number():
    only_ours = Report({}, [RUN])
    assert "big_cpu_ratio_apollo=none" in summary(only_ours)
    assert summary(only_ours).endswith("rss_mb=none")
    assert only_ours.correct


@pytest.mark.parametrize("rows", [[], [replace(RUN, gateway=APOLLO)], [RUN, replace(RUN, gateway=APOLLO, wrong=1)]])
def test_a_run_without_ours_or_with_a_wrong_answer_is_not_correct(rows):
    assert not Report({}, rows).correct


def test_the_corpus_is_said_by_quartiles():
    line = corpus_line(report().corpus)
    assert line.startswith("CORPUS operations=3 apollo_median=0.200 apollo_q1=0.150 apollo_q3=0.250 apollo_n=3")
    assert "hive_rust_median=0.400" in line


def test_the_report_says_what_is_met_and_missed_and_has_its_plots(tmp_path):
    text = write(report(), tmp_path).read_text()
    assert "| mercurius | hop2 | 1.25 | 1.2 | **missed** |" in text
    assert "| @apollo/gateway | big | 0.1 | 0.1 | met |" in text
    assert "| big | 1.2 | 1.9 | 1.01 |" in text
    assert "- a note" in text
    for name in ("big", "hop2", "users"):
        assert f"results-{name}.svg" in text
        ET.fromstring((tmp_path / f"results-{name}.svg").read_text())


def test_the_report_says_who_was_not_warm():
    warmth = {("ours", "big"): Warmth(1_180, 2.0, 2.0, 1.0, True), ("peer", "wide"): Warmth(40, 9.0, 3.0, 2.7, False)}
    text = document(Report({}, [RUN], warmth=warmth), "results")
    assert "| ours | 1,180: 0.50 | - |" in text
    assert "| peer | - | 40: 0.90 … |" in text
    assert Report({}, warmth=warmth).as_json()["warmth"][0]["gateway"] == "ours"


def test_tables_are_rectangular():
    rows = [["name", "n"], ["a", "10"]]
    assert aligned(rows, left=1) == "name   n\na     10"
    assert markdown(rows).splitlines() == ["| name | n |", "| --- | ---: |", "| a | 10 |"]


def circles(picture):
    found = ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}circle")
    return [(float(one.get("cx")), float(one.get("cy"))) for one in found]


def test_lines_rise_where_figures_do():
    points = circles(lines("t", {"<a & b>": [(1, 1), (10, 100), (100, 10_000)]}, "x", "y"))
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert points[0][1] > points[1][1] > points[2][1], "up is towards 0"
    assert points[1][0] - points[0][0] == pytest.approx(points[2][0] - points[1][0], abs=0.2)


def test_a_flat_line_and_plain_axes_are_drawn():
    assert len(circles(lines("t", {"a": [(1, 5), (2, 5)]}, "x", "y"))) == 2
    assert len(circles(lines("t", {"a": [(0, 0), (2, 5)]}, "x", "y", logarithmic=False))) == 2


def test_bars_have_the_length_of_their_values():
    rectangles = ET.fromstring(bars("t", [("a", 1.0), ("b", 4.0)], " ms", marked="a")).iter(
        "{http://www.w3.org/2000/svg}rect"
    )
    widths = [float(one.get("width")) for one in list(rectangles)[1:]]
    assert widths[1] == pytest.approx(4 * widths[0], rel=0.01)
