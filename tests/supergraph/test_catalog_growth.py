"""The catalog's cost is in proportion to the types: counted in Python instructions, because times are noise."""

from __future__ import annotations

import sys

import pytest

from bench.scaling.graphs import Size, supergraph
from kong_federation.supergraph import load_supergraph
from kong_federation.supergraph.catalog import Catalog


def instructions(work):
    """How many are executed, loops in comprehensions included, which calls would not show."""
    count = 0

    def seen(frame, event, _argument):
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return seen

    before = sys.gettrace()
    sys.settrace(seen)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("public", [True, False])
def test_four_times_the_types_cost_four_times(public):
    graphs = [load_supergraph(supergraph(Size(5, types))) for types in (100, 400)]
    few, many = (instructions(lambda graph=graph: Catalog(graph, public=public)) for graph in graphs)
    assert few > 1_000
    assert many < 4.5 * few
