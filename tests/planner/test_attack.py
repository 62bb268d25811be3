"""
The planner under attack: what is asked is planned within its steps, or refused with an error that says so.

Effort is counted in steps of the budget, which are the same on every machine; the clock plays no part. A ceiling is
about twice what was measured when it was written down.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from functools import cache

import pytest

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.limits.budget import Budget
from kong_federation.plan import QueryPlan, count_fetches, count_waves, encode_plan
from kong_federation.planner import Planner, PlannerOptions
from kong_federation.supergraph import load_supergraph
from tests.planner import generated

MEGABYTE = 1_000_000
# The clock is out of play: steps alone decide.
HOUR = 3600.0

WORLDS: dict[str, Callable[[], str]] = {
    "few": lambda: generated.interface_world(4),
    "interface": lambda: generated.interface_world(80),
    "values": lambda: generated.values_world(levels=5, graphs=6),
    "wide": lambda: generated.wide_world(graphs=20, fields=200, holders=3),
    "ring": lambda: generated.ring_world(20),
    "union": lambda: generated.union_world(100),
    "chain": lambda: generated.chain_world(150),
    "chain300": lambda: generated.chain_world(300),
    "tangled": lambda: generated.requiring_world(12),
}


@cache
def supergraph(world: str):
    return load_supergraph(WORLDS[world]())


@pytest.fixture
def attack(monkeypatch):
    """Plans in a world within so many steps; returns the plan and the steps it took."""

    def run(world: str, text: str, most: int) -> tuple[QueryPlan, int]:
        budgets: list[Budget] = []

        def budget(steps: int, deadline: float | None) -> Budget:
            budgets.append(Budget(steps, deadline))
            return budgets[-1]

        monkeypatch.setattr("kong_federation.planner.planner.Budget", budget)
        plan = Planner(supergraph(world), PlannerOptions(max_steps=most, timeout=HOUR)).plan(text)
        return plan, most - budgets[0].steps

    return run


def on_each(names: list[str], inside: Callable[[int], str]) -> str:
    return " ".join(f"... on {name} {{ {inside(number)} }}" for number, name in enumerate(names))


# --- large, but fair --------------------------------------------------------------------------------------------------


def items(levels: int) -> str:
    below = f" next {{ {items(levels - 1)} }} other {{ {items(levels - 1)} }}" if levels else ""
    return f"name price stock{below}"


def own_fields(levels: int) -> str:
    """Each implementation's own fields, and the same one level deeper."""
    own = on_each([f"I{number}" for number in range(80)], lambda number: f"own0_{number} own1_{number} own2_{number}")
    return f"name price stock {own}" + (f" next {{ {own_fields(levels - 1)} }}" if levels else "")


def values(levels: int) -> str:
    alone = " ".join(f"alone{graph}" for graph in range(6))
    below = f" left {{ {values(levels - 1)} }} right {{ {values(levels - 1)} }}" if levels else ""
    return f"shared {alone}{below}"


def wide(inside: str) -> str:
    below = {0: f" {{ {inside} }}", 5: " { shared more }"}
    return "id " + " ".join(f"f{number}{below.get(number % 10, '')}" for number in range(200))


def links(levels: int) -> str:
    if not levels:
        return "f0 f10 f19"
    return " ".join(f"f{number} link{number} {{ {links(levels - 1)} }}" for number in range(20))


def members(levels: int) -> str:
    """Each member of the union told apart, and those below the first two again."""

    def inside(number: int) -> str:
        more = f"more {{ {members(levels - 1)} }}" if levels and number < 2 else ""
        return f"id {'odd' if number % 2 else 'even'}: same own{number} {more}"

    return on_each([f"M{number}" for number in range(100)], inside)


def aliases(count: int, text: str) -> str:
    return " ".join(f"a{number}: {text}" for number in range(count))


@pytest.mark.parametrize(
    ("world", "text", "most", "fetches", "waves"),
    [
        pytest.param("interface", f"items {{ {items(4)} }}", 100_000, 7, 6, id="80 implementations, 4 levels"),
        pytest.param("interface", f"items {{ {own_fields(4)} }}", 90_000, 3, 2, id="80 implementations' own fields"),
        pytest.param("values", f"value {{ {values(5)} }}", 16_000, 6, 1, id="5 levels of shared values"),
        pytest.param("wide", f"wide {{ {wide('id')} }}", 4_000, 10, 2, id="200 fields in 20 subgraphs"),
        pytest.param("wide", f"wide {{ {wide(wide('id f1 f2'))} }}", 150_000, 11, 4, id="4000 fields in 20 subgraphs"),
        pytest.param("ring", "start { f19 }", 100, 20, 20, id="20 keys, each from the one before"),
        pytest.param("ring", f"start {{ {links(2)} }}", 50_000, 51, 51, id="a ring of keys, from all to all"),
        pytest.param("ring", f"start {{ {generated.nested(50, 'link1', 'f0')} }}", 2_000, 21, 21, id="50 levels"),
        pytest.param("union", f"any {{ {members(0)} }}", 25_000, 3, 2, id="a union of 100"),
        pytest.param("union", f"any {{ {members(2)} }}", 160_000, 3, 2, id="a union of 100 in a union of 100"),
        pytest.param("ring", f"start {{ {aliases(1000, 'f5')} }}", 8_000, 6, 6, id="1000 aliases"),
        pytest.param("ring", f"start {{ {aliases(1000, 'link1 { f5 }')} }}", 50_000, 6, 6, id="1000 aliased objects"),
        pytest.param("chain", "start { f99 }", 2_000, 100, 100, id="100 fields, each requires the one before"),
    ],
)
def test_large_operations_are_planned_within_their_steps(attack, world, text, most, fetches, waves) -> None:
    plan, steps = attack(world, f"{{ {text} }}", most)

    assert (count_fetches(plan.node), count_waves(plan.node)) == (fetches, waves)
    assert steps <= most
    assert len(encode_plan(plan)) < MEGABYTE


# --- small, but explosive ---------------------------------------------------------------------------------------------


def doubling(levels: int, one: str, other: str, inside: str) -> str:
    """Fragments each of which spreads the next one twice; `#` in the two fields stands for the level's number."""
    fragments = [
        f"fragment F{level} on Item {{ {one} {{ ...F{level + 1} }} {other} {{ ...F{level + 1} }} }}".replace(
            "#", str(level)
        )
        for level in range(levels)
    ]
    return " ".join(["{ items { ...F0 } }", *fragments, f"fragment F{levels} on Item {{ {inside} }}"])


def flags(count: int) -> str:
    return f"query ({', '.join(f'$v{number}: Boolean!' for number in range(count))}) "


def told_apart(levels: int) -> str:
    """Every member of the union has the union below it, the first one with all members again."""
    if not levels:
        return "__typename"
    return "__typename " + on_each(
        [f"M{number}" for number in range(100)],
        lambda number: f"id more {{ {told_apart(0 if number else levels - 1)} }}",
    )


def alternatives(count: int, levels: int, *, shorter: bool = False) -> str:
    """One field under many conditions, with the same below it each time, or each time one level less."""
    fields = (
        f"next @include(if: $v{number}) {{ {generated.nested(max(levels - shorter * number, 1), 'next', 'id')} }}"
        for number in range(count)
    )
    return f"{flags(count)}{{ items {{ {' '.join(fields)} }} }}"


CONDITIONS = ("next @include(if: $v#)", "next @skip(if: $v#)")


def conditional_spreads(levels: int) -> str:
    fragments = (
        f"fragment F{level} on Item {{ ...F{level + 1} @include(if: $v{level}) ...F{level + 1} @skip(if: $v{level}) }}"
        for level in range(levels)
    )
    return f"{flags(levels)}{{ items {{ ...F0 }} }} {' '.join(fragments)} fragment F{levels} on Item {{ price }}"


def deferred_spreads(levels: int) -> str:
    """A field of each level stands in every selection of the fragments that are deferred around it."""
    fragments = (
        f"fragment F{level} on Item {{ ...F{level + 1} @defer next {{ ...F{level + 1} @defer price }} }}"
        for level in range(levels)
    )
    return f"{{ items {{ ...F0 }} }} {' '.join(fragments)} fragment F{levels} on Item {{ id price }}"


@pytest.mark.parametrize(
    ("world", "text", "most"),
    [
        pytest.param("few", doubling(7, "a: next", "b: next", "id"), 4_000, id="aliases double"),
        pytest.param("few", doubling(7, "next", "other", "price"), 6_000, id="fields double"),
        pytest.param("few", doubling(30, "next", "next", "id"), 4_000, id="nothing doubles"),
        pytest.param("few", flags(6) + doubling(6, *CONDITIONS, "price"), 100_000, id="conditions double"),
        pytest.param("few", conditional_spreads(6), 100_000, id="conditions of spreads double"),
        pytest.param("few", alternatives(10, 8), 8_000, id="10 alternatives at each of 8 levels"),
        pytest.param("few", alternatives(10, 10, shorter=True), 8_000, id="10 alternatives that get fewer"),
        pytest.param("union", f"{{ any {{ {told_apart(2)} }} }}", 300_000, id="types multiply"),
        pytest.param(
            "interface",
            f"{{ items {{ {generated.nested(8, 'next', '__typename id')} }} }}",
            30_000,
            id="an interface in an interface",
        ),
        pytest.param("few", deferred_spreads(8), 14_000, id="deferred fragments double"),
    ],
)
def test_what_multiplies_does_not_explode_while_it_is_small(attack, world, text, most) -> None:
    plan, steps = attack(world, text, most)

    assert steps <= most
    assert len(encode_plan(plan)) < MEGABYTE


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(doubling(30, "a: next", "b: next", "id"), id="aliases"),
        pytest.param(doubling(30, "next", "other", "price"), id="fields"),
        pytest.param(flags(14) + doubling(14, *CONDITIONS, "price"), id="conditions"),
        pytest.param(conditional_spreads(14), id="conditions of spreads"),
        pytest.param(deferred_spreads(14), id="deferred fragments"),
    ],
)
def test_fragment_bombs_use_up_their_steps_and_little_memory(attack, text) -> None:
    supergraph("few")
    tracemalloc.start()
    try:
        with pytest.raises(FederationError) as caught:
            attack("few", text, 20_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert caught.value.code.name == "QUERY_PLANNING_LIMIT"
    # A kilobyte per step: 200 MB for 200,000.
    assert peak < 20 * MEGABYTE


def test_a_supergraph_in_which_everything_requires_everything_is_given_up(attack) -> None:
    with pytest.raises(FederationError) as caught:
        attack("tangled", f"{{ start {{ {' '.join(f'f{number}' for number in range(12))} }} }}", 30_000)

    assert caught.value.code.name == "QUERY_PLANNING_LIMIT"


# --- deep -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("levels", [150, 200, 500, 5_000])
def test_deep_documents_are_refused_in_words(attack, levels) -> None:
    """Python's stack is the limit, so where it runs out depends on the process; that it runs out must not show."""
    with pytest.raises(FederationError) as caught:
        attack("ring", f"{{ start {{ {generated.nested(levels, 'link1', 'f0')} }} }}", 100_000)

    assert caught.value.code.name in {"GRAPHQL_PARSE_FAILED", "QUERY_PLANNING_LIMIT"}
    assert "nested too deeply" in caught.value.message


@pytest.mark.parametrize("levels", [150, 500, 2_000])
def test_chains_of_fragments_are_refused_in_words(attack, levels) -> None:
    fragments = " ".join(f"fragment F{level} on Linked {{ link1 {{ ...F{level + 1} }} }}" for level in range(levels))
    with pytest.raises((FederationError, FederationErrors)) as caught:
        attack("ring", f"{{ start {{ ...F0 }} }} {fragments} fragment F{levels} on Linked {{ f0 }}", 100_000)

    found = caught.value.errors[0] if isinstance(caught.value, FederationErrors) else caught.value
    assert found.code.name in {"DOCUMENT_LIMIT_EXCEEDED", "QUERY_PLANNING_LIMIT"}


def test_requirements_that_require_too_much_are_refused_in_words(attack) -> None:
    with pytest.raises(FederationError) as caught:
        attack("chain300", "{ start { f299 } }", 100_000)

    assert caught.value.code.name == "QUERY_PLANNING_LIMIT"


def test_the_same_field_five_thousand_times_is_refused(attack) -> None:
    """graphql-core bounds the comparisons of fields that might conflict; there are quadratically many."""
    with pytest.raises(FederationErrors) as caught:
        attack("ring", f"{{ start {{ {'f5 ' * 5_000} }} }}", 100_000)

    assert caught.value.errors[0].code.name == "DOCUMENT_LIMIT_EXCEEDED"
