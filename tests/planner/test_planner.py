"""The planner's rules, each on the smallest plan that shows it."""

import re
from pathlib import Path

import pytest

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.plan import (
    Composite,
    Condition,
    Fetch,
    Node,
    OperationKind,
    Parallel,
    QueryPlan,
    Sequence,
    Subscription,
    count_fetches,
    count_waves,
    decode_plan,
    encode_plan,
    show_path,
    show_plan,
)
from kong_federation.planner import Planner, PlannerOptions
from kong_federation.supergraph import load_supergraph

ROOT = Path(__file__).parents[2]
SUITES = ROOT / "spec" / "audit" / "suites"

# `shared` comes from A and B; what is below it from one of them.
SHARED_FIELD = """
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)
{ query: Query }
enum join__Graph {
  A @join__graph(name: "a", url: "") B @join__graph(name: "b", url: "") R @join__graph(name: "r", url: "")
}
type Query @join__type(graph: R) { start: Item @join__field(graph: R) }
type Item @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") @join__type(graph: R, key: "id") {
  id: ID!
  shared: Item @join__field(graph: A) @join__field(graph: B)
  left: Item @join__field(graph: A)
  right: Item @join__field(graph: B)
  a: Int @join__field(graph: A)
  b: Int @join__field(graph: B)
}
"""


def planner(suite: str, **options: float) -> Planner:
    text = (SUITES / suite / "supergraph.graphql").read_text()
    return Planner(load_supergraph(text), PlannerOptions(**options))  # type: ignore[arg-type]


def fetches(node: Node | None) -> list[Fetch]:
    match node:
        case Fetch():
            return [node]
        case Sequence(nodes) | Parallel(nodes):
            return [fetch for inner in nodes for fetch in fetches(inner)]
        case Condition(_, when_true, when_false):
            return fetches(when_true) + fetches(when_false)
    return []


def documents(plan: QueryPlan) -> list[str]:
    return [fetch.document for fetch in fetches(plan.node)]


def test_the_benchmark_needs_six_requests_in_four_waves() -> None:
    workload = ROOT / "bench" / "workload"
    found = Planner(load_supergraph((workload / "supergraph.graphql").read_text()))

    plan = found.plan((workload / "operation.graphql").read_text())

    assert (count_fetches(plan.node), count_waves(plan.node)) == (6, 4)


def test_a_client_alias_is_the_data_key() -> None:
    plan = planner("simple-requires-provides").plan("{ me { handle: username } }")

    assert documents(plan) == ["{me{handle:username}}"]
    user = plan.output.variants[0].fields[0].type
    assert isinstance(user, Composite)
    assert [(field.key, field.source) for field in user.variants[0].fields] == [("handle", "handle")]


def test_one_field_under_two_names_is_asked_for_twice() -> None:
    assert documents(planner("simple-requires-provides").plan("{ me { a: username b: username } }")) == [
        "{me{a:username b:username}}"
    ]


def test_a_key_never_collides_with_a_clients_alias() -> None:
    plan = planner("simple-requires-provides").plan("{ products { upc: name inStock } }")
    root, entities = fetches(plan.node)

    assert root.document == "{products{upc:name _kf0_upc:upc}}"
    assert [field.source for field in entities.flattens[0].representations[0].fields] == ["_kf0_upc"]


def test_what_is_required_with_arguments_does_not_collide_with_the_clients_arguments() -> None:
    plan = planner("requires-with-argument").plan("{ feed { comments(limit: 1) { id } author { name } } }")
    text = " ".join(documents(plan))

    assert re.search(r"comments\(limit: 1\)\{id\} _kf0_comments:comments\(limit: 3\)", text)


def test_types_that_differ_in_shape_get_keys_of_their_own() -> None:
    plan = planner("child-type-mismatch").plan("{ accounts { ... on User { id } ... on Admin { id } } }")

    assert documents(plan) == ["{accounts{__typename ...on Admin{id} ...on User{_kf0_id:id}}}"]


def test_what_is_needed_only_sometimes_is_fetched_only_then() -> None:
    plan = planner("simple-requires-provides").plan(
        "query ($stock: Boolean!) { products { name inStock @include(if: $stock) } }"
    )
    conditional = plan.node.nodes[1] if isinstance(plan.node, Sequence) else None

    assert isinstance(conditional, Condition)
    assert (conditional.variable, conditional.when_false) == ("stock", None)
    assert "$stock" not in fetches(conditional)[0].document


def test_what_is_fetched_anyway_carries_its_conditions() -> None:
    plan = planner("simple-requires-provides").plan(
        "query ($tag: Boolean!) { products { inStock shippingEstimateTag @skip(if: $tag) } }"
    )
    entities = fetches(plan.node)[1]

    assert "inStock shippingEstimateTag@skip(if:$tag)" in entities.document
    assert "$tag:Boolean!" in entities.document
    assert entities.variables == ("tag",)


def test_what_a_conditional_field_requires_is_there_for_the_others_too() -> None:
    """A representation that lacks a requirement is not sent, and `inStock` would be lost with it."""
    plan = planner("simple-requires-provides").plan(
        "query ($x: Boolean!) { products { inStock shippingEstimate @include(if: $x) } }"
    )
    root, entities = fetches(plan.node)

    assert root.document == "{products{upc price weight}}"
    assert "inStock shippingEstimate@include(if:$x)" in entities.document


def test_requirements_that_cost_a_request_keep_their_condition() -> None:
    plan = planner("requires-circular").plan("query ($x: Boolean!) { feed { id byExpert @include(if: $x) } }")

    assert isinstance(plan.node, Sequence)
    # The third, below what the second brings, finds no objects without it.
    assert [isinstance(node, Condition) for node in plan.node.nodes] == [False, True, False, True, True]


def test_two_conditions_on_one_field_are_two_selections() -> None:
    plan = planner("simple-requires-provides").plan(
        "query ($a: Boolean!, $b: Boolean!) { me { name @include(if: $a) name @include(if: $b) } }"
    )

    assert documents(plan) == [
        "query($a:Boolean!,$b:Boolean!){me{name@include(if:$a) name@include(if:$b)}}",
    ]


def test_a_variable_goes_only_where_it_is_used_and_keeps_its_default() -> None:
    plan = planner("abstract-types").plan(
        'query Near($zip: String = "1: 2") { products { ... on Book { delivery(zip: $zip) { fastestDelivery } } } }'
    )
    used = [fetch for fetch in fetches(plan.node) if fetch.variables]

    assert [fetch.subgraph for fetch in used] == ["inventory"]
    assert '$zip:String="1: 2"' in used[0].document


def test_the_clients_operation_name_is_seen_by_the_subgraphs() -> None:
    names = [
        re.match(r"query (\w+)", text)
        for text in documents(planner("simple-requires-provides").plan("query Mine { me { reviews { body } } }"))
    ]

    assert [name and name[1] for name in names] == ["Mine__accounts__0", "Mine__reviews__1"]


def test_mutations_keep_their_order_and_neighbours_share_a_request() -> None:
    text = """mutation {
      a: addCategory(name: "x", requestId: "1") { id }
      b: multiply(by: 2, requestId: "1")
      c: delete(requestId: "1")
      d: multiply(by: 3, requestId: "1")
    }"""
    plan = planner("mutations").plan(text)

    assert [fetch.subgraph for fetch in fetches(plan.node)] == ["a", "b", "a"]
    assert isinstance(plan.node, Sequence)
    assert "a:addCategory" in documents(plan)[0]
    assert "b:multiply" in documents(plan)[0]


def test_an_entity_is_asked_for_at_all_its_paths_at_once() -> None:
    plan = planner("simple-requires-provides").plan(
        "{ me { reviews { product { name } } } products { reviews { product { name } } } }"
    )
    batches = [fetch for fetch in fetches(plan.node) if any(len(flatten.paths) > 1 for flatten in fetch.flattens)]

    assert [[show_path(path) for path in flatten.paths] for fetch in batches for flatten in fetch.flattens] == [
        ["me.reviews.@.product", "products.@.reviews.@.product"]
    ]


def test_a_shared_field_is_asked_of_several_subgraphs_where_that_saves_a_wave() -> None:
    found = Planner(load_supergraph(SHARED_FIELD))

    both = found.plan("{ start { shared { left { a } right { b } } } }")
    one = found.plan("{ start { shared { left { a } } } }")

    assert (count_fetches(both.node), count_waves(both.node)) == (3, 2)
    assert (count_fetches(one.node), count_waves(one.node)) == (2, 2)


def test_nothing_is_fetched_for_typename_alone() -> None:
    plan = planner("simple-requires-provides").plan("{ __typename }")

    assert plan.node is None


def test_introspection_is_a_node_of_its_own_with_its_fragments_and_variables() -> None:
    plan = planner("simple-requires-provides").plan(
        "query ($old: Boolean!) { me { id } __schema { types { ...T } } } "
        "fragment T on __Type { fields(includeDeprecated: $old) { name } }"
    )
    text = show_plan(plan)

    assert "Introspect { query($old:Boolean!)" in text
    assert "fragment T on __Type" in text
    assert "{ me { id } }" in text


def test_introspection_is_answered_from_the_public_schema() -> None:
    found = planner("enum-intersection")

    data = found.introspect('{ __type(name: "UserType") { enumValues { name } } }', {})

    assert data == {"__type": {"enumValues": [{"name": "REGULAR"}]}}


def test_introspection_with_a_null_that_only_a_default_allows_is_the_clients_fault() -> None:
    found = planner("enum-intersection")
    with pytest.raises(FederationError, match="VALIDATION_INVALID_TYPE_VARIABLE"):
        found.introspect('query($n: String = "UserType") { __type(name: $n) { name } }', {"n": None})


def test_objects_of_hidden_types_can_be_told_from_others() -> None:
    plan = planner("requires-with-fragments").plan("{ a { data { foo } } }")

    assert "__typename" in documents(plan)[0]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("subscription { me { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ me { id ", "GRAPHQL_PARSE_FAILED"),
        ("{ nobody }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ me { id } } { me { id } }", "GRAPHQL_UNKNOWN_OPERATION_NAME"),
    ],
)
def test_bad_documents_are_the_clients_fault(text: str, code: str) -> None:
    with pytest.raises((FederationError, FederationErrors)) as caught:
        planner("simple-requires-provides").plan(text)
    first = caught.value.errors[0] if isinstance(caught.value, FederationErrors) else caught.value
    assert first.code.name == code


def test_planning_that_takes_too_many_steps_is_given_up() -> None:
    with pytest.raises(FederationError) as caught:
        planner("simple-requires-provides", max_steps=10).plan("{ me { reviews { product { name inStock } } } }")
    assert caught.value.code.name == "QUERY_PLANNING_LIMIT"


def test_planning_that_takes_too_long_is_given_up() -> None:
    levels = 22
    parts = [
        f"fragment F{n} on Book {{ a: similar {{ ...F{n + 1} }} b: similar {{ ...F{n + 1} }} }}" for n in range(levels)
    ]
    bomb = "{ books { ...F0 } } " + " ".join(parts) + f" fragment F{levels} on Book {{ id }}"

    with pytest.raises(FederationError) as caught:
        planner("abstract-types", timeout=0.2).plan(bomb)
    assert caught.value.code.name == "QUERY_PLANNING_LIMIT"


def test_what_is_nested_too_deeply_is_the_clients_fault() -> None:
    """Python's stack is the limit, so it depends on the process at which depth it is told; here it always is."""
    levels = 190
    with pytest.raises(FederationError) as caught:
        planner("abstract-types").plan("{ books { " + "similar { " * levels + "id" + " }" * (levels + 2))
    assert caught.value.code.name == "QUERY_PLANNING_LIMIT"
    assert "nested too deeply" in caught.value.message


def test_a_field_that_nobody_resolves_is_the_supergraphs_fault() -> None:
    text = (SUITES / "simple-entity-call" / "supergraph.graphql").read_text()
    broken = re.sub(r'key: "email"', 'key: "email", resolvable: false', text)

    with pytest.raises(FederationError) as caught:
        Planner(load_supergraph(broken)).plan("{ user { nickname } }")
    assert caught.value.code.name == "NO_PLAN"
    assert "User.nickname" in caught.value.message


def test_a_subscription_is_planned_as_what_opens_the_stream_and_what_follows_each_event() -> None:
    text = (ROOT / "tests" / "worlds" / "subscription" / "supergraph.graphql").read_text()
    plan = Planner(load_supergraph(text)).plan("subscription { ordered { number buyer { name } } }")

    assert isinstance(plan.node, Subscription)
    assert plan.node.primary.document == "subscription{ordered{number buyer{id}}}"
    assert plan.node.primary.kind is OperationKind.SUBSCRIPTION
    assert isinstance(plan.node.rest, Fetch)
    assert show_path(plan.node.rest.flattens[0].paths[0]) == "ordered.buyer"
    assert decode_plan(encode_plan(plan)) == plan
