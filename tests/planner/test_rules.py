"""
Rules of federation, each on a small supergraph that needs it: planned right, answered right, with no request too many.

`tests/worlds/rules/NAME` has a supergraph, whose first line says the rule, and operations with what they may cost.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from kong_federation.plan import count_fetches, count_waves, show_plan
from kong_federation.planner import Planner
from kong_federation.supergraph import load_supergraph
from spec.plans.verdict import answers_agree

RULES = Path(__file__).parents[1] / "worlds" / "rules"
SEEDS = 2

CASES = [
    pytest.param(folder.name, text, id=f"{folder.name}-{number}")
    for folder in sorted(RULES.iterdir())
    for number, text in enumerate((folder / "operations.graphql").read_text().split("\n\n"))
]


@cache
def planner(name: str) -> Planner:
    return Planner(load_supergraph((RULES / name / "supergraph.graphql").read_text()))


@pytest.mark.parametrize(("name", "text"), CASES)
def test_answers_are_the_monoliths(name: str, text: str) -> None:
    for seed in range(SEEDS):
        assert answers_agree(planner(name), text, seed, frozenset()) == []


@pytest.mark.parametrize(("name", "text"), CASES)
def test_no_request_is_too_many(name: str, text: str) -> None:
    most = re.match(r"# (\d+) requests? in (\d+) waves?", text)
    assert most is not None
    node = planner(name).plan(text).node

    assert (count_fetches(node), count_waves(node)) == (int(most[1]), int(most[2]))


def test_external_keys_are_counted_on_only_as_a_last_resort() -> None:
    text = (RULES / "external-key" / "supergraph.graphql").read_text()
    # B has the id as its own field; where the product comes from B too, A is not asked for it.
    also = text.replace("product: Product @join__field(graph: A)", "product: Product")

    shown = show_plan(Planner(load_supergraph(also)).plan("{ product { id price } }"))
    assert "{ product { price } }" in shown
    assert "{ product { id } }" in shown
