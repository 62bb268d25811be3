"""Random supergraphs and operations, and the cases that earlier runs have found."""

from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st

from kong_federation.planner import Planner
from kong_federation.supergraph import load_supergraph, request_schema
from spec.fuzz.case import Case, category, found
from spec.fuzz.graphs import GraphMaker
from spec.fuzz.operations import operation
from spec.fuzz.run import cases
from spec.fuzz.shrink import shrink

# About fifteen seconds of CPU; the same supergraphs in every run.
SUPERGRAPHS = range(30)
KNOWN = [case for case in found() if case.known]


@pytest.mark.parametrize("case", list(found()), ids=lambda case: case.name)
def test_what_was_found_stays_right(case: Case):
    problems = case.problems()
    if case.known:
        assert problems, f"it is right: take `known` out of {case.name}/case.json"
    else:
        assert problems == []


@pytest.mark.parametrize("first", [number for number in SUPERGRAPHS if number % 10 == 0])
def test_random_answers_are_the_monoliths(first):
    kinds = {category(problem) for case in KNOWN for problem in case.problems()[:1]}
    for number in range(first, first + 10):
        for case, planner in cases(number):
            new = [problem for problem in case.problems(planner) if category(problem) not in kinds]
            assert not new, f"python -m spec.fuzz --first {number} --minutes 0.01\n{case.operation}"


# Shrinking is ours (decision 16): what fails here is made small by `shrink`.
BY_HYPOTHESIS = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@BY_HYPOTHESIS
@given(st.randoms(use_true_random=False))
def test_supergraphs_by_hypothesis_chance_are_answered_like_the_monolith(random):
    text = GraphMaker(random).make().sdl()
    planner = Planner(load_supergraph(text))
    try:
        asked = operation(request_schema(planner.api_schema), random)
    except LookupError:
        reject()
    case = Case("drawn", text, asked, 0)
    assert case.problems(planner) == [], f"{asked}\n{text}"


def test_the_same_number_makes_the_same_cases():
    assert [case for case, _ in cases(3)] == [case for case, _ in cases(3)]


def test_a_made_supergraph_loads():
    for number in range(1000, 1050):
        assert load_supergraph(GraphMaker(Random(number)).make().sdl()).roots["query"] == "Query"


def test_shrinking_keeps_the_kind_of_failure(monkeypatch):
    def problems(self, planner=None):
        return ["data.x: wrong"] if "f1" in self.operation and "f1" in self.supergraph else []

    monkeypatch.setattr(Case, "problems", problems)
    operation = "query ($if0: Boolean! = true) { a { ...F0 @include(if: $if0) b: f2 } } fragment F0 on E0 { f1 f3 }"
    small = shrink(Case("x", "type Query { a: Int } type E0 { f1: Int }", operation, 0))
    assert "f1" in small.operation
    assert not {"F0", "if0", "f2", "f3"} & set(re.findall(r"\w+", small.operation))
