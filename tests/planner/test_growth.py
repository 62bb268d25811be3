"""Planning does not grow faster than its cause: counted in function calls, because times are noise."""

from __future__ import annotations

import sys

from bench.scaling.graphs import Size, operations, supergraph
from kong_federation.planner import Planner
from kong_federation.supergraph import load_supergraph


def calls(work):
    """How many Python functions are called."""
    count = 0

    def seen(_frame, event, _argument):
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def loaded(size):
    planner = Planner(load_supergraph(supergraph(size)))
    planner.plan("{ __typename }")  # what is made once
    return planner


def test_a_plan_costs_no_more_than_in_proportion_to_the_subgraphs():
    few, many = Size(20, 200), Size(80, 200)
    costs = []
    for size in (few, many):
        planner, text = loaded(size), operations(size)["short"]
        planner.plan(text)
        costs.append(calls(lambda planner=planner, text=text: planner.plan(text)))
    assert costs[1] < 4 * costs[0], "four times the subgraphs"
