"""Which fetches may bring numbers that must stay as they are written."""

from pathlib import Path

import pytest

from kong_federation.plan import Fetch, Node, Parallel, Sequence, Written, decode_plan, encode_plan
from kong_federation.planner import Planner
from kong_federation.supergraph import load_supergraph

WORKLOAD = Path(__file__).parents[2] / "bench" / "workload"
SUPERGRAPH = (WORKLOAD / "supergraph.graphql").read_text()
OPERATION = (WORKLOAD / "operation.graphql").read_text()
MORE = """
scalar Money @join__type(graph: PRODUCTS)
enum Color @join__type(graph: PRODUCTS) { RED @join__enumValue(graph: PRODUCTS) }
"""


def exact(node: Node | None) -> set[str]:
    """The subgraphs that are asked for such numbers."""
    match node:
        case Fetch(subgraph=subgraph, exact=True):
            return {subgraph}
        case Sequence(nodes) | Parallel(nodes):
            return {name for inner in nodes for name in exact(inner)}
        case _:
            return set()


def test_the_benchmark_has_none() -> None:
    assert exact(Planner(load_supergraph(SUPERGRAPH)).plan(OPERATION).node) == set()


@pytest.mark.parametrize(
    ("leaf", "expected"), [("Float", True), ("[Money!]!", True), ("Color", False), ("Boolean", False), ("[ID]", False)]
)
def test_floats_and_custom_scalars_decide(leaf: str, expected: bool) -> None:
    sdl = SUPERGRAPH.replace("weight: Int", f"weight: {leaf}") + MORE
    assert sdl != SUPERGRAPH + MORE
    planner = Planner(load_supergraph(sdl))
    assert exact(planner.plan("{ topProducts { name price } }").node) == set()
    assert exact(planner.plan("{ topProducts { weight } }").node) == ({"products"} if expected else set())
    # What only a representation needs counts as well: the client asks for no weight here.
    found = exact(planner.plan("{ topProducts { shippingEstimate } }").node)
    assert found == ({"products"} if expected else set())


@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        ("5", 5),
        ("1.5", 1.5),
        ('{a: [1.5, "x", RED, null, true]}', {"a": [1.5, "x", "RED", None, True]}),
        ("1.10", Written("1.10")),
        ("-0", Written("-0")),
        ("1e400", Written("1e400")),
        ("9" * 30, Written("9" * 30)),
        ('{a: [1E2, "\\"x", RED, null, true]}', Written('{"a":[1E2,"\\"x","RED",null,true]}')),
    ],
)
def test_defaults_of_variables_keep_their_numbers(literal: str, expected: object) -> None:
    sdl = SUPERGRAPH.replace("topProducts(first: Int = 5)", "topProducts(first: Int = 5, big: Money)") + MORE
    plan = Planner(load_supergraph(sdl)).plan(f"query($v: Money = {literal}) {{ topProducts(big: $v) {{ upc }} }}")
    assert plan.variables[0].default == expected
    assert decode_plan(encode_plan(plan)) == plan
