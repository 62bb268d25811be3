"""The checker of plans and the worlds they are run on: they must find what is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kong_federation.plan import Fetch, Flatten, Parallel, QueryPlan, Sequence
from kong_federation.planner import Planner
from kong_federation.supergraph import load_supergraph
from spec.plans.case import planner
from spec.plans.verdict import disagreements
from spec.testkit import Checker, Thing, Truth, World, extract

QUERY = "{ products { upc isExpensive } }"


@pytest.fixture(scope="module")
def shop() -> Planner:
    return planner("two-same-service-calls")


@pytest.fixture
def plan(shop) -> QueryPlan:
    return shop.plan(QUERY)


def fetches(plan: QueryPlan) -> list[Fetch]:
    assert isinstance(plan.node, Sequence)
    return list(plan.node.nodes)


def with_nodes(plan: QueryPlan, nodes) -> QueryPlan:
    return replace(plan, node=Sequence(tuple(nodes)))


def with_flatten(fetch: Fetch, **changes) -> Fetch:
    return replace(fetch, flattens=(replace(fetch.flattens[0], **changes),))


def problems(shop: Planner, plan: QueryPlan, query: str = QUERY) -> str:
    return "\n".join(Checker(shop).problems(plan, query))


def test_a_right_plan_has_no_problems(shop, plan):
    assert len(fetches(plan)) > 1
    assert not problems(shop, plan)


def test_a_fetch_that_is_missing_is_missed(shop, plan):
    assert "nobody fetches it" in problems(shop, with_nodes(plan, fetches(plan)[:-1]))


def test_fetches_at_the_same_time_know_nothing_of_each_other(shop, plan):
    hasty = replace(plan, node=Parallel(tuple(fetches(plan))))
    assert "asks for nothing" in problems(shop, hasty)


def test_a_required_field_that_is_not_represented(shop, plan):
    *others, last = fetches(plan)
    (flatten,) = last.flattens
    bare = tuple(
        replace(one, fields=tuple(field for field in one.fields if field.key)) for one in flatten.representations
    )
    assert "requires more" in problems(shop, with_nodes(plan, [*others, with_flatten(last, representations=bare)]))


def test_a_representation_without_its_key(shop, plan):
    *others, last = fetches(plan)
    (flatten,) = last.flattens
    keyless = tuple(
        replace(one, fields=tuple(field for field in one.fields if not field.key)) for one in flatten.representations
    )
    found = problems(shop, with_nodes(plan, [*others, with_flatten(last, representations=keyless)]))
    assert "no resolvable key of Product" in found


def test_a_path_that_leads_nowhere(shop, plan):
    *others, last = fetches(plan)
    found = problems(shop, with_nodes(plan, [*others, with_flatten(last, paths=())]))
    assert "its paths lead nowhere" in found


def test_an_external_field_is_not_asked_for(shop, plan):
    *others, last = fetches(plan)
    greedy = replace(last, document=last.document.replace("isExpensive", "isExpensive price"))
    assert "Product.price is external and not provided" in problems(shop, with_nodes(plan, [*others, greedy]))


def test_a_document_that_is_not_valid_in_its_subgraph(shop, plan):
    first, *others = fetches(plan)
    broken = replace(first, document=first.document.replace("upc", "upc nonsense"))
    assert "Cannot query field 'nonsense'" in problems(shop, with_nodes(plan, [broken, *others]))


def test_an_answer_with_other_fields(shop, plan):
    assert "has ['upc', 'isExpensive']" in problems(shop, plan, "{ products { upc } }")


def test_a_variable_that_is_not_sent(shop, plan):
    first, *others = fetches(plan)
    assert "is not what is sent" in problems(shop, with_nodes(plan, [replace(first, variables=("x",)), *others]))


def test_subgraphs_answer_nothing_that_is_not_theirs(shop, plan):
    *others, last = fetches(plan)
    greedy = replace(last, document=last.document.replace("isExpensive", "isExpensive price"))
    greedy_plan = with_nodes(plan, [*others, greedy])
    errors = [error for seed in range(3) for error in World(shop, seed).federated(greedy_plan, {}).errors]
    assert any("external and not provided" in error for error in errors)


def test_a_wrong_representation_is_noticed(shop, plan):
    *others, last = fetches(plan)
    (flatten,) = last.flattens
    wrong = tuple(
        replace(one, fields=tuple(field if field.key else replace(field, source="upc") for field in one.fields))
        for one in flatten.representations
    )
    world = World(shop, 1)
    answer = world.federated(with_nodes(plan, [*others, with_flatten(last, representations=wrong)]), {})
    assert list(disagreements(world.monolith(QUERY, {}), answer))


def test_paths_are_data(plan):
    assert all(isinstance(flatten, Flatten) for fetch in fetches(plan) for flatten in fetch.flattens)


# --- worlds -------------------------------------------------------------------------------------------------------


def test_the_same_seed_is_the_same_world(shop):
    first, second, other = (World(shop, seed).monolith(QUERY, {}).data for seed in (1, 1, 2))
    assert first == second
    assert first != other


def test_arguments_make_a_difference_but_defaults_do_not():
    text = """
        schema @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query }
        enum join__Graph { A @join__graph(name: "a", url: "") }
        type Query @join__type(graph: A) { f(n: Int = 3): String! }
    """
    truth = Truth(load_supergraph(text), 0)
    root = Thing("Query", 0)
    assert truth.value(root, "f", {}) == truth.value(root, "f", {"n": 3})
    assert truth.value(root, "f", {}) != truth.value(root, "f", {"n": 4})


def test_objects_are_found_by_their_keys_alone(shop):
    truth = World(shop, 0).truth
    key = shop.supergraph.types["Product"].joins["INVENTORY"].keys[0].fields
    for thing in truth.things("Product"):
        assert truth.find(frozenset({"Product"}), key, truth.select(thing, key)) == thing
    assert truth.find(frozenset({"Product"}), key, {"upc": "nobody's"}) is None


def test_a_subgraphs_schema_has_what_is_its_own():
    shop = planner("mutations")
    truth = Truth(shop.supergraph, 0)
    schema = extract(shop.supergraph, truth.whole.document, "B")
    assert schema.type_map["Product"].fields.keys() == {"id", "price", "isExpensive", "isAvailable"}
    assert schema.query_type.fields.keys() == {"_service", "_entities"}
    assert schema.mutation_type.fields.keys() == {"delete"}
