"""The supergraphs of growing size, the exponents, and a short run of everything that is not under load."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import orjson
import pytest

from bench.distinct import Look
from bench.distinct import summary as distinct_summary
from bench.scaling.graphs import Size, operations, supergraph
from bench.scaling.load import Answer, Concurrency, answer_questions
from bench.scaling.planning import Planned, one
from bench.scaling.report import Growth, Report, growths, summary, write
from kong_federation.plan import count_fetches, count_waves
from kong_federation.planner import Planner
from kong_federation.supergraph import load_supergraph
from spec.testkit import Checker

SIZES = [Size(2, 100), Size(5, 100), Size(20, 300), Size(7, 41)]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_supergraph_has_its_size_and_its_operations_have_valid_plans(size):
    loaded = load_supergraph(supergraph(size))
    assert len(loaded.graphs) == size.subgraphs
    made = [name for name in loaded.types if name[0] in "EVNI" and name[1:].isdigit()]
    assert len(made) == size.types
    planner = Planner(loaded)
    checker = Checker(planner)
    for text in operations(size).values():
        assert checker.problems(planner.plan(text), text) == []


def test_a_chain_crosses_from_subgraph_to_subgraph():
    size = Size(10, 100)
    planner = Planner(load_supergraph(supergraph(size)))
    plans = {name: planner.plan(text).node for name, text in operations(size).items()}
    assert count_fetches(plans["short"]) == 2
    assert count_waves(plans["chain"]) >= 6
    assert count_fetches(plans["fan"]) >= 8


def test_one_size_is_measured():
    found = one(Size(5, 100))
    assert set(found["plan_ms"]) == {"short", "chain", "fan"}
    assert all(milliseconds > 0 for milliseconds in found["plan_ms"].values())
    assert found["load_s"] > 0


@pytest.mark.parametrize(
    ("points", "exponent"),
    [
        ([(1, 10), (10, 100), (100, 1_000)], 1.0),
        ([(1, 10), (10, 1_000), (100, 100_000)], 2.0),
        ([(1, 10), (10, 10), (100, 10)], 0.0),
        ([(1, 0.1), (10, 0.9), (100, 4)], 0.0),  # too little to be judged
        ([(1, 10), (10, 1_000), (100, 1_000), (1_000, 1_000)], 0.0),  # only the last two steps count
    ],
)
def test_exponents(points, exponent):
    growth = Growth("x", points)
    assert growth.exponent == pytest.approx(exponent)
    assert growth.steep == (exponent > 1.3)


def report():
    row = Planned(Size(20, 100), 30.0, 0.1, 10.0, {"short": 1.0, "chain": 20.0, "fan": 30.0}, 20.0)
    larger = replace(row, size=Size(20, 1_000), load_s=10.0)
    answers = [Answer("rows", kb, kb * 0.1, 1.0, 60.0) for kb in (100.0, 1_000.0)]
    clients = [Concurrency(n, 1_000.0, n * 1.0, n * 2.0, 0.5) for n in (1, 16, 64)]
    return Report({"cores": 2}, [row, larger], [row, replace(row, size=Size(50, 100))], [], answers, clients)


def test_the_report_marks_what_is_steep_and_has_its_plots(tmp_path):
    found = {growth.name: growth.exponent for growth in growths(report())}
    assert found["load, ms by types"] == pytest.approx(2.0)
    assert found["CPU ms by answer KB, rows"] == pytest.approx(1.0)
    text = write(report(), tmp_path).read_text()
    assert "| load, ms by types | 2.00 | **steep** |" in text
    for name in ("types", "subgraphs", "answers", "concurrency"):
        assert f"scaling-{name}.svg" in text
        assert (tmp_path / f"scaling-{name}.svg").read_text().startswith("<svg")
    line = summary(report())
    assert line.startswith("SCALING load_ms_by_types=2.00 ")
    assert line.endswith("steep=1")


def test_parts_that_were_not_measured_are_left_out(tmp_path):
    assert "##" not in write(Report({}), tmp_path).read_text().replace("## Exponents", "")


def test_answers_have_about_their_size():
    for _, size, question in answer_questions((10_000, 100_000)):
        assert size * 0.7 < len(orjson.dumps(question.expected)) < size * 1.3
        assert "errors" not in question.expected


def test_the_memory_of_distinct_operations_in_one_line():
    start, arguments = Look(0, 45.0, 30.0), SimpleNamespace(cache_bytes=2**27)
    flat = [Look(n * 1_000, 50.0 + min(n, 2), 40.0) for n in range(1, 11)]
    assert distinct_summary(start, flat, arguments, 10.0, 0) == (
        "DISTINCT operations=10000 worker_mb_start=45.0 worker_mb_full=52.0 worker_mb_end=52.0 worker_mb_most=52.0 "
        "planner_mb_end=40.0 cache_bound_mb=128 per_second=1000 bounded=yes wrong=0"
    )
    growing = [Look(n * 1_000, 50.0 + 10 * n, 40.0) for n in range(1, 11)]
    assert "bounded=no" in distinct_summary(start, growing, arguments, 10.0, 0)
    large = [Look(n * 1_000, 45.0 + 200.0, 40.0) for n in range(1, 11)]
    assert "bounded=no" in distinct_summary(start, large, arguments, 10.0, 0)
