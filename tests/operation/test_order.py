"""Where fields stand when one response key is selected in several places."""

from itertools import product
from pathlib import Path

import pytest

from kong_federation.errors import FederationError
from kong_federation.limits import Budget
from kong_federation.operation.order import find_turns
from kong_federation.plan import show_plan
from kong_federation.planner import Planner
from kong_federation.supergraph import load_supergraph
from spec.plans.verdict import answers_agree

BENCH = Path(__file__).parents[2] / "bench" / "workload"
MUTATIONS = Path(__file__).parents[2] / "spec" / "audit" / "suites" / "mutations"

NONE = frozenset()
X, NOT_X, Y = frozenset({("x", True)}), frozenset({("x", False)}), frozenset({("y", True)})


def stands(when, values):
    return when == () or any(all(values[name] is wanted for name, wanted in tests) for tests in when)


@pytest.mark.parametrize(
    "selected",
    [
        [("a", X), ("b", NONE), ("a", NONE)],
        [("a", X), ("b", NONE), ("a", NOT_X)],
        [("a", X), ("b", Y), ("a", Y), ("b", X), ("a", NONE), ("b", NONE)],
        [("a", X | Y), ("b", NONE), ("a", NOT_X | Y), ("c", X), ("a", NONE), ("c", NONE)],
        [("a", X), ("a", Y), ("b", NONE), ("a", X | Y), ("c", NONE)],
    ],
)
def test_each_field_stands_once_and_where_it_is_selected_first(selected) -> None:
    turns = find_turns(selected, Budget(1000))
    if turns is None:
        turns = [(key, tuple(one for other, one in selected if other == key)) for key in dict(selected)]

    for x, y in product((True, False), repeat=2):
        values = {"x": x, "y": y}
        first = dict.fromkeys(key for key, condition in selected if stands((condition,) if condition else (), values))
        assert [key for key, when in turns if stands(when, values)] == list(first)


def test_a_key_that_is_selected_again_at_once_has_one_turn() -> None:
    assert find_turns([("a", X), ("a", Y), ("b", NONE), ("a", X)], Budget(1000)) is None


def test_conditions_that_exclude_each_other_in_too_many_ways_cost_too_much() -> None:
    conditions = [frozenset((f"v{number}{letter}", True) for letter in "abcdef") for number in range(12)]

    with pytest.raises(FederationError):
        find_turns([turn for one in conditions for turn in (("a", one), ("b", one))], Budget(10_000))


def test_answers_are_in_the_order_of_the_variables() -> None:
    planner = Planner(load_supergraph((BENCH / "supergraph.graphql").read_text()))
    text = """query ($x: Boolean! = true, $y: Boolean! = false) {
      me { username @include(if: $x) name @include(if: $y) id name username reviews { id } ...F @skip(if: $y) }
      users { id }
      me @include(if: $x) { birthday }
    }
    fragment F on User { reviews { body id } name }"""

    assert answers_agree(planner, text, 1, frozenset()) == []


def test_a_mutation_with_two_places_runs_in_the_right_one() -> None:
    planner = Planner(load_supergraph((MUTATIONS / "supergraph.graphql").read_text()))
    add = 'a: addProduct(input: {name: "a", price: 1}) { name }'
    text = f"""mutation ($x: Boolean! = true) {{
      {add.replace("{ name }", "@include(if: $x) { name }")}
      b: addProduct(input: {{name: "b", price: 2}}) {{ name }}
      {add}
    }}"""

    assert answers_agree(planner, text, 1, frozenset()) == []
    assert show_plan(planner.plan(text)).count("addProduct") == 3
